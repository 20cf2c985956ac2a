// Package integration holds the tests that need the recipe, the client and a real
// ensemble at once. It has no code of its own.
//
// Two of them hold the model against the real thing: one requests and sessions drawn at
// random (differential_test.go), one whole schedules of the explorer, with the recipe's
// own programs (schedule_test.go).
package integration
