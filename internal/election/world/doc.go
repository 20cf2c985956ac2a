// Package world gives the explorer candidates of leader election, by one znode or in a queue. Each
// leader uses election.Leadership while it leads. It writes to a ledger, which is a znode of its
// own, and proclaims itself. The judge holds what election.Leadership promises against every write
// and every state.
//
// The package must hold no logic of the recipe: candidates run the code of package election, as in
// production. The judge reads znodes from outside, and shares no code with the recipe.
package world
