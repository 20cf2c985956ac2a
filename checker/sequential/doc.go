// Package sequential is what the recipe means, as something that can be executed: the
// sequential specifications of a task and of an election. They say which answers
// are right when nothing overlaps; linearizability says that every concurrent
// history must look like one of those.
//
// The package shares no code with the recipe: it is the law, not the accused.
package sequential
