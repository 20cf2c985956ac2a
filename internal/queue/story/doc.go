// Package story tells the violations of queues: where an item was when, which consumer had it, and
// what was written about it.
package story
