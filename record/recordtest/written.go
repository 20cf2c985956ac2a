package recordtest

import (
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Wire is a frozen recording of what went over the wire, by its name.
func Wire(t testing.TB, name string) []record.Exchange {
	t.Helper()
	exchanges, err := record.ReadExchanges(filepath.Join(Folder(t), name+".wire.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return exchanges
}

// Committed is a real run on three servers, of five seconds, with a master and a worker
// killed and cut off and a server killed. It has its wire and its commits, and six outcomes
// are unknown to the participants.
func Committed(t testing.TB) record.Run {
	t.Helper()
	run := Frozen(t, "committed")
	commits, err := record.ReadCommits(filepath.Join(Folder(t), "committed.commits.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	run.Exchanges, run.Commits = Wire(t, "committed"), commits
	return run.MadeByHand()
}

// Written is a history of writes, each of a session of its own, with its exchange and its
// commit.
type Written struct{ record.Run }

// NewWritten begins a history without a write, whose order is from that source.
func NewWritten(order record.Source) Written {
	return Written{record.Run{
		Evidence:  &record.Evidence{Healed: true, Drained: true, Nodes: []record.Node{}, Order: order, Last: math.MaxInt64},
		Exchanges: []record.Exchange{}, Commits: []record.Commit{},
	}.MadeByHand()}
}

// Write adds a write that begins at a second and takes one. It was committed under the
// zxid; 0 if it was not.
func (w *Written) Write(process string, at int, outcome record.Type, zxid int64, ops ...record.Op) {
	n := int64(len(w.Exchanges) + 1)
	from, to := time.Duration(at)*time.Second, time.Duration(at+1)*time.Second
	invoke := record.Event{Seq: len(w.Events) + 1, At: from, Process: process, Type: record.Invoke, Kind: record.Write, Op: n, Of: record.Request{Session: "0x" + process, Ops: ops}}
	done := record.Event{Seq: len(w.Events) + 2, At: to, Process: process, Type: outcome, Kind: record.Write, Op: n, Of: record.Request{Session: "0x" + process}}
	w.Events = append(w.Events, invoke, done)
	x := record.Exchange{Process: process, Session: invoke.Session(), Xid: int32(n), Sent: from + 1, Index: -1, Ops: ops}
	if outcome == record.OK {
		x.Answered, x.Zxid = to-1, zxid
	}
	w.Exchanges = append(w.Exchanges, x)
	if zxid != 0 {
		w.Commits = append(w.Commits, record.Commit{Zxid: zxid, Session: invoke.Session(), Xid: int32(n), Kind: record.CommitWrite, Ops: ops})
		slices.SortFunc(w.Commits, func(a, b record.Commit) int { return int(a.Zxid - b.Zxid) })
	}
}
