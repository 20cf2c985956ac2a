// Package judge judges runs of the master-worker recipe: what became of every task, and
// whether everything on the wire is a behaviour of the protocol.
//
// The package shares no code with the recipe, because it is the measure that the recipe
// is judged by.
package judge
