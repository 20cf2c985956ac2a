// Package clock is the only clock of a run: the machine's monotonic clock. Every
// process of the run reads it, so that the events of different processes can be
// ordered. It does not jump, and the wall clock does not affect it.
//
// Go's own monotonic reading counts from the start of each process, so two processes
// cannot compare it. Hence the system call.
package clock

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is the clock that Go measures by. It stands still while a Linux machine
// sleeps.
const Monotonic = unix.CLOCK_MONOTONIC

// Now is the time since an origin that all processes of this machine share.
func Now() time.Duration { return read(Monotonic) }

// Read reads a clock as a program on a sleeping machine sees it: Monotonic stands still
// in the sleep. Programs measure by it; the events of a run are ordered by Now.
func Read(id int32) time.Duration {
	now := read(id)
	if slept := asleep.Load(); slept != nil && id == Monotonic {
		now -= (*slept)()
	}
	return now
}

var asleep atomic.Pointer[func() time.Duration]

// Sleeps makes Read believe that the machine has slept as long as slept says. The
// harness stops a process and calls that a sleep; the system's own clocks go on.
func Sleeps(slept func() time.Duration) { asleep.Store(&slept) }

func read(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(fmt.Sprintf("no clock %d on this machine: %v", id, err))
	}
	return time.Duration(ts.Nano())
}
