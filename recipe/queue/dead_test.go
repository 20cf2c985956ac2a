package queue_test

import (
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestBury_MakesTheFolder, if a program of another library has made the queue, or a person has deleted it.
// An item that is gone is not buried.
func TestBury_MakesTheFolder(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a b")
		first, second := w.takes(q), w.takes(q)
		w.do(zkapi.Delete(path+"/dead", zkapi.AnyVersion))
		if err := first.Bury(w.ctx); err != nil {
			t.Error(err)
		}
		w.has(1, 1, 1)
		w.do(zkapi.Delete(path+"/dead/"+w.below("/dead")[0], zkapi.AnyVersion))
		w.do(zkapi.Delete(path+"/dead", zkapi.AnyVersion))
		w.do(zkapi.Delete(path+"/entries/"+second.ID(), zkapi.AnyVersion))
		if err := second.Bury(w.ctx); !errors.Is(err, queue.ErrFenced) {
			t.Errorf("an item that is gone: %v", err)
		}
	})
}
