// Package election is leader election on ZooKeeper, for applications that only want a leader: no
// workers, no tasks. The masters of package recipe are elected by the same code. It reaches
// ZooKeeper, the clock and names only through package zkapi, so that tests and a model checker run
// what production runs.
//
//	c, err := election.New(env, election.Config{Path: "/elections/scheduler", Name: "host1"})
//	...
//	err = c.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
//		return schedule(ctx, l.Epoch()) // until ctx ends
//	})
//
// [Candidate.Run] leads again and again. [Candidate.Campaign] waits for one term, whose end the
// caller decides (Resign). An [Observer] tells who leads.
//
// # The znodes
//
// zkCli.sh can play any part in it. Config has other paths for those who need them.
//
//	<Path>                       persistent            its data version is the epoch; the last leader
//	<Path>/leader                ephemeral             the leader: Config.Data, or the data of Proclaim
//	<Path>/candidates/c-<id>-<n> ephemeral sequential  a candidate in the queue (Config.Queue)
//
// One multi creates <Path>/leader and raises the version of <Path>. That version, the epoch, is the
// claim of the leader: each of its writes is a multi that begins with a check of it. So <Path> is
// never deleted, because its versions would begin again at 0.
//
// By hand: create -e <Path>/leader stands for election (and has no epoch); get <Path>/leader shows
// the data; set <Path> "" ends the leadership of whichever process leads, which then loses its
// right to write. A <Path>/leader that is persistent is no leader. Candidates name it in the log,
// and wait until it is deleted.
//
// # What is guaranteed
//
//   - Epochs grow: each leader has a greater one than all leaders before. This holds after the
//     ensemble was wiped or restored from a backup, as long as one candidate is alive that has seen
//     the last epochs; otherwise Config.EpochAtLeast says it.
//   - A write of a leader (Leadership.Write) is applied only while no later leader has been
//     elected, and whole or not at all. What its error says of the fate is true.
//   - The context of a leader ends before another one can be elected, as long as the clocks of this
//     machine and of the servers run equally fast within a quarter: the lease counts from when the
//     last acknowledged write was sent, for three quarters of the session timeout. Only writes
//     count, because a server that has lost the others goes on to answer reads and pings.
//   - If the leader resigns, the next one leads at once; if its process dies or hangs, after the
//     session timeout. A leader whose application hangs does not keep the leadership longer than
//     its lease: the session is closed without it.
//   - An answer that was lost is resolved: a candidate that does not know whether it was elected
//     finds out, and makes no second znode.
//   - With Config.Queue, candidates lead in the order in which their znodes were made, and the end
//     of a leader wakes one of them. A session that ends costs a candidate its place.
//   - No ephemeral is left by an error or by the end of a context, once the session's end was
//     confirmed, or its timeout has passed.
//   - Whoever waits says so in the log at info level, once, with the session that it waits for.
//
// # What is not guaranteed
//
//   - Two processes may believe to lead at the same moment. A process that was stopped, or whose
//     machine slept, believes so until it runs again. ZooKeeper refuses its writes; other systems
//     must compare the epoch (Leadership.Epoch) and refuse a smaller one than they have seen.
//   - What an Observer tells may be old when it is told.
//   - A candidate that waits without a queue may be overtaken for ever by others.
//   - The order of the queue is not kept by candidates that do not queue.
//
// # Cost
//
// A candidate that waits has one session, and its client's pings. A leader writes at least once in
// a sixth of the session timeout (an empty multi with a check), unless the application writes. An
// election is one multi, and two to six reads before it. Each observer reads two znodes at each
// change.
//
// # Sources
//
// The queue is ZooKeeper's own recipe for leader election. The claim by a version, and the check
// in every write, come from Kafka (KAFKA-6082, pull request 5101), and the number
// that grows from Chubby's sequencers. Campaign, Proclaim, Resign and Observe have the names of
// etcd's client/v3/concurrency, where a leadership is bound to a session as well.
package election
