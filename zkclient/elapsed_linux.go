package zkclient

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// elapsed reads the clock that goes on while the machine sleeps. Go's own monotonic
// reading is CLOCK_MONOTONIC, which stands still then: after a sleep of an hour the
// owner of a lease would believe in its last seconds.
func elapsed() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(fmt.Sprintf("zkclient: no CLOCK_BOOTTIME on this machine, Linux has it since 2.6.39: %v", err))
	}
	return time.Duration(ts.Nano())
}
