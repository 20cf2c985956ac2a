// Package stm has transactions over several znodes on ZooKeeper: a function reads and writes, and what
// it has written is applied in one multi if all that it has read is still so.
//
// # Znodes
//
//	<path>                persistent; its version counts the transactions that have deleted a znode
//	<path>/...            the znodes of the user
//	<path>/lane-<name>-0  ephemeral; its version counts the transactions of one process
//
// The znodes are plain: zkCli can read and set them by hand.
//
// A znode that was read is checked by its version. One that was absent is checked by a create and a
// delete in the multi: the create fails if it is there. A znode that was deleted and made again
// begins at version 0, so its version could come again: therefore each transaction that deletes
// raises the version of <path>, and each transaction checks it.
//
// # Guaranteed
//
//   - Transactions are strictly serializable: each takes effect whole at one moment between call and
//     return, and sees all that was confirmed before. This holds for those that only read, too, and
//     for those whose function returns an error of its own.
//   - A transaction is applied once at most. If Do returns nil, it was applied. Otherwise
//     zkapi.FateOf(err) is zkapi.NotApplied, or zkapi.Unknown if the session or ctx ended while the
//     answer was out, or Close was called then, or a person deleted the lane then. (An error of the function itself is returned as it
//     is; nothing was applied.)
//   - If a transaction is refused, another one, or a write by hand, was applied.
//
// # Not guaranteed
//
//   - In an attempt that will be refused, the function may have read znodes of different moments.
//     etcd's STM is like that with SerializableSnapshot off, too. The function must not crash or
//     loop on such data, and must have no effect but through tx.
//   - A transaction that always loses against others may run for long. Pauses grow, with jitter,
//     and ctx bounds them.
//   - Lists of children are not part of a transaction.
//   - A delete by hand is seen, but if the znode is made again by hand, and set as often as before,
//     that is not. Let deletes go through Do.
//   - The check of an absent znode wakes those who watch it or its parent, and uses a sequence number
//     of the parent.
//   - All must fit in one request (jute.maxbuffer).
//
// A transaction costs a read for each znode, and one multi. One that deletes makes one attempt of
// each other process fail.
//
// # Sources
//
// etcd's STM (clientv3/concurrency) has the same interface, with revisions in place of versions.
// Optimistic concurrency control is by Kung and Robinson (1981).
package stm
