// Package world gives the explorer candidates of an active-standby switch, and a caller who asks for
// failovers. A process that is active runs a service outside ZooKeeper, which goes on after a crash of the
// process until another process fences it, and writes to a ledger, which is a znode of its own. The judge holds what
// package standby promises against every write and every state.
//
// The package must hold no logic of the recipe: candidates run the code of package standby, as in
// production. The judge reads znodes from outside, and shares no code with the recipe.
package world
