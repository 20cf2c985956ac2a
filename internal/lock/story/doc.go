// Package story tells the violations of locks: who held the lock when, and what was written in
// the name of which token.
package story
