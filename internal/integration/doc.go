// Package integration holds the tests that need the recipe, the client and a real
// ensemble at once. It has no code of its own.
package integration
