package masterworker

import (
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/story"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/workload"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the master-worker recipe as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "master-worker",
		Object:   "task",
		Objects:  "tasks",
		Explain:  "masters, workers and clients; no accepted task is ever lost",
		Judge:    judge.Judging(),
		Worlds:   world.Worlds,
		Stories:  story.Stories(),
		Workload: workload.New(),
		Lanes:    lanes.Lanes(),
	}
}
