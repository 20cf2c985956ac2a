// Package sequential is an executable meaning of the recipe: the sequential
// specifications of a task and of an election. They say which answers are right when no
// operations overlap. Linearizability says that every concurrent history must look like
// one of these.
//
// The package shares no code with the recipe, because it is the measure that the recipe
// is judged by.
package sequential
