// Package world gives the explorer processes that contend for one lock. Each process takes the lock
// a few times. While it holds the lock, it writes to a ledger, which is a znode of its own, and acts
// on a system outside. The judge holds what package lock promises against every write and every
// state.
//
// The package must hold no logic of the recipe: the processes run the code of package lock, as in
// production. The judge reads znodes from outside, and shares no code with the recipe.
package world
