package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// named is the port of one locker: no two of them make the same name.
type named struct {
	*zk.Env
	name string
}

func (n named) Unique() string { return n.name + "." + n.Env.Unique() }

// lockersOn plays three lockers on a server, for as long as during takes, and returns their attempts.
func lockersOn(t *testing.T, server *zk.Server, during func()) (attempts []record.Operation) {
	began, draining := time.Now(), make(chan struct{})
	now := func() time.Duration { return time.Since(began) }
	options, err := json.Marshal(settings{Rate: 5})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	var journals []string
	for i := range 3 {
		name := fmt.Sprintf("%s-%d", Locker, i+1)
		journals = append(journals, filepath.Join(t.TempDir(), "journal.ndjson"))
		journal, err := record.Create(journals[i], name, 1, now)
		if err != nil {
			t.Fatal(err)
		}
		p := subject.Participant{
			Name: name, Role: Locker, Life: 1, Seed: uint64(i), Env: named{&zk.Env{Server: server}, name}, Journal: journal, Log: slog.New(slog.DiscardHandler),
			Now: now, Draining: draining, Effect: func(subject.Effect) error { return nil }, Options: options,
		}
		go func() {
			err := play(context.WithoutCancel(t.Context()), p)
			if e := journal.Close(); e != nil {
				t.Error(e)
			}
			results <- err
		}()
	}
	during()
	close(draining)
	for range journals {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	for _, path := range journals {
		events, err := record.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		attempts = append(attempts, record.Operations(events, history.Acquire)...)
	}
	return attempts
}

// TestPlay_NoTokenComesAgainAfterARestore: no fault of the nemesis restores an ensemble, so this test
// does it in memory, under the load of a run: from a copy of some seconds before, from the same copy
// again, and from nothing. A lock that was asked for when another locker had it has a greater token
// than that one, whatever lies between.
func TestPlay_NoTokenComesAgainAfterARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zk.NewServer(4 * time.Second)
		const between = 8 * time.Second
		attempts := lockersOn(t, server, func() {
			time.Sleep(between)
			copied := server.Tree()
			for _, older := range []zk.Tree{copied, copied, zk.NewTree()} {
				time.Sleep(between)
				server.Restore(older)
			}
			time.Sleep(between)
		})
		told, lifted := 0, 0
		for _, a := range attempts {
			if a.Outcome() != record.OK {
				continue
			}
			told++
			if a.Done.Token().Epoch > 1000 {
				lifted++
			}
			for _, b := range attempts {
				if b.Outcome() == record.OK && b.Invoke.Object() == a.Invoke.Object() && b.Invoke.At > a.Done.At && b.Done.Token().Epoch <= a.Done.Token().Epoch {
					t.Fatalf("%s got %s with token %d, and then %s with token %d", a.Invoke.Process, a.Invoke.Object(), a.Done.Token().Epoch, b.Invoke.Process, b.Done.Token().Epoch)
				}
			}
		}
		if told < 200 || lifted < 50 {
			t.Errorf("%d locks were granted, %d of them with a token beyond those of before a restore", told, lifted)
		}
	})
}

var _ zkapi.Env = named{}
