// Package bubble runs a program in virtual time: time.Now, timers and contexts
// follow a clock that stands still while anybody can go on, and jumps to the next
// timer when nobody can.
//
// The clock is that of testing/synctest, which has an entrance for tests only; so
// a whole process of its own is made one test. The package must not know what runs
// in it.
package bubble

import (
	"testing"
	"testing/synctest"
)

// Main runs f in virtual time and ends the process, with code 0 unless f has
// panicked. Everything that f has started must have ended when it returns. A
// goroutine that waits for anything but channels, timers and other goroutines of
// the bubble, such as a network, keeps the clock from moving.
func Main(f func()) {
	everything := func(string, string) (bool, error) { return true, nil }
	inBubble := func(t *testing.T) { synctest.Test(t, func(*testing.T) { f() }) }
	testing.Main(everything, []testing.InternalTest{{Name: "run", F: inBubble}}, nil, nil)
}
