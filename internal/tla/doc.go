// Package tla speaks with TLC, the model checker of TLA+: it finds and runs it,
// reads the values and the graphs of states that it prints, and compares graphs.
//
// It must not know what is specified: what a state means is its caller's.
package tla
