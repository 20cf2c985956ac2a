package checker

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// confirmations are the writes of a master that confirms its claim n times in one epoch,
// all of them alike, and their exchanges.
func confirmations(n int) (writes []record.Operation, exchanges []record.Exchange) {
	ops := []record.Op{{Kind: "check", Path: "/assign", Version: 1}}
	for i := range n {
		at := time.Duration(i) * time.Second
		writes = append(writes, record.Operation{
			Invoke: record.Event{Process: "master-1", At: at, Of: record.Request{Session: "0x1", Ops: ops}},
			Done:   record.Event{Type: record.OK, At: at + 10},
		})
		exchanges = append(exchanges, record.Exchange{Process: "master-1", Session: "0x1", Sent: at + 1, Answered: at + 9, Zxid: int64(i + 1), Ops: ops})
	}
	return writes, exchanges
}

func TestWritesThatAreAllAlike(t *testing.T) {
	writes, exchanges := confirmations(100)
	writes[40].Done, exchanges[40].Answered = record.Event{}, 0
	j := join(writes, exchanges)
	for i := range writes {
		if j.writes[i] != i || j.events[i] != i || !j.begun[i] {
			t.Errorf("write %d is paired with exchange %d", i, j.writes[i])
		}
	}
}

// BenchmarkAlike shows that the time per write does not grow with their number.
func BenchmarkAlike(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		writes, exchanges := confirmations(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				join(writes, exchanges)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/write")
		})
	}
}
