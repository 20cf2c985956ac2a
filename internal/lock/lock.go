package lock

import (
	"github.com/ringmaster-zk/ringmaster/internal/lock/judge"
	"github.com/ringmaster-zk/ringmaster/internal/lock/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/lock/story"
	"github.com/ringmaster-zk/ringmaster/internal/lock/workload"
	"github.com/ringmaster-zk/ringmaster/internal/lock/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the lock recipe as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "lock",
		Object:   "lock",
		Objects:  "acquisitions",
		Explain:  "locks that are held alone or shared, semaphores, and what their holders write",
		Judge:    judge.Judging(),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
		Lanes:    lanes.Lanes(),
	}
}
