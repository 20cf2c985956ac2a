// Package explain tells a violation in plain words: who believed what, what ZooKeeper had
// committed, which write should not have passed. Each sentence has its time, its place in
// ZooKeeper's order where that is known, and the numbers of the events that it rests on.
//
// It is a room of its own, apart from report, because the terminal, the page, the
// picture and a file show the same story. It judges nothing: which property is violated,
// and on which events that rests, is what package checker has found. It reads the history
// anew, and what it cannot find there it leaves out; it never guesses.
package explain
