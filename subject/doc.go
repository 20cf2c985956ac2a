// Package subject is the seam between a recipe and all that tortures recipes: it says what
// is tortured, as a value. A [Subject] has everything that the harness, the judges, the
// explorer and the report need to know about one recipe. None of them knows a recipe by
// itself. The package has no recipe: those of this module are in internal/masterworker and
// internal/election.
//
// A module of its own can bring a recipe: it makes a Subject and calls torture.Main
// with it. It needs public packages only.
package subject
