// Package spec holds the explorer's graphs of states against TLC's: the recipe's own
// code and spec/tla/MasterWorker.tla are two descriptions of one machine.
//
// The specification is in tla/, with what TLC has said of it in manifest.json. The
// package knows what a state of either means; it must not know how the recipe works.
package spec
