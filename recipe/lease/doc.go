// Package lease has leases on ZooKeeper: a claim to a name for a time at most, which ends even if the
// session of its holder lives on.
//
// # Znodes
//
//	<path>                  persistent; its data says who holds the lease and for how long, its version is the token
//	<parent>/lane-<name>-0  ephemeral; its version counts the writes of one process
//
// The data is JSON: {"holder":"host-1","id":"...","ms":60000}. Other data, and none, means that the
// lease is free. With zkCli, set -v 7 <path> {"ms":60000} takes it by hand, and set <path> "" releases
// it.
//
// # Whose clock
//
// The holder counts its time from before the grant or renewal is sent, and stops a tenth earlier.
// Another process counts the whole time from when it has seen the znode as it is, so later than the
// grant. Both use a monotonic clock that runs while the machine sleeps; wall clocks do not matter,
// and no two clocks are compared. So no two processes hold the lease at the same time, by their
// contexts, as long as the clock of the next one is not faster than that of the holder by more than a
// ninth (11 %).
//
// # Guaranteed
//
//   - With clocks in that bound, the context of a holder ends before another process is granted the
//     lease.
//   - Without any bound: in the order of ZooKeeper's writes, nothing that a holder sends through Write
//     is applied after a later grant.
//   - Tokens grow with each grant and renewal. This holds after a restore of the ensemble too, and if the
//     znode is deleted and made again: a token is greater than all that the process which gets it has
//     seen, as its own or while it waited for another holder.
//   - A lease that is not renewed is free for others after its time, counted from when they see it;
//     one that is released is free at once. No session and no process need end for that.
//
// # Not guaranteed
//
//   - What a holder does outside ZooKeeper is not fenced. Let the other system compare tokens.
//   - A process that comes new waits for the whole time, even if the lease was over long ago and not
//     released.
//   - No order among those who wait.
//   - After a restore, or if the znode is deleted and made again, a process that has not seen a token of
//     before may get it again. In both cases a holder may hold the lease beside another one, until its
//     next Renew or Write, or its end. After a restore the Write is refused if another has the lease.
//
// Taking costs a sync, a read and a write; a renewal costs one write. The first write of a session
// makes the lane, which costs one write more. After a restore the first grant costs more writes, which raise
// the version beyond the tokens that were seen: by 1000, and 200 with each write.
//
// # Sources
//
// Gray and Cheriton, "Leases" (1989). kazoo's NonBlockingLease has the end of a lease as wall-clock
// time in the znode, and needs synchronous clocks. Curator has no such lease.
package lease
