// Package agree holds the explorer's graphs of states against TLC's: the recipe's own
// code and spec/tla/MasterWorker.tla are two descriptions of one machine.
//
// The specification is in tla/, with what TLC has said of it in manifest.json. The
// package knows what can be seen of a state of either, znodes and requests; it must not
// know how the recipe comes to them.
package agree
