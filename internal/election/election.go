package election

import (
	"github.com/ringmaster-zk/ringmaster/internal/election/judge"
	"github.com/ringmaster-zk/ringmaster/internal/election/workload"
	"github.com/ringmaster-zk/ringmaster/internal/election/world"
	"github.com/ringmaster-zk/ringmaster/internal/leadership/story"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Subject is leader election as a subject.
func Subject() subject.Subject {
	return subject.Subject{
		Name:     "election",
		Object:   "ledger",
		Objects:  "entries",
		Explain:  "an active master and its backups; its writes check its epoch",
		Judge:    judge.Judging(),
		Stories:  story.Stories(),
		Workload: workload.New(),
		Worlds:   world.Worlds,
	}
}
