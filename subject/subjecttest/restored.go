package subjecttest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Restored plays the participants of a run, all of which submit, on an ensemble that is restored three times: from a
// copy of some time before, from the same copy again, and from nothing. It returns what they have recorded. No
// fault of the nemesis restores an ensemble, so that this is in memory. between is the time before the copy,
// and between all that follows.
func Restored(t *testing.T, work subject.Workload, run subject.Run, between time.Duration) []record.Event {
	t.Helper()
	s := newStage(t, work, run)
	synctest.Test(t, func(t *testing.T) {
		s.begin()
		ends, playing := make(chan error), 0
		for _, p := range s.participants(t) {
			playing++
			go func() { ends <- work.Play(context.WithoutCancel(t.Context()), p) }()
		}
		<-time.After(between)
		copied := s.server.Tree()
		for _, older := range []zk.Tree{copied, copied, zk.NewTree()} {
			<-time.After(between)
			s.server.Restore(older)
		}
		<-time.After(between)
		close(s.draining)
		for range playing {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
	})
	return s.events(t)
}
