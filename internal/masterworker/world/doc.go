// Package world gives the explorer its programs and properties: the recipe's own masters,
// workers and clients, and the properties that every state must have, under the names that
// the harness uses.
//
// The package must hold no logic of the recipe: masters and workers run the code of package
// recipe, as in production. The judges read znodes from outside, and share no code with the
// recipe.
package world
