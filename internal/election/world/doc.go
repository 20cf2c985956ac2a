// Package world gives the explorer masters alone, without workers and tasks: leader election.
// Each leader uses recipe.Lead while it leads. It writes to a ledger, which is a znode of its
// own, and proclaims itself. The judge holds what recipe.Lead promises against every write and
// every state.
//
// The package must hold no logic of the recipe: masters run the code of package recipe, as in
// production. The judge reads znodes from outside, and shares no code with the recipe.
package world
