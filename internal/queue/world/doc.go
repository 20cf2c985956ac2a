// Package world gives the explorer producers and consumers of one queue. A consumer writes about
// its item to a ledger, which is a znode of its own, and acts on a system outside; then it has the
// item recorded as consumed, or gives it back. The judge holds what package queue promises against
// every write and every state.
//
// The package must hold no logic of the recipe: the processes run the code of package queue, as in
// production. The judge reads znodes from outside, and shares no code with the recipe.
package world
