// Package agree compares the explorer's graphs of states with TLC's. The recipe's own
// code and spec/tla/MasterWorker.tla are two descriptions of one machine.
//
// The specification is in spec/tla/, with TLC's results in manifest.json. The package
// knows the visible part of a state in both descriptions, znodes and requests. It must
// not know how the recipe computes them.
package agree
