// Package decide is the pure part of a master. [View] is the master's knowledge of the tree,
// [Limits] and [Strategy] bound its decisions, [Decide] makes them, and [View.Apply] changes
// the view accordingly. The same view, limits and time give the same decisions in the same
// order. The package uses neither ZooKeeper nor a clock: package recipe reads the tree into
// the view, passes the time, and writes the decisions.
//
// Each [Action] has one row in the table of action.go: its name, what it does, whether an
// attempt ends with it, and how it changes the view. The write of an action needs operations
// of the port, so it is in a second table with the same keys: the writeTable of package
// recipe. In each package a test fails if its table has a gap.
//
// A pass costs as much as has changed since the last one, and not as much as there is: the view
// has indexes (index.go). facts.go says which tasks belong to which index, so a rule that reads
// one more field of a task or a worker has its condition there. A test compares each decision
// with a reference that looks at everything (reference_test.go).
//
// [Unread] is a phase, although it says how fresh the view of a task is and not how far the
// task is. An unread task keeps no older knowledge: it is in no set from which something is
// decided, and a model checker need not distinguish what the master knew before.
package decide
