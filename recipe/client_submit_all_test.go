package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// fate is one outcome of SubmitAll.
type fate struct {
	recipe.Submitted
	err error
}

func outcomes(from iter.Seq2[recipe.Submitted, error]) (all []fate) {
	for submitted, err := range from {
		all = append(all, fate{submitted, err})
	}
	return all
}

// numbered are submissions with the payloads 0, 1, 2, ... and ids such as n.007.
func numbered(n int) (all []recipe.Submission) {
	for i := range n {
		all = append(all, recipe.Submission{Payload: fmt.Append(nil, i), Options: []recipe.SubmitOption{recipe.ID(fmt.Sprintf("n.%03d", i))}})
	}
	return all
}

// TestSubmitAll_HasOneOutcomeForEach: those that fail keep no other from being accepted. A
// payload may change when it was handed over.
func TestSubmitAll_HasOneOutcomeForEach(t *testing.T) {
	inBubble(t, func(w *world) {
		all := numbered(900)
		all[17].Options = []recipe.SubmitOption{recipe.ID("no/id")}
		all[18].Payload = make([]byte, recipe.MaxPayload+1)
		all[20].Options = all[19].Options // it finds the one before
		all[21].Options = []recipe.SubmitOption{nil}
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-n.600", []byte("first"), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-n.601", nil, zkapi.Ephemeral))
		multis := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindMulti {
				multis++
			}
		})
		buffer := make([]byte, 0, 10)
		input := func(yield func(recipe.Submission) bool) {
			for _, one := range all {
				if len(one.Payload) < cap(buffer) {
					buffer = append(buffer[:0], one.Payload...)
					one.Payload = buffer
				}
				if !yield(one) {
					return
				}
			}
		}
		var want []string
		for n, got := range outcomes(w.client().SubmitAll(w.ctx, input)) {
			task := fmt.Sprintf("task-n.%03d", n)
			switch n {
			case 17, 21:
				if !errors.Is(got.err, recipe.ErrInvalid) || got.Task != "" {
					t.Errorf("number %d: %+v", n, got)
				}
				continue
			case 18:
				if !errors.Is(got.err, zkapi.ErrTooLarge) || got.Task != "" {
					t.Errorf("number %d: %+v", n, got)
				}
				continue
			case 601:
				if want = append(want, task); !errors.Is(got.err, recipe.ErrObstructed) || got.Task != "" {
					t.Errorf("number %d: %+v", n, got)
				}
				continue
			case 20:
				task = "task-n.019"
			default:
				want = append(want, task)
			}
			if got.err != nil || got.Task != task || got.Found != (n == 20 || n == 600) || got.InDoubt {
				t.Errorf("number %d: %+v", n, got)
			}
			payload := fmt.Sprint(n)
			switch n {
			case 20:
				payload = "19"
			case 600:
				payload = "first"
			}
			if data := w.do(zkapi.Get("/tasks/" + task)).Data; string(data) != payload {
				t.Errorf("number %d: the task holds %q", n, data)
			}
		}
		if there := w.do(zkapi.Children("/tasks")).Children; !slices.Equal(there, want) {
			t.Errorf("%d tasks are there, %d are wanted", len(there), len(want))
		}
		if multis == 0 || multis > 20 {
			t.Errorf("%d multis", multis)
		}
		if none := outcomes(w.client().SubmitAll(w.ctx, slices.Values([]recipe.Submission{}))); len(none) != 0 {
			t.Errorf("none: %v", none)
		}
	})
}

// TestSubmitAll_ResolvesEachLoss loses one request after the other of a SubmitAll, in each way:
// each submission is told whether it made its task, found it, or cannot know.
func TestSubmitAll_ResolvesEachLoss(t *testing.T) {
	const session = zk.Loss(99) // it ends, and the request with it
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost, session} {
		for at, reached := 0, true; reached; at++ {
			inBubble(t, func(w *world) {
				before := func(n int) bool { return n%5 == 2 }
				w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
				all := numbered(12)
				for n := range all {
					switch {
					case before(n):
						w.do(zkapi.Create(fmt.Sprintf("/tasks/task-n.%03d", n), []byte("first"), zkapi.Persistent))
					case n%3 == 0:
						all[n].Options = nil
					}
				}
				c := w.client()
				if _, err := c.Submit(w.ctx, nil, recipe.ID("other")); err != nil {
					t.Fatal(err)
				}
				lost := w.loseNth(at, loss, session)
				got := outcomes(c.SubmitAll(w.ctx, slices.Values(all)))
				reached = lost.Load()
				if len(got) != len(all) {
					t.Fatalf("loss %d at %d: %d outcomes", loss, at, len(got))
				}
				for n, one := range got {
					own := len(all[n].Options) > 0
					payload := string(w.do(zkapi.Get("/tasks/" + one.Task)).Data)
					made := payload == fmt.Sprint(n)
					switch {
					case one.err != nil || own && one.ID != fmt.Sprintf("n.%03d", n) || one.Task != "task-"+one.ID,
						!made && payload != "first", made == before(n), // of another submission
						!one.Found && !made,               // it did not make it
						one.Found && made && !one.InDoubt, // it did
						one.InDoubt && (!own || !one.Found || !reached):
						t.Errorf("loss %d at %d: number %d: %+v, the task holds %q", loss, at, n, one, payload)
					}
				}
				if there := w.do(zkapi.Children("/tasks")).Children; len(there) != len(all)+1 {
					t.Errorf("loss %d at %d: %d tasks", loss, at, len(there))
				}
			})
		}
	}
}

// loseNth loses a write, counted from 0, and says later whether there were so many. With the loss
// ends, its session ends, too.
func (w *world) loseNth(at int, loss, ends zk.Loss) (lost *atomic.Bool) {
	writes := 0
	return w.loseOnce(min(loss, zk.ReplyLost), func(op zkapi.Op) bool {
		if !op.Kind.Writes() {
			return false
		}
		if writes++; writes != at+1 {
			return false
		}
		if loss == ends {
			go func() {
				for _, s := range w.env.Server.Sessions() {
					if s != w.direct {
						s.Expire()
					}
				}
			}()
		}
		return true
	})
}

// TestSubmitAll_EndsWithItsContext: what was not answered by then is in doubt if it may have been
// applied, and otherwise not. The input is not read to its end.
func TestSubmitAll_EndsWithItsContext(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		inBubble(t, func(w *world) {
			c := w.client()
			if _, err := c.Submit(w.ctx, nil); err != nil { // makes /tasks
				t.Fatal(err)
			}
			sent := map[string]bool{}
			w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
				for _, create := range append(op.Ops, op) {
					if create.Kind == zkapi.KindCreate {
						sent[create.Path] = true
					}
				}
				return loss
			})
			cause := errors.New("that is enough")
			ctx, cancel := context.WithCancelCause(w.ctx)
			time.AfterFunc(time.Second, func() { cancel(cause) })
			read := 0
			got := outcomes(c.SubmitAll(ctx, func(yield func(recipe.Submission) bool) {
				for _, one := range numbered(100_000) {
					if read++; !yield(one) {
						return
					}
				}
			}))
			doubts, notSent := 0, 0
			for n, one := range got {
				path := fmt.Sprintf("/tasks/task-n.%03d", n)
				if doubt := errors.Is(one.err, recipe.ErrInDoubt); doubt != sent[path] || !errors.Is(one.err, cause) {
					t.Errorf("number %d, sent is %v: %v", n, sent[path], one.err)
				} else if doubt {
					doubts++
				} else {
					notSent++
				}
			}
			if len(got) != read || read > 5000 || doubts == 0 || notSent == 0 {
				t.Errorf("%d were read, %d have outcomes; %d are in doubt, %d were not sent", read, len(got), doubts, notSent)
			}
		})
	}
}
