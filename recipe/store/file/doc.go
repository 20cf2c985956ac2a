// Package file is the store of package store on a file system, for one host: an active process and its backups
// run there, or one process alone.
//
//	s, err := file.Open("/var/lib/scheduler/store", file.Config{Layout: store.Layout{Types: types}})
//
// # Files
//
//	<folder>/lock                  locked (flock) by the process that has the store open; its epoch and its pid, in JSON
//	<folder>/state-<epoch>.<n>     all records when the file was made, and then each change
//	<folder>/state-<epoch>.<n>.new the next one, which is not whole yet
//
// A state file is a row of frames, each with a number, a length and checksums (CRC-32C). The first one says the
// format and how many frames of records follow. Each Apply adds one frame and waits for its fsync. Open takes the
// lock, reads the newest state file, writes all records into a new one of the next epoch, syncs it, renames it and
// syncs the folder. Then it deletes the older ones. Apply does the same when the file has grown.
//
// # Guaranteed
//
//   - What Apply has returned without an error is there after the process was killed, and after the machine lost its
//     power, if the disk keeps what it was told to sync.
//   - All changes of an Apply are there then, or none. A frame at the end that is not whole was never confirmed, and
//     is left out. A frame elsewhere with a wrong checksum is damage: Open returns store.ErrDamaged, and changes nothing.
//   - One process of the host has the store open. Others get ErrHeld. The lock goes with the process, however it ends.
//   - Epochs grow with each Open.
//   - A process that finds another lock file than its own, or another epoch in it, writes no more (store.ErrFenced).
//
// # Not guaranteed
//
//   - A file system does not refuse a stale writer, as ZooKeeper does. The lock excludes others on this host only, and
//     only where flock works: not on all network file systems. If the folder is shared by hosts, or a person deletes the
//     lock file while it is held, two processes may both believe that they write: the later one does not see what the
//     earlier one still writes to its own state file, although that one was told that it was applied. Each process looks
//     at the lock file before a write, not during it.
//   - After an error of the disk the Store is over: what was written last is in doubt (store.ErrInDoubt), and every later call
//     fails. Open it again.
//   - All records are in memory.
//
// # Sources
//
// Write-ahead with checksums, a snapshot that is renamed, and a sync of the folder are the usual craft; which steps a
// file system may forget is from Pillai and others (All File Systems Are Not Created Equal, OSDI 2014). That an fsync
// is not tried again after it failed is from PostgreSQL's experience of 2018.
package file
