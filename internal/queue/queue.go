package queue

import (
	"github.com/ringmaster-zk/ringmaster/internal/queue/judge"
	"github.com/ringmaster-zk/ringmaster/internal/queue/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/queue/story"
	"github.com/ringmaster-zk/ringmaster/internal/queue/workload"
	"github.com/ringmaster-zk/ringmaster/internal/queue/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the queue recipe as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "queue",
		Object:   "item",
		Objects:  "items",
		Explain:  "a queue: items that are put once, taken under a claim, and recorded as consumed once",
		Judge:    judge.Judging(),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
		Lanes:    lanes.Lanes(),
	}
}
