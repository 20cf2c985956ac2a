package store

import (
	"github.com/ringmaster-zk/ringmaster/internal/store/judge"
	"github.com/ringmaster-zk/ringmaster/internal/store/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/store/story"
	"github.com/ringmaster-zk/ringmaster/internal/store/workload"
	"github.com/ringmaster-zk/ringmaster/internal/store/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the records of an active process as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "store",
		Object:   "application",
		Objects:  "calls",
		Explain:  "a resource manager: one active and its standbys, and the records that the active keeps for the next one",
		Judge:    judge.Judging(workload.Sessions),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
		Lanes:    lanes.Lanes(),
	}
}
