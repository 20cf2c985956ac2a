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

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// named is the port of one user: no two of them make the same name.
type named struct {
	*zk.Env
	name string
}

func (n named) Unique() string { return n.name + "." + n.Env.Unique() }

// usersOn plays three users on a server, for as long as during takes, and returns their calls.
func usersOn(t *testing.T, server *zk.Server, during func()) (calls []record.Operation) {
	began, draining := time.Now(), make(chan struct{})
	now := func() time.Duration { return time.Since(began) }
	options, err := json.Marshal(settings{Rate: 2, Fill: 2})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	var journals []string
	for i := range 3 {
		name := fmt.Sprintf("%s-%d", User, i+1)
		journals = append(journals, filepath.Join(t.TempDir(), "journal.ndjson"))
		journal, err := record.Create(journals[i], name, 1, now)
		if err != nil {
			t.Fatal(err)
		}
		p := subject.Participant{
			Name: name, Role: User, Life: 1, Seed: uint64(i), Env: named{&zk.Env{Server: server}, name}, Journal: journal, Log: slog.New(slog.DiscardHandler),
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
		calls = append(calls, record.Operations(events, history.Call)...)
	}
	return calls
}

// granted are the calls that got a token: those that take the lease, or enter the double barrier.
func granted(t *testing.T, calls []record.Operation, verb string) (got []record.Operation) {
	for _, c := range calls {
		asked, err := record.OwnData[history.Asked](c.Invoke)
		if err != nil {
			t.Fatal(err)
		}
		if asked.Verb == verb && c.Outcome() == record.OK {
			got = append(got, c)
		}
	}
	return got
}

// TestPlay_NoTokenComesAgainAfterARestore: no fault of the nemesis restores an ensemble, so this test
// does it in memory, under the load of a run: from a copy of some seconds before, from the same copy
// again, and from nothing. What was asked for when another user had a token has a greater one, whatever
// lies between.
func TestPlay_NoTokenComesAgainAfterARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zk.NewServer(4 * time.Second)
		const between = 12 * time.Second
		calls := usersOn(t, server, func() {
			time.Sleep(between)
			copied := server.Tree()
			for _, older := range []zk.Tree{copied, copied, zk.NewTree()} {
				time.Sleep(between)
				server.Restore(older)
			}
			time.Sleep(between)
		})
		for verb, least := range map[string]int{history.Take: 30, history.Enter: 30} {
			got, lifted := granted(t, calls, verb), 0
			for _, a := range got {
				token := a.Done.Token().Epoch
				if token > 1000 {
					lifted++
				}
				for _, b := range got {
					if b.Invoke.At > a.Done.At && b.Done.Token().Epoch <= token {
						t.Fatalf("%s: %s got token %d, and then %s token %d", verb, a.Invoke.Process, token, b.Invoke.Process, b.Done.Token().Epoch)
					}
				}
			}
			if len(got) < least || lifted < least/2 {
				t.Errorf("%s: %d tokens, %d of them beyond those of before a restore", verb, len(got), lifted)
			}
			t.Logf("%s: %d tokens, %d of them beyond those of before a restore", verb, len(got), lifted)
		}
	})
}
