package subjecttest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Drained plays the participants of a run without any load: all must drain from the beginning, as at the end of
// a run whose load has failed from end to end. It returns what they have recorded. On a machine that is too
// slow nothing else may be left of a run, so that what a verdict needs should happen here, too.
func Drained(t *testing.T, work subject.Workload, run subject.Run) (all []record.Event) {
	t.Helper()
	dir := t.TempDir()
	var names []string
	synctest.Test(t, func(t *testing.T) {
		server := zk.NewServer(4 * time.Second)
		ctx, end := context.WithCancelCause(t.Context())
		var submit, others sync.WaitGroup
		draining := make(chan struct{})
		close(draining)
		for _, role := range work.Roles {
			for n := range run.Counts[role.Name] {
				name := fmt.Sprintf("%s-%d", role.Name, n+1)
				names = append(names, record.JournalName(name, 1))
				began := time.Now()
				since := func() time.Duration { return time.Since(began) }
				journal, err := record.Create(filepath.Join(dir, record.JournalName(name, 1)), name, 1, since)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { journal.Close() })
				who := subject.Participant{
					Name: name, Role: role.Name, Life: 1, Seed: run.Seed + uint64(n), SessionTimeout: run.SessionTimeout, Env: &zk.Env{Server: server}, Journal: journal,
					Log: slog.New(slog.DiscardHandler), Now: since, Draining: draining, Effect: func(subject.Effect) error { return nil }, Options: options(t, work, run),
				}
				group := &others
				if role.Submits {
					group = &submit
				}
				group.Go(func() { _ = work.Play(ctx, who) })
			}
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
	for _, name := range names {
		events, err := record.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events...)
	}
	return all
}
