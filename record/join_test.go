package record

import (
	"fmt"
	"testing"
	"time"
)

// confirmations are the writes of a master that confirms its claim n times in one epoch,
// all of them alike, and their exchanges.
func confirmations(n int) (writes []Operation, exchanges []Exchange) {
	ops := []Op{{Kind: "check", Path: "/assign", Version: 1}}
	for i := range n {
		at := time.Duration(i) * time.Second
		writes = append(writes, Operation{
			Invoke: Event{Process: "master-1", At: at, Of: Request{Session: "0x1", Ops: ops}},
			Done:   Event{Type: OK, At: at + 10},
		})
		exchanges = append(exchanges, Exchange{Process: "master-1", Session: "0x1", Sent: at + 1, Answered: at + 9, Zxid: int64(i + 1), Ops: ops})
	}
	return writes, exchanges
}

func TestJoin_WritesThatAreAllAlike(t *testing.T) {
	writes, exchanges := confirmations(100)
	writes[40].Done, exchanges[40].Answered = Event{}, 0
	j := Join(writes, exchanges)
	for i := range writes {
		if j.Exchange[i] != i || j.Write[i] != i || !j.Begun[i] {
			t.Errorf("write %d is paired with exchange %d", i, j.Exchange[i])
		}
	}
}

// BenchmarkAlike shows that the time per write does not grow with their number.
func BenchmarkAlike(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		writes, exchanges := confirmations(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Join(writes, exchanges)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/write")
		})
	}
}

// TestJoin_FindsTheExchangeOfAWrite finds what carried a write: by who sent what in which session,
// while the write was under way. The server has completed the names of sequential znodes.
func TestJoin_FindsTheExchangeOfAWrite(t *testing.T) {
	plain := []Op{{Kind: "create", Path: "/a", Data: "x"}}
	exchanges := []Exchange{
		{Process: "p", Session: "0x1", Sent: 15, Answered: 16, Ops: plain},
		{Process: "p", Session: "0x1", Sent: 35, Answered: 36, Ops: plain},
		{Process: "p", Session: "0x2", Sent: 36, Answered: 37, Ops: plain},
		{Process: "p", Session: "0x1", Sent: 40, Answered: 41, Ops: []Op{{Kind: "create", Path: "/q/c-0000000007", Sequential: true}}},
	}
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
		if got := Join([]Operation{c.write}, exchanges).Exchange[0]; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
