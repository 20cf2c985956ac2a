// Package jute decodes the encoding that ZooKeeper uses on the wire and on the disk.
//
// It is for those who read along and must not be hurt by what they read: a value that
// is not there makes the decoder bad instead of failing, and a length is held against
// what is left before anything is allocated. It knows no message and no file.
package jute
