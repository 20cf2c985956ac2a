// Package world gives the explorer processes that become the active one of a store, one after the other: each
// opens the store, loads it, writes, and collects parts that are left. Their Writer is a bare session without a
// claim, so only the epoch of the store fences them. The judge holds what package store promises against every
// write and every state.
//
// The explorer has one session of a process at a time, so the store reads by the session by which it writes. That a
// load waits for a server that has seen its epoch, and that a Get is confirmed, the tests of package store show.
//
// The package must hold no logic of the recipe: the processes run its code, as in production. The judge reads
// znodes from outside, and shares no code with the recipe.
package world
