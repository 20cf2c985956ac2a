// Package jute decodes and encodes as ZooKeeper does on the wire and on the disk.
//
// Its users decode traffic and files that they must not trust. A missing value makes the
// decoder bad instead of failing, and a length is compared with the remaining bytes
// before anything is allocated. The package knows no message and no file.
package jute
