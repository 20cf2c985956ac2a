package recipe_test

import (
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
