package participant

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// skewed is an Env whose wall clock is wrong. All that a role knows of the time it has
// from its Env. Differences between two readings of one life stay what they are, as
// they do in a process whose wall clock is wrong but whose monotonic clock is not. In a
// sleep of the machine they stand still; Elapsed does not. Timers go on, and fire when the
// machine wakes up: those of Go cannot be held back.
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
