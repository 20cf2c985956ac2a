// Package explain explains a violation in plain words: what each participant believed,
// what ZooKeeper committed, and which write should have been refused. Each sentence has
// its time, its place in ZooKeeper's order if that is known, and the numbers of the
// events that support it.
//
// The package knows no recipe. A recipe brings its words as [Stories]: what a write did
// to an object, the life of an object, and a story for each of its properties. Without
// them a violation is told by its events, in their order.
//
// The package is separate from report, because the terminal, the page, the picture and
// a file show the same story. It judges nothing: package checker has found the violated
// property and the events that show it. It reads the history again. If the history
// lacks a fact, the story leaves it out and never guesses.
package explain
