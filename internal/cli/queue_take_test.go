package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// TestQueueTake_EndsWithTheLastItem: after its last failure it does not wait, because nothing follows.
// If it waited, it would hear that ctx has ended.
func TestQueueTake_EndsWithTheLastItem(t *testing.T) {
	g := newGroup(t)
	in := Streams{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}}
	if err := (QueuePut{Priority: QueuePriority}).Run(t.Context(), g.options(), in, "q", []string{"x"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("it was given back twice")
	g.work.Go(func() {
		for ; g.ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if entries := below(g.Tree(), "/queues/q/entries"); len(entries) == 1 {
				entry, err := g.Tree().Node("/queues/q/entries/" + entries[0])
				if err == nil && entry.Stat.Version == 2 && len(below(g.Tree(), "/queues/q/taken")) == 0 {
					stop(enough)
					return
				}
			}
		}
	})
	if err := (QueueTake{Count: 2}).Run(ctx, g.options(), in, "q", []string{"false"}); !errors.Is(err, errSome) {
		t.Error(err)
	}
}

// below are the names of the children of a znode.
func below(tree zk.Tree, path string) []string {
	node, err := tree.Node(path)
	if err != nil {
		return nil
	}
	return node.Children()
}
