package record

import (
	"testing"
	"time"
)

// TestTheExchangeOfAWrite finds what carried a write: by who sent what in which session,
// while the write was under way. The server has completed the names of sequential znodes.
func TestTheExchangeOfAWrite(t *testing.T) {
	plain := []Op{{Kind: "create", Path: "/a", Data: "x"}}
	exchanges := []Exchange{
		{Process: "p", Session: "0x1", Sent: 15, Ops: plain},
		{Process: "p", Session: "0x1", Sent: 35, Ops: plain},
		{Process: "p", Session: "0x2", Sent: 36, Ops: plain},
		{Process: "p", Session: "0x1", Sent: 40, Ops: []Op{{Kind: "create", Path: "/q/c-0000000007", Sequential: true}}},
	}
	wires := IndexWires(exchanges)
	write := func(session string, from, to time.Duration, ops ...Op) Operation {
		o := Operation{Invoke: Event{Process: "p", At: from, Of: Request{Session: session, Ops: ops}}}
		if to > 0 {
			o.Done = Event{Type: OK, At: to}
		}
		return o
	}
	for _, c := range []struct {
		name  string
		write Operation
		want  int
	}{
		{"the first", write("0x1", 10, 20, plain...), 0},
		{"the second try of the same", write("0x1", 30, 40, plain...), 1},
		{"in another session", write("0x2", 30, 40, plain...), 2},
		{"one that never ended", write("0x1", 20, 0, plain...), 1},
		{"a sequential name", write("0x1", 39, 41, Op{Kind: "create", Path: "/q/c-", Sequential: true}), 3},
		{"one that was lost on its way", write("0x1", 50, 60, plain...), -1},
		{"other data", write("0x1", 10, 20, Op{Kind: "create", Path: "/a", Data: "y"}), -1},
		{"another process", Operation{Invoke: Event{Process: "q", At: 10, Of: Request{Session: "0x1", Ops: plain}}}, -1},
	} {
		if got := wires.Of(c.write); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
