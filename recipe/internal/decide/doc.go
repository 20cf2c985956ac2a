// Package decide is the pure part of a master: what it knows of the tree ([View]), what it
// may do ([Limits], [Strategy]), what it does next ([Decide]), and what that changes in the
// view ([View.Apply]). The same view, limits and time give the same decisions in the same
// order. It knows neither ZooKeeper nor a clock: package recipe reads the tree into the
// view, tells the time, and writes the decisions.
//
// Each [Action] has one row in the table of action.go: its name, what it does, whether an
// attempt ends with it, and how it changes the view. How an action is written needs
// operations of the port, and so stands in a second table with the same keys, the
// writeTable of package recipe. A test of each package refuses a table with a gap.
//
// A task that is [Unread] has a phase of its own, although this says how fresh the rest is
// and not how far the task is. What was known before must not be kept beside it: a task
// whose reading is pending is in no set from which something is decided, and a model
// checker that runs this code need not tell apart what the master knew before it forgot.
package decide
