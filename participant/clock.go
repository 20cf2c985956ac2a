package participant

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// skewed is an Env whose wall clock is wrong. All that a role knows of the time it has
// from its Env. Differences between two readings of one life stay what they are, as
// they do in a process whose wall clock is wrong but whose monotonic clock is not.
type skewed struct {
	zkapi.Env
	by time.Duration
}

// Now implements zkapi.Env.
func (s skewed) Now() time.Time { return s.Env.Now().Add(s.by) }

// Spawn implements zkapi.Env: what is spawned has the same clock.
func (s skewed) Spawn(name string, f func(zkapi.Env)) zkapi.Source {
	return s.Env.Spawn(name, func(inner zkapi.Env) { f(skewed{inner, s.by}) })
}
