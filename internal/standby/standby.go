package standby

import (
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/standby/judge"
	"github.com/ringmaster-zk/ringmaster/internal/standby/lanes"
	"github.com/ringmaster-zk/ringmaster/internal/standby/story"
	"github.com/ringmaster-zk/ringmaster/internal/standby/workload"
	"github.com/ringmaster-zk/ringmaster/internal/standby/world"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the active-standby switch as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "standby",
		Object:   history.Group,
		Objects:  "activations",
		Explain:  "one active and its standbys; none becomes active before the one before it has been fenced",
		Judge:    judge.Judging(),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
		Lanes:    lanes.Lanes(),
	}
}
