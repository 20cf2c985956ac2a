package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSubmit_TellsCreatedFromFound, also when the answer of the first try is lost.
func TestSubmit_TellsCreatedFromFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		there  bool // the task was submitted before
		loss   zk.Loss
		ownID  bool // the caller gives one
		found  bool
		doubts bool
	}{
		{name: "a new id", ownID: true},
		{name: "an id that is there", there: true, ownID: true, found: true},
		{name: "a new id, not applied at first", loss: zk.RequestLost, ownID: true},
		{name: "a new id, applied at first", loss: zk.ReplyLost, ownID: true, found: true, doubts: true},
		{name: "an id that is there, and a lost answer", there: true, loss: zk.RequestLost, ownID: true, found: true, doubts: true},
		{name: "no id"},
		{name: "no id, not applied at first", loss: zk.RequestLost},
		{name: "no id, applied at first", loss: zk.ReplyLost},
	} {
		inBubble(t, func(w *world) {
			cl := w.client()
			if _, err := cl.Submit(w.ctx, nil, recipe.ID("other")); err != nil { // makes /tasks
				t.Fatal(err)
			}
			var options []recipe.SubmitOption
			if c.ownID {
				options = append(options, recipe.ID("x"))
			}
			if c.there {
				if _, err := w.client().Submit(w.ctx, []byte("first"), options...); err != nil {
					t.Fatal(err)
				}
			}
			lost := w.loseOnce(c.loss, func(op zkapi.Op) bool { return op.Kind == zkapi.KindCreate })
			got, err := cl.Submit(w.ctx, []byte("second"), options...)
			if err != nil || got.Found != c.found || got.InDoubt != c.doubts || got.Task != "task-"+got.ID || c.ownID && got.ID != "x" || !lost.Load() {
				t.Errorf("%s: %+v, %v; the create was seen: %v", c.name, got, err, lost.Load())
			}
			want := "second"
			if c.there {
				want = "first"
			}
			if data := w.do(zkapi.Get("/tasks/" + got.Task)).Data; string(data) != want {
				t.Errorf("%s: the task holds %q", c.name, data)
			}
		})
	}
}

// spawned counts the threads of a client.
type spawned struct {
	zkapi.Env
	submits atomic.Int32
}

func (s *spawned) Spawn(name string, f func()) zkapi.Source {
	if name == "submit" {
		s.submits.Add(1)
	}
	return s.Env.Spawn(name, f)
}

// TestSubmitAll_HasOneAnswerForEach: those that fail keep no other from being accepted.
func TestSubmitAll_HasOneAnswerForEach(t *testing.T) {
	inBubble(t, func(w *world) {
		env := &spawned{Env: w.env}
		c, err := recipe.NewClient(env, recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		var all []recipe.Submission
		for n := range 300 {
			all = append(all, recipe.Submission{Payload: fmt.Append(nil, n), Options: []recipe.SubmitOption{recipe.ID(fmt.Sprintf("n.%03d", n))}})
		}
		all[17].Options = []recipe.SubmitOption{recipe.ID("no/id")}
		all[18].Payload = make([]byte, recipe.MaxPayload+1)
		all[19].Options = all[20].Options // one of the two finds the other
		got, err := c.SubmitAll(w.ctx, all)
		each, ok := errors.AsType[recipe.SubmitErrors](err)
		if !ok || len(each) != len(all) || len(each.Unwrap()) != 2 || !errors.Is(each[17], recipe.ErrInvalid) || !errors.Is(each[18], zkapi.ErrTooLarge) {
			t.Fatalf("%v", err)
		}
		if !errors.Is(err, recipe.ErrInvalid) || !errors.Is(err, zkapi.ErrTooLarge) || !strings.HasPrefix(err.Error(), "2 of 300 submissions failed; number 17: ") {
			t.Errorf("%v", err)
		}
		var want []string
		for n, one := range got {
			task := fmt.Sprintf("task-n.%03d", n)
			switch n {
			case 17, 18:
				task = ""
			case 19:
				task = "task-n.020"
			default:
				want = append(want, task)
			}
			if one.Task != task || one.Found && n != 19 && n != 20 {
				t.Errorf("number %d: %+v", n, one)
			}
		}
		if got[19].Found == got[20].Found {
			t.Errorf("of two with the same id: %+v and %+v", got[19], got[20])
		}
		if there := w.do(zkapi.Children("/tasks")).Children; !slices.Equal(there, want) {
			t.Errorf("%d tasks are there, %d are wanted", len(there), len(want))
		}
		if n := env.submits.Load(); n != 64 {
			t.Errorf("%d submissions at a time", n)
		}
		if got, err := c.SubmitAll(w.ctx, nil); len(got) != 0 || err != nil || env.submits.Load() != 64 {
			t.Errorf("none: %v, %v", got, err)
		}
		_ = c.Close(w.ctx)
	})
}

// TestSubmitAll_EndsWithItsContext: what has not been accepted by then says why.
func TestSubmitAll_EndsWithItsContext(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		if _, err := c.Submit(w.ctx, nil); err != nil { // makes /tasks
			t.Fatal(err)
		}
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss { return zk.RequestLost })
		cause := errors.New("that is enough")
		ctx, cancel := context.WithCancelCause(w.ctx)
		w.work.Go(func() { cancel(cause) })
		_, err := c.SubmitAll(ctx, make([]recipe.Submission, 100))
		if each, ok := errors.AsType[recipe.SubmitErrors](err); !ok || len(each.Unwrap()) != 100 || !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	})
}
