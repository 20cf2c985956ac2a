package workload

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestClient_RepeatsFailuresAfterPauses: a client whose submission is in doubt at once, each
// time, because the answer is lost and the next try is refused, and one whose cancelling is
// refused, go on with growing pauses, and succeed when they are let.
func TestClient_RepeatsFailuresAfterPauses(t *testing.T) {
	for _, kind := range []record.Kind{record.Submit, record.Cancel} {
		journal, events := recordtest.Journal(t)
		synctest.Test(t, func(t *testing.T) {
			env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
			r, err := recipe.NewClient(env, recipe.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close(t.Context()) }()
			who := subject.Participant{Env: env, Journal: journal, Now: func() time.Duration { return 0 }}
			c := &client{participant: participant{who, settings{Retention: time.Hour}}, recipe: r}
			name := "task-x"
			if kind == record.Cancel {
				name = c.keepSubmitting(t.Context(), taskSpec{payload: Payload{ID: "x"}}, recipe.ID("x"))
			} else if _, err := r.Submit(t.Context(), nil, recipe.ID("first")); err != nil { // makes the parents
				t.Fatal(err)
			}
			refuses, tries := true, 0 // who tries without an end is let, and found out by the count
			env.Server.Lose(func(op zkapi.Op) zk.Loss {
				tries++
				refuses = refuses && tries < 5000
				if refuses && kind == record.Submit && op.Path == "/tasks/task-x" && tries%2 == 1 {
					return zk.RequestLost
				}
				return zk.None
			})
			env.Server.Refuse(func(_ int64, op zkapi.Op) error {
				if refuses && op.Kind == zkapi.KindCreate {
					return zkapi.ErrNoAuth
				}
				return nil
			})
			time.AfterFunc(time.Minute, func() { env.Server.Refuse(nil); env.Server.Lose(nil) })
			if ctx := t.Context(); kind == record.Submit {
				name = c.keepSubmitting(ctx, taskSpec{payload: Payload{ID: "x"}}, recipe.ID("x"))
			} else {
				ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
				defer cancel()
				c.cancel(ctx, name, "x")
			}
			if name != "task-x" {
				t.Errorf("%s: it was not accepted", kind)
			}
		})
		tried, ok := 0, 0
		for _, e := range events() {
			if e.Kind == kind && e.Type == record.Invoke {
				tried++
			}
			if e.Kind == kind && e.Type == record.OK {
				ok++
			}
		}
		if tried < 20 || tried > 60 || ok != 1 {
			t.Errorf("%s: tried %d times in a minute, with success %d times", kind, tried, ok)
		}
	}
}

// TestClient_MakesUpNoMoreTasksWhileItIsRefused: as long as servers refuse every new task, a client
// repeats those that it has, with pauses, whatever its rate is. Then it goes on.
func TestClient_MakesUpNoMoreTasksWhileItIsRefused(t *testing.T) {
	journal, events := recordtest.Journal(t)
	const refused = time.Minute
	synctest.Test(t, func(t *testing.T) {
		env := &zk.Env{Server: zk.NewServer(4 * time.Second)}
		env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate {
				return zkapi.ErrQuota
			}
			return nil
		})
		draining := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		who := subject.Participant{Name: "client-1", Seed: 1, Env: env, Journal: journal, Now: func() time.Duration { return 0 }, Draining: draining, Log: slog.New(slog.DiscardHandler)}
		time.AfterFunc(refused, func() { env.Server.Refuse(nil) })
		time.AfterFunc(2*refused, cancel)
		_ = participant{who, settings{Rate: 20, Retention: time.Hour}}.runClient(ctx)
		time.Sleep(refused) // until nothing runs any more
	})
	tried, tasks, ok := 0, map[string]bool{}, 0
	for _, e := range events() {
		switch {
		case e.Kind == record.Submit && e.Type == record.Invoke && ok == 0:
			tried++
			tasks[e.ID()] = true
		case e.Kind == record.Submit && e.Type == record.OK:
			ok++
		}
	}
	if most := mostSubmitting + 1; len(tasks) > most || tried > most*int(refused/submitPatience) || ok < 500 {
		t.Errorf("while it was refused it tried %d times to submit %d tasks; then it submitted %d", tried, len(tasks), ok)
	}
}
