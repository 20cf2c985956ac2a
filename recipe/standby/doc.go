// Package standby is the active-standby switch on ZooKeeper, as Hadoop has it for the NameNodes of HDFS
// and the ResourceManagers of YARN: one process of a group is active, the others stand by, and none
// becomes active before the one before it has been fenced. Take it in place of package election if an old
// active can do harm outside ZooKeeper, where no epoch is compared, and something else must stop it.
//
//	c, err := standby.New(env, standby.Config{
//		Layout: standby.Under("/standby/billing"), Name: "host1", Data: []byte("host1:9000"),
//		BecomeActive:  func(ctx context.Context, a *standby.Active) error { return server.Activate(a.Epoch()) },
//		BecomeStandby: func(ctx context.Context) error { return server.Deactivate(ctx) },
//		Fence:         func(ctx context.Context, old standby.Breadcrumb) error { return powerOff(ctx, old.Data) },
//	})
//	...
//	err = c.Run(ctx)
//
// A [Group] tells who is active, and asks for a failover ([Group.Failover]).
//
// # The znodes
//
//	Under(path)         YARN(cluster), HDFS(nameservice)
//	<path>              <parent>                            persistent  its data version is the epoch
//	<path>/lock         <parent>/ActiveStandbyElectorLock   ephemeral   the active: Config.Data
//	<path>/breadcrumb   <parent>/ActiveBreadCrumb           persistent  whom to fence: the Config.Data of the last active
//	<path>/candidates   <parent>/candidates                 persistent  c-<id>: an ephemeral of each candidate: its name
//	<path>/failover     <parent>/failover                   persistent  a request to hand over, while it is under way
//
// <parent> is /yarn-leader-election/<cluster> or /hadoop-ha/<nameservice>. Some texts call the ephemeral
// lock ActiveBreadCrumb. In Hadoop that znode is persistent, and the lock is ActiveStandbyElectorLock.
//
// # The order
//
//  1. One multi creates the lock and raises the epoch. It leaves the breadcrumb as it is.
//  2. The process that has won reads the breadcrumb. If it is another's, Config.Fence fences that one:
//     several times with growing pauses, if it fails. After Config.FenceAttempts the lock is given up, the
//     log says so, and after a pause this process stands again.
//  3. One multi checks the epoch and writes the own breadcrumb.
//  4. Config.BecomeActive.
//
// After a crash before 3 the breadcrumb names the one that was to be fenced, and after that the process
// that may be active. To give the lock up in good order, Config.BecomeStandby must have returned nil; then
// one multi checks the epoch, deletes the lock and the breadcrumb, and raises the epoch, so that nothing of
// the term that is still under way is applied later. A process that is not healthy, or whose BecomeStandby
// fails, leaves the breadcrumb there, so that the next active fences it.
//
// # Whose breadcrumb
//
// Hadoop compares the data: a breadcrumb with the own data is not fenced. So a process that was started
// again does not fence its earlier life, which may have been stopped and not ended, nor a twin with the
// same configuration. Here the mzxid counts, too: only the breadcrumb that this very life of this process has
// left is not fenced, because the life knows that BecomeStandby has returned nil since. For all others with
// the own data Config.Fence is called, with Breadcrumb.Same. The hook must then end the earlier life and
// not this one; or it returns nil, if something else ensures that no earlier life goes on, such as a
// service manager that starts one at a time. Put a process id in Data to tell lives apart.
//
// # By hand
//
// get <path>/breadcrumb shows whom the next active will fence; create <path>/breadcrumb "host3:9000" has it
// fence host3; deleteall <path>/breadcrumb says that nothing needs to be fenced. create -e <path>/lock takes
// the lock, without an epoch, and keeps all candidates standing by. create <path>/failover "host2" asks for
// a failover to host2, and "" for one to any other; the active deletes the request if there is no such
// candidate. set <path> "" ends the right of the active to write. A lock that is persistent is named in the
// log, and the candidates wait until it is deleted.
//
// # What is guaranteed
//
//   - BecomeActive is called only after Fence has returned nil for the process that the breadcrumb names,
//     in this term, after the lock was taken. So no process becomes active unfenced, whatever crashes.
//   - From before BecomeActive is called until BecomeStandby has returned nil and the lock is given up, or
//     until the next active has fenced it, the breadcrumb names the process that may act.
//   - Epochs grow: each active has a greater one than all before. This holds after the ensemble was wiped
//     or restored from a backup, as long as one candidate is alive that has seen the last epochs; otherwise
//     Config.EpochAtLeast says it.
//   - A write of an active (Active.Write) is applied only while no later process has won the lock, and this one
//     has not given it up; and whole or not at all. What its error says of the fate is true.
//   - The context of an active ends before another process can become active, as long as the clocks of this
//     machine and of the servers run equally fast within a quarter: the lease counts from when the last
//     acknowledged write was sent, for three quarters of the session timeout. It does not depend on hooks:
//     the session is closed although a hook hangs.
//   - A process that loses the ensemble is neutral (EnterNeutral) when half of its lease is left at most,
//     or when its connection was lost; then it is active again, or it becomes standby.
//   - After a failover that was accepted only its target takes the lock, while it is there and healthy, and
//     for Config.Grace at most. An attempt to take the lock that was under way is refused, because the
//     failover raises the epoch. If the target is not there when the active looks, nothing changes.
//   - A process stands for election only after BecomeStandby has returned nil and, if there is Health, only
//     while that returns nil.
//   - An answer that was lost is resolved: a candidate that does not know whether it has the lock, or has
//     left its breadcrumb, finds out.
//
// # What is not guaranteed
//
//   - Fencing is as good as the hook. Between the end of a lease and the return of Fence two processes may
//     believe to be active; ZooKeeper refuses the writes of the old one, and other systems must compare the
//     epoch.
//   - If the ensemble was restored from a backup, the breadcrumb is that of then: it may name none of the
//     processes that were active since. Write whom to fence by hand, before candidates start.
//   - With Hadoop's own processes in the same group: they raise no epoch, look at no request and hold back
//     for no target. A lock and a breadcrumb are respected by both sides, so each fences the other; but
//     Active.Write of an active whose lock Hadoop has taken is refused only when its lease is over.
//   - The candidates do not queue. The end of an active wakes all of them: use it for a handful.
//   - A request that was made by hand when no process was active is followed by the next active.
//
// # Cost
//
// A candidate has one session and one ephemeral. An active writes at least once in a sixth of the session
// timeout (an empty multi with a check). A switch is three writes (the lock, the breadcrumb, and the
// multi that gives both up), and three to eight reads.
//
// # Sources
//
// Hadoop's ActiveStandbyElector and ZKFailoverController: the breadcrumb (HADOOP-8163), the graceful failover
// (HADOOP-8279), and leaving the election when unhealthy. Different here: the lock is taken together
// with an epoch, and the breadcrumb is written under it (Hadoop compares the breadcrumb's version alone, and
// deletes it before the lock, in two requests); a failover is asked for by a znode and not by a call between
// the controllers; a manual transition to standby gives the lock up (YARN-11870). The claim by a version
// comes from Kafka (KAFKA-6082), and the number that grows from Chubby's sequencers.
package standby
