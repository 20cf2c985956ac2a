package participant

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// skewed is an Env whose wall clock is wrong. A role takes all its times from its Env.
// Differences between two readings in one life stay right, as in a process whose wall
// clock is wrong but whose monotonic clock is not. In a sleep of the machine those
// readings stand still, but Elapsed goes on. Timers go on too, and fire when the
// machine wakes up, because Go's timers cannot be held back.
type skewed struct {
	zkapi.Env
	by    time.Duration
	sleep *sleep // nil: the machine never sleeps
}

// Now implements zkapi.Env.
func (s skewed) Now() time.Time {
	now := s.Env.Now().Add(s.by)
	if s.sleep != nil {
		now = now.Add(-s.sleep.slept())
	}
	return now
}
