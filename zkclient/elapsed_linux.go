package zkclient

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
)

// elapsed reads the clock that goes on while the machine sleeps. Go's own monotonic
// reading is CLOCK_MONOTONIC, which stands still then: after a sleep of an hour the
// owner of a lease would believe in its last seconds. Linux has CLOCK_BOOTTIME since
// 2.6.39.
func elapsed() time.Duration { return clock.Read(unix.CLOCK_BOOTTIME) }
