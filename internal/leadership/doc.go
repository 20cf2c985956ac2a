// Package leadership has the judges of who leads, for every recipe that elects a master: no
// epoch begins twice, no write of a master is accepted once a later epoch has begun, no two
// masters believe to lead at once, and clients are told of no other leader. It reads runs
// that are over. Package candidate is what participants do in such a run, and package
// election is one recipe that is tortured so.
//
// The package shares no code with the recipe, because it is the measure that the recipe
// is judged by.
package leadership
