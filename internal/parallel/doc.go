// Package parallel does something with many items, several at a time.
package parallel
