// Package shrink makes what fails smaller: a list of anything (delta debugging), the
// history of a run, and its schedule of faults.
//
// A history is cut down without running anything again. What remains is a part of
// what was observed: operations are taken out whole, with their completion, their
// exchange, and the znodes that they made. A part counts as the same failure only if
// its judges say the very sentence that they said first of the whole, with the same names
// and times, and if taking the rest away has made no other property fail. So nobody
// is led astray by a task without its submission, or a result without its execution.
//
// A schedule is cut down by running it again and again; who does that is given. The
// answer is "k of n", because a race need not come back each time.
//
// It judges nothing itself and draws nothing.
package shrink
