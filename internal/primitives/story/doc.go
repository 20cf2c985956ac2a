// Package story tells the violations of the primitives: what users asked for and were told, who was
// in which round, and who held the lease.
package story
