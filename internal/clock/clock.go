// Package clock is the one clock of a run: the machine's monotonic clock, read
// by every process of the run, so that the events of different processes can be
// ordered. It does not jump, and the wall clock does not matter to it.
//
// Go's own monotonic reading counts from the start of each process and cannot
// be compared between two of them, hence the system call.
package clock

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Now is the time since an origin that all processes of this machine share.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(fmt.Sprintf("no monotonic clock on this machine: %v", err))
	}
	return time.Duration(ts.Nano())
}
