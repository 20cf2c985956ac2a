// Package txnlog reads the files of ZooKeeper 3.9 on the disks of its servers:
// transaction logs and snapshots. It computes the tree that each server would come back
// with ([Server.Replay]), and the transactions that all of them together have
// committed, in order ([Merge]). It only reads, and knows nothing of the recipe, of
// histories, or of how an ensemble is run.
//
// A file may end in the middle of an entry, because its server was killed: then the log
// ends there. Any other deviation from a server's format is [Damage].
//
// # What was committed
//
// A log holds the proposals that its server was asked to write, not the committed
// transactions. A leader that is cut off logs proposals that no other server gets.
// When it comes back, the new leader makes it cut off the end of its log. If the new
// leader cannot tell where, it sends the whole state instead. The server keeps that
// state as a snapshot, and its old proposals stay in its log for ever. So a transaction
// in a log proves nothing.
//
// Merge gets a zxid that all servers had applied after all faults were healed and all
// writes had ended. A zxid is an epoch of ZooKeeper's and a counter. Within an epoch
// one leader counts without a gap, from 1 or from the configured beginning
// (zookeeper.testingonly.initialZxid). So it is enough to find where each epoch ended;
// then its transactions are the committed ones.
//
//   - The last epoch ends at that zxid.
//   - An earlier epoch ended with the transaction that stands, in some server's log,
//     directly before the first transaction of a later epoch (by its counter). A server
//     that takes part in an epoch has the history of its leader, which every later
//     leader has, too. The server may have that history not from its own log but from a
//     state that was sent to it. Then it took a snapshot after a transaction that its
//     log lacks, or the next transaction in its log is not the first of its epoch.
//     Neither proves an end.
//   - If no log proves the end, the transactions that a majority has logged were
//     committed, because each later leader was elected by a majority. The range from
//     there to the next epoch is a [Gap]: nothing is said about it.
//
// A transaction before the end of its epoch may be in no log, because all servers
// learnt of it from snapshots. It is a Gap as well.
//
// There is one transaction under one zxid. If two servers have logged different ones,
// or come back with different trees, that is a violation by ZooKeeper itself, or
// damage.
package txnlog
