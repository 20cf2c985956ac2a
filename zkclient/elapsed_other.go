//go:build !linux

package zkclient

import "time"

var origin = time.Now()

// elapsed is Go's monotonic reading. On Windows it goes on in a sleep; on macOS and
// the BSDs it may stand still: there a machine that leads, or that owns resident
// tasks, must not sleep.
func elapsed() time.Duration { return time.Since(origin) }
