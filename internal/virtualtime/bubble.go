// Package virtualtime runs a program in virtual time. time.Now, timers and contexts
// follow a clock that stands still while any goroutine can go on, and jumps to the next
// timer when none can.
//
// The clock is that of testing/synctest, which only tests can enter. So a whole process
// becomes one test. The package must not know the program that it runs.
package virtualtime

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// Main runs f in virtual time and ends the process: with code 0, or with exit.Failed if
// f returns an error, which goes to standard error. A panic in f ends it as any panic
// does. Everything that f has started must have ended when it returns. A goroutine that
// waits for anything but channels, timers and other goroutines of the bubble, such as a
// network, keeps the clock from moving. So does a goroutine that never waits. When the
// clock has stood still for as long as patience, by the clock on the wall, the process
// ends with a message and exit.Failed.
func Main(patience time.Duration, f func() error) {
	var now atomic.Int64 // of the virtual clock, in ns since it began
	go watch(patience, &now)
	everything := func(string, string) (bool, error) { return true, nil }
	inBubble := func(t *testing.T) {
		synctest.Test(t, func(*testing.T) {
			over := make(chan struct{})
			go tick(&now, over)
			err := f()
			close(over)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(int(exit.Failed))
			}
		})
	}
	testing.Main(everything, []testing.InternalTest{{Name: "run", F: inBubble}}, nil, nil)
}

// tick publishes the time until it is over.
func tick(now *atomic.Int64, over <-chan struct{}) {
	began := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case at := <-ticker.C:
			now.Store(int64(at.Sub(began)))
		case <-over:
			return
		}
	}
}

// watch ends the process when the published time stands still.
func watch(patience time.Duration, now *atomic.Int64) {
	for {
		before := now.Load()
		<-time.After(patience)
		if now.Load() == before {
			fmt.Fprintf(os.Stderr, "virtual time has stood still at about %v for %v: a goroutine runs without ever waiting, or waits for something outside the bubble\n", time.Duration(before), patience)
			os.Exit(int(exit.Failed))
		}
	}
}
