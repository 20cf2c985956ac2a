// Package disk keeps a state in one directory: a snapshot, and behind it a log of what has
// happened since. What the bytes of both mean is the caller's.
//
// The file state.log has a line that names its format, a frame with the snapshot, and frames
// with records. A frame has the length of its body, a checksum of the length, a checksum of the
// body, and the body. All records that wait for the disk are written in one frame, with one
// fsync. A new snapshot is written into a file aside, which then takes the place of state.log:
// at every moment there is one whole file.
//
// A crash can leave a frame at the end that is not whole. Nothing in it was acknowledged, so Open
// cuts it off. A frame that is damaged in front of another whole one is an error.
//
// One process at a time has the directory: it holds a lock on the file named lock.
package disk
