// Package term has what every holder in a recipe has, such as a master, a worker, or the owner of
// a lock: a claim that fences its writes, a lease that says how long it may rely on the claim, and
// a term, which is both of them from the grant to the end.
//
// The package does not decide who gets a claim. That is what a recipe is for.
package term
