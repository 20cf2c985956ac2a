// Package lock has exclusive locks, shared locks and semaphores on ZooKeeper. Each holder has a
// token that grows, a context that ends before its session can, and Write, which changes other
// znodes only while the lock is held.
//
// # Znodes
//
//	<path>                        persistent; its version is the token of the last grant
//	<path>/<unique>-W-0000000001  ephemeral: a contender for the exclusive lock
//	<path>/<unique>-R-0000000002  one for a shared lock
//	<path>/<unique>-S-0000000003  one for a permit of a semaphore
//	<path>/lock                   ephemeral: the holder, in the simple form
//
// Contenders stand in line by their sequence numbers. Each watches the one that it waits for, and
// no other: an exclusive contender the one just before it, a shared one the nearest exclusive one
// before it. So the end of one wakes only those that may go on, readers pass together, and neither
// readers nor writers starve. The contender whose turn it is writes its grant: it sets the data of
// the path, in one multi with a check that its own znode is there. A shared one, or one for a permit,
// marks its znode with the token in the same multi. With zkCli, create -s -e <path>/me-W- "" takes part
// by hand, and so does create -e <path>/lock "" in the simple form.
//
// # With Curator and kazoo
//
// This package understands the names of Curator and kazoo, and can write them (Layout). Those
// libraries understand their own names, so they need settings. Make the path by hand, as a persistent
// znode, before its first use: Curator makes it as a container, see below.
//
//	contenders                      Layout here        Curator                     kazoo
//	this package, Curator           Curator            InterProcessMutex           -
//	this package, kazoo             Kazoo              -                           Lock
//	all three, Curator's names      Curator            InterProcessMutex           a class of Lock, (1)
//	all three, each its own names   Curator or Kazoo   with a driver, (2)          extra_lock_patterns, (3)
//	shared locks, with Curator      CuratorReadWrite   InterProcessReadWriteLock   a class of Lock, (4)
//
//	(1) class CuratorLock(Lock): _NODE_NAME = "-lock-"; _EXCLUDE_NAMES = ["-lock-"]
//	(2) new InterProcessMutex(client, path, new StandardLockInternalsDriver() {
//	        public String fixForSorting(String name, String lockName) { return name.substring(name.length() - 10); }})
//	    for Curator compares what follows "lock-", and takes a name without it as a whole.
//	(3) Lock(client, path, extra_lock_patterns=["-lock-"]), since kazoo 2.7.1
//	(4) exclusive only: _NODE_NAME = "-__WRIT__"; _EXCLUDE_NAMES = ["-__WRIT__", "-__READ__"]. A
//	    ReadLock of kazoo 2.8 also waits for writers that came later, so both wait for ever
//	    (kazoo's issue 649).
//
// Layout Plain excludes neither library: they do not know its names. Curator counts every znode below
// the path as a contender, so keep others away. A contender of Curator or kazoo is not fenced: it may
// go on to write after its session has ended. Ringmaster's own writes (Held.Write) are refused then.
//
// # Guaranteed
//
//   - Two contenders that exclude each other never both have a session that lives and a context
//     that has not ended. More exactly: in the order of ZooKeeper's writes, nothing that an earlier
//     holder sends through Write is applied after a later grant.
//   - A token is greater than the tokens of all earlier grants of the path. This holds after a
//     restore of the ensemble too, if the process that is granted the lock has seen the earlier
//     tokens.
//   - The queue grants in the order in which the contenders came. A contender that is cancelled or
//     lost is left out.
//   - Every znode of a contender is deleted, whatever ends it: a release, a timeout, an error, a
//     lease that is over. The attempts go on until the ensemble has confirmed one, or the session has
//     ended.
//   - The context of a lock ends when the session could have ended, and before that: a quarter of
//     the session's timeout earlier, counted from when the last acknowledged write was sent.
//
// # Not guaranteed
//
//   - What a holder does outside ZooKeeper is not fenced. A process can be stopped after any
//     instruction, and go on after its lock has gone to another. Let the other system compare tokens,
//     or use Delay.
//   - Contenders of other libraries raise no version. So tokens order only the grants of this
//     package.
//   - If the path is a container or a TTL znode, the server deletes it when it has been empty. Then
//     the tokens begin again, except for a process that has seen them. A server does not tell a
//     client that a znode is of such a kind.
//   - The simple form keeps no order, and its contenders do not see those of a queue. If hands make
//     <path>/lock while a queue is used, both sides may hold the lock. Contenders of this package
//     refuse a path with both (ErrMixed).
//   - Shared contenders of the same process count as contenders of their own, with one Locks value
//     each (ErrReentrant).
//   - A lock that is held costs a write every sixth of the session's timeout.
//
// # Sources
//
// The queue is ZooKeeper's own recipe ("Locks", "Shared Locks" in its documentation), with the
// corrections that Curator's InterProcessMutex and kazoo's Lock have made: a unique prefix finds a
// create whose answer was lost; a znode is deleted in the background after an error. The grant as a
// write, and the lease counted from it, are package recipe's rules for a master. Tokens are from
// Burrows, "The Chubby lock service" (2006), and so is the delay, as in Consul.
package lock
