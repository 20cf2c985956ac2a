package serve_test

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

const (
	opMultiRead   = 22
	opAddWatch    = 106
	unimplemented = -6
)

// gets is a multiRead of that many paths.
func gets(paths ...string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		for _, path := range paths {
			to.Int32(opGet)
			to.Bool(false)
			to.Int32(-1)
			to.String(path)
			to.Bool(false)
		}
		to.Int32(-1)
		to.Bool(true)
		to.Int32(-1)
	}
}

// TestServe_WithoutMultiRead answers as servers before 3.6 do: it knows neither that nor addWatch,
// and closes the connection. The other servers of the ensemble know them.
func TestServe_WithoutMultiRead(t *testing.T) {
	for op, ask := range map[int32]func(*jute.Encoder){
		opMultiRead: gets("/"),
		opAddWatch: func(to *jute.Encoder) {
			to.String("/")
			to.Int32(1)
		},
	} {
		withoutMultiRead(t, op, ask)
	}
}

func withoutMultiRead(t *testing.T, op int32, ask func(*jute.Encoder)) {
	inBubble(t, serve.Options{Members: 2, WithoutMultiRead: 1}, func(t *testing.T, e *serve.Ensemble) {
		old, young := join(t, e.Members()[0], 10*time.Second), join(t, e.Members()[1], 10*time.Second)
		if code := young.do(op, ask); code != codeOK {
			t.Errorf("a server that knows it: code %d", code)
		}
		if code := old.do(op, ask); code != unimplemented {
			t.Errorf("a server that does not know it: code %d", code)
		}
		if !old.isClosed(time.Millisecond) {
			t.Error("the connection goes on")
		}
		if _, ok := rejoin(t, e.Members()[0], old); !ok {
			t.Error("the session is gone")
		}
	})
}

// TestFault_KnowsTheReadsOfAMultiRead: each of them is a request, as a part of a multi is.
func TestFault_KnowsTheReadsOfAMultiRead(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 10*time.Second)
		i := inject(t, e, "lose answers to get below /tasks")
		if code := c.do(opMultiRead, gets("/a", "/b")); code != codeOK {
			t.Errorf("other reads: code %d", code)
		}
		c.ask(5, opMultiRead, gets("/a", "/tasks/t"))
		if xid, _, _, came := c.next(time.Millisecond); came {
			t.Errorf("an answer came, to %d", xid)
		}
		wantEffects(t, i, 1)
	})
}
