// Package txnlog reads what ZooKeeper 3.9 leaves on the disks of its servers:
// transaction logs and snapshots. It says what each server would come back with
// ([Server.Replay]), and what all of them together have committed, in which order
// ([Merge]). It only reads, and knows nothing of the recipe, of histories, or of how an
// ensemble is run.
//
// A file may end in the middle of an entry, because its server was killed: then the log
// ends there. Anything else that is not as a server writes it is [Damage].
//
// # What was committed
//
// A log holds what its server was asked to write, not what was committed. A leader that
// is cut off logs proposals that nobody else hears of. When it comes back, the new
// leader has it cut the end of its log off; or, where that cannot be told, sends it the
// whole state, which it keeps as a snapshot, and then those proposals stay in its log
// for ever. So that a transaction is in a log proves nothing.
//
// Merge is told a zxid that all servers had applied when nothing was broken any more
// and nobody wrote. A zxid is an epoch of ZooKeeper's and a counter, and within an
// epoch one leader has counted from 1 without leaving anything out, or from where its
// servers are set up to begin (zookeeper.testingonly.initialZxid). So all that must be
// found is where each epoch ended, and then its transactions are the committed ones.
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
