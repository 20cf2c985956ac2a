// Package shrink makes the history of a run that violates a property smaller.
//
// It runs nothing again. What remains is a part of what was observed: operations are
// taken out whole, with their completion, their exchange, and the znodes that they made.
// A part counts as the same failure only if its judges find in it what they found first in
// the whole, with the same names and times, and if no other property fails because of what
// was taken away. So a task never lacks its submission, and a result never
// lacks its execution.
//
// It judges nothing itself and draws nothing.
package shrink
