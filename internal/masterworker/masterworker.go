package masterworker

import (
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/story"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is the master-worker recipe as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:    "master-worker",
		Explain: "one active master, backups, workers, and clients whose tasks are never lost",
		Worlds:  world.Worlds,
		Znodes:  record.TaskObjects(),
		Stories: story.Stories(),
	}
}
