package recipe_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// awaits lets a client wait for task t, and returns what Await returns.
func (w *world) awaits() (told func() (status recipe.Status, over bool, err error)) {
	w.t.Helper()
	w.makes("/tasks", "/tasks/t")
	var mu sync.Mutex
	var status recipe.Status
	var over bool
	var err error
	c := w.client()
	w.work.Go(func() {
		s, e := c.Await(w.ctx, "t")
		mu.Lock()
		defer mu.Unlock()
		status, over, err = s, true, e
	})
	time.Sleep(time.Second)
	return func() (recipe.Status, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		return status, over, err
	}
}

// TestAwait_ReadsTheStatusAtOnceWhenItIsCreated: a client that has heard of the status asks for
// nothing else before it reads it.
func TestAwait_ReadsTheStatusAtOnceWhenItIsCreated(t *testing.T) {
	inBubble(t, func(w *world) {
		var mu sync.Mutex
		var asked []string
		w.env.Server.Observe(func(session int64, op zkapi.Op) {
			mu.Lock()
			defer mu.Unlock()
			if session != w.direct.ID() && strings.HasPrefix(op.Path, "/tasks/t") {
				asked = append(asked, fmt.Sprint(op.Kind, " ", op.Path, " ", op.Watch))
			}
		})
		told := w.awaits()
		w.do(create("/tasks/t/status", `{"state":"done","result":"x"}`))
		time.Sleep(time.Second)
		if status, over, err := told(); !over || err != nil || status.State != recipe.Done || string(status.Result) != "x" {
			t.Errorf("%+v, %v, %v", status, over, err)
		}
		mu.Lock()
		defer mu.Unlock()
		want := []string{"exists /tasks/t/status true", "exists /tasks/t false", "get /tasks/t/status false"}
		if !slices.Equal(asked, want) {
			t.Errorf("the client asks %q, not %q", asked, want)
		}
	})
}

// TestAwait_GoesOnWhenTheStatusIsNoneAnyMore: the client has heard that a status was created, and
// does not find it when it reads it, or finds one that is no result. Then it waits for the next
// one, unless the task is gone.
func TestAwait_GoesOnWhenTheStatusIsNoneAnyMore(t *testing.T) {
	const status = "/tasks/t/status"
	for _, row := range []struct {
		says string
		act  []zkapi.Op // takes effect together
		gone bool       // the task is
	}{
		{"it is deleted at once", []zkapi.Op{create(status, `{"state":"done"}`), remove(status)}, false},
		{"it goes with a session", []zkapi.Op{zkapi.Create(status, []byte(`{"state":"done"}`), zkapi.Ephemeral)}, false},
		{"it is collected at once", []zkapi.Op{create(status, `{"state":"done"}`), remove(status), remove("/tasks/t")}, true},
	} {
		t.Run(row.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				told := w.awaits()
				w.do(zkapi.Multi(row.act...))
				time.Sleep(time.Second)
				switch s, over, err := told(); {
				case row.gone && !errors.Is(err, recipe.ErrNoTask):
					t.Fatalf("it is told %+v, %v, %v", s, over, err)
				case row.gone:
					return
				case over:
					t.Fatalf("it is told %+v, %v", s, err)
				}
				if w.do(zkapi.Exists(status)).Found {
					w.do(remove(status))
				}
				w.do(create(status, `{"state":"failed","reason":"no"}`))
				time.Sleep(time.Second)
				if s, over, err := told(); !over || err != nil || s.State != recipe.Failed {
					t.Errorf("then it is told %+v, %v, %v", s, over, err)
				}
			})
		})
	}
}
