package subjecttest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Drained plays the participants of a run without any load: all must drain from the beginning, as at the end of
// a run whose load has failed from end to end. It returns what they have recorded. On a machine that is too
// slow nothing else may be left of a run, so that what a verdict needs should happen here, too.
func Drained(t *testing.T, work subject.Workload, run subject.Run) []record.Event {
	t.Helper()
	s := newStage(t, work, run)
	synctest.Test(t, func(t *testing.T) {
		s.begin()
		close(s.draining)
		ctx, end := context.WithCancelCause(t.Context())
		var submit, others sync.WaitGroup
		for _, p := range s.participants(t) {
			group := &others
			if role, _ := work.Role(p.Role); role.Submits {
				group = &submit
			}
			group.Go(func() { _ = work.Play(ctx, p) })
		}
		over := make(chan struct{})
		go func() { submit.Wait(); close(over) }()
		select {
		case <-over:
		case <-time.After(drained):
			t.Errorf("those that submit have not ended after %v", drained)
		}
		<-time.After(settled)
		end(subject.ErrLeave)
		submit.Wait()
		others.Wait()
		<-time.After(rest)
	})
	return s.events(t)
}
