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
// transactions. A leader that is cut off logs proposals that no other server hears of.
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
//   - The epoch of that zxid ended, for us, there.
//   - An earlier one ended with the transaction that, in some server's log, stands
//     directly before the first one, by its counter, of a later epoch. A server that
//     takes part in an epoch has the history of its leader, which every later leader
//     has, too. If it has it not from its own log, it was given the state from
//     elsewhere; then it took a snapshot after something that its log lacks, or what
//     follows in its log does not begin with the first one. Neither proves anything.
//   - Where no log proves the end, what a majority has logged was committed, because
//     each later leader was elected by a majority. What comes after that, until the
//     next epoch, is a [Gap]: nothing is said of it.
//
// A transaction of an epoch that no log has, though it lies before the end, is a Gap as
// well: all servers learnt of it from snapshots only.
//
// Under one zxid there is one transaction. That two servers have logged different ones,
// or come back with different trees, is a violation by ZooKeeper itself, or damage.
package txnlog
