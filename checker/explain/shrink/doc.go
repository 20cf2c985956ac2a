// Package shrink finds a small part of a run that still violates a property.
//
// It executes nothing again. The result is a part of the observations: operations are
// removed whole, with their completion, their exchange, and the znodes that they made.
// A part counts as the same failure only under two conditions. Its judges find first
// what they found first in the whole run, with the same names and times. And no other
// property fails because of the removal. So a task, for example, keeps its submission,
// and a result keeps its execution.
//
// A run is first narrowed to few of its objects: tasks, locks, whatever its recipe is
// about. The recipe says which object a znode belongs to, by [record.Objects].
//
// It judges nothing itself and draws nothing.
package shrink
