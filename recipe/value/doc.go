// Package value has shared values and counters on ZooKeeper: compare-and-set, sums, blocks of
// numbers, and a stream of changes. No write counts twice, even if its answer is lost.
//
// # Znodes
//
//	<path>                   persistent; its data is the value, its znode version the value's version
//	<parent>/lane-<name>-0   ephemeral; its version counts the writes of one process
//
// The data is that of the caller. A counter is a decimal number, as in kazoo's Counter, and a value
// is the bytes alone, as in Curator's SharedValue. So zkCli takes part by hand: get -s <path>, and
// set -v 7 <path> 42. (Curator's SharedCount writes four bytes instead of a decimal number: the two
// do not fit.)
//
// Every write is a multi with the version that was read, and it sets a lane from one version to the
// next. If the answer is lost, the same multi is sent again: it is refused by the lane if the first
// one was applied. A process makes its lane beside the first value that it writes, and uses it for
// all others; it has more, up to 8, if it writes several values at one moment. They go with its session.
//
// # Guaranteed
//
//   - Writes of this package are linearizable. A sum that Add returns counts all that was added
//     before, and no other call returns it if delta is positive in all calls.
//   - A write is applied once at most. Every call has one outcome: it returns nil, and the write was
//     applied; or zkapi.FateOf(err) is zkapi.NotApplied, and it was not and never will be; or that is
//     zkapi.Unknown.
//   - It is Unknown only if the session or ctx ended while the answer was out, or Close was called
//     then, or a person deleted the lane then. After the end of ctx, the write is given up in the
//     background: it is not applied later.
//   - No number is handed out twice by Block.
//
// # Not guaranteed
//
//   - Blocks may leave gaps: a block whose outcome is unknown is never used.
//   - Get may be older than the last write while the leader of the ensemble is being replaced. A
//     transaction of package stm reads without that exception.
//   - If a znode is deleted and made again, its versions and its numbers begin again. The same is
//     true after the ensemble was restored from a backup.
//   - Under contention a write is refused and tried again. Some process always goes on, but one may
//     wait longer than the others.
//
// A write costs a sync, a read and a multi; CompareAndSet costs the multi alone. Get costs a sync and
// a read. The first write of a session makes the lane, which costs one write more.
//
// # Sources
//
// The optimistic loop is that of Curator's SharedCount and kazoo's Counter. Both repeat a write, or
// fail, when its answer is lost; kazoo's Counter then may add twice. The lane is in place of
// that.
package value
