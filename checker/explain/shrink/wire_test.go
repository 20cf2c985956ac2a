package shrink

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestHistory_ShrinksFrozenWires cuts down what went over the wire: the violation of the
// protocol must rest on the same write as before.
func TestHistory_ShrinksFrozenWires(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordtest.Folder(t), "*-bad.wire.ndjson"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d frozen wires, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".wire.ndjson"), func(t *testing.T) {
			run := recordtest.Frozen(t, "accepted")
			if run.Exchanges, err = record.ReadExchanges(path); err != nil {
				t.Fatal(err)
			}
			run = run.MadeByHand()
			whole := invalid(judge(run))
			if len(whole) != 1 {
				t.Fatalf("%d violations", len(whole))
			}
			s := History(t.Context(), indexed(run), whole[0], judge)
			t.Logf("%d of %d exchanges, %d of %d events", len(s.Run.Exchanges), len(run.Exchanges), s.Left.Events, s.Of.Events)
			left := invalid(judge(s.Run))
			if len(left) != 1 || left[0].Name != "FollowsProtocol" || !leads(whole[0].Findings, left[0].Findings) {
				t.Errorf("the part says %v, the whole %v", left, whole)
			}
			if len(s.Run.Exchanges) == 0 || len(s.Run.Exchanges) >= len(run.Exchanges) || !s.Minimal {
				t.Errorf("%d of %d exchanges are left, minimal %v", len(s.Run.Exchanges), len(run.Exchanges), s.Minimal)
			}
		})
	}
}

// TestPart_KeepsAWriteWithItsExchangeAndZnodes takes a write out and looks for its traces.
func TestPart_KeepsAWriteWithItsExchangeAndZnodes(t *testing.T) {
	write := []record.Op{{Kind: "create", Path: "/tasks/t", Data: `{"id":"a"}`}}
	run := record.Run{
		Events: []record.Event{
			{Seq: 1, At: 10, Process: "c", Life: 1, Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1", Ops: write}},
			{Seq: 2, At: 20, Process: "c", Life: 1, Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1"}},
			{Seq: 3, At: 30, Process: "harness", Type: record.Note, Kind: record.Phase, Of: record.PhaseChange{}},
		},
		Exchanges: []record.Exchange{{Process: "c", Life: 1, Session: "0x1", Sent: 11, Answered: 12, Zxid: 7, Index: -1, Ops: write}},
		Commits:   []record.Commit{{Zxid: 7, Session: "0x1", Kind: record.CommitWrite, Ops: write}, {Zxid: 8, Kind: record.CommitOpen}},
		Evidence:  &record.Evidence{Nodes: []record.Node{{Path: "/tasks"}, {Path: "/tasks/t"}}},
	}
	all := units(indexed(run))
	if len(all) != 3 {
		t.Fatalf("%d units: %+v", len(all), all)
	}
	rest := join(run, all, all[1:])
	if len(rest.Events) != 1 || len(rest.Exchanges) != 0 || len(rest.Commits) != 1 || len(rest.Evidence.Nodes) != 1 || rest.Exchanges == nil {
		t.Errorf("left: %+v", rest)
	}
	if whole := join(run, all, all); len(whole.Events) != 3 || len(whole.Exchanges) != 1 || len(whole.Commits) != 2 || len(whole.Evidence.Nodes) != 2 {
		t.Errorf("joined: %+v", whole)
	}
}

// TestPart_NarrowsTheTree leaves of writes what belongs to the tasks that are kept.
func TestPart_NarrowsTheTree(t *testing.T) {
	two := []record.Op{{Kind: "check", Path: "/assign", Version: 1}, {Kind: "create", Path: "/assign/w/a"}, {Kind: "create", Path: "/assign/w/b"}}
	run := record.Run{
		Events: []record.Event{
			{Seq: 1, Process: "m", Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Ops: two}},
			{Seq: 2, Process: "m", Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{}},
			{Seq: 3, Process: "m", Type: record.Invoke, Kind: record.Write, Op: 2, Of: record.Request{Ops: two[:2]}},
			{Seq: 4, Process: "m", Type: record.OK, Kind: record.Write, Op: 2, Of: record.Request{}},
			{Seq: 5, Process: "c", Type: record.Invoke, Kind: record.Submit, Op: 1, Of: record.Submission{ID: "ida"}},
			{Seq: 6, Process: "c", Type: record.OK, Kind: record.Submit, Op: 1, Of: record.Submission{ID: "ida", Task: "a"}},
		},
		Exchanges: []record.Exchange{{Index: 2, Error: record.NodeExists, Ops: two}, {Index: 1, Error: record.NodeExists, Ops: two}},
		Evidence:  &record.Evidence{Nodes: []record.Node{{Path: "/assign"}, {Path: "/tasks/a"}, {Path: "/tasks/b"}, {Path: "/assign/w/a"}}},
	}
	part := only(indexed(run), []string{"b"})
	if len(part.Events) != 2 || len(part.Events[0].Ops()) != 2 || part.Events[0].Ops()[1].Path != "/assign/w/b" {
		t.Errorf("events: %+v", part.Events)
	}
	if len(part.Exchanges) != 1 || part.Exchanges[0].Index != 1 {
		t.Errorf("exchanges: %+v", part.Exchanges)
	}
	if len(part.Evidence.Nodes) != 2 {
		t.Errorf("nodes: %+v", part.Evidence.Nodes)
	}
}

func BenchmarkHistory(b *testing.B) {
	run := recordtest.Frozen(b, "AtomicTransitions-bad")
	p := invalid(judge(run))[0]
	b.Run("judge-once", func(b *testing.B) {
		for b.Loop() {
			judge(run)
		}
	})
	b.Run("shrink", func(b *testing.B) {
		judged := 0
		for b.Loop() {
			judged = History(b.Context(), indexed(run), p, func(r record.Run) []checker.Property { return judge(r) }).Judged
		}
		b.ReportMetric(float64(judged), "judged/op")
	})
}
