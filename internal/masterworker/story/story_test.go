package story

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestStories_OfFrozenWires tells of writes that no event mentions.
func TestStories_OfFrozenWires(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(recordtest.Folder(t), "*-bad.wire.ndjson"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d frozen wires, %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wire.ndjson")
		t.Run(name, func(t *testing.T) {
			run := recordtest.Frozen(t, "accepted")
			if run.Exchanges, err = record.ReadExchanges(path); err != nil {
				t.Fatal(err)
			}
			all := stories(run.MadeByHand())
			if len(all) != 1 {
				t.Fatalf("%d stories", len(all))
			}
			hold(t, all[0])
			golden(t, name, all)
		})
	}
}

// TestWrite_SaysWhetherItWasApplied tells the outcome of a write from what is known of it: what its
// writer heard, what went over the wire, and what the servers have in their logs.
func TestWrite_SaysWhetherItWasApplied(t *testing.T) {
	ops := []record.Op{{Kind: "create", Path: "/assign/worker-1/task-a", Data: `{"epoch":1,"attempt":1}`}}
	on := func(answered time.Duration, zxid int64, refused record.Refusal) []record.Exchange {
		return []record.Exchange{{Process: "master-1", Session: "0x1", Xid: 5, Sent: 11, Answered: answered, Zxid: zxid, Error: refused, Index: -1, Ops: ops}}
	}
	logged := []record.Commit{{Zxid: 9, Session: "0x1", Xid: 5, Kind: record.CommitWrite, Ops: ops}}
	for _, c := range []struct {
		name      string
		heard     record.Type
		exchanges []record.Exchange
		commits   []record.Commit
		want      string
		zxid      int64
	}{
		{"heard", record.OK, nil, nil, "as attempt 1.", 0},
		{"heard, and on the wire", record.OK, on(12, 7, ""), nil, "as attempt 1.", 7},
		{"refused", record.Fail, on(12, 7, record.NodeExists), nil, "as attempt 1.", 7},
		{"nothing known", record.Info, nil, nil, "did not know whether the write was applied.", 0},
		{"never sent", record.Info, []record.Exchange{}, nil, "the write was not applied: it reached no server.", 0},
		{"answered, not heard", record.Info, on(12, 7, ""), nil, "It got no answer, but ZooKeeper applied the write.", 7},
		{"refused, not heard", record.Info, on(12, 7, record.BadVersion), nil, "the write was not applied: bad version.", 7},
		{"not answered", record.Info, on(0, 0, ""), nil, "did not know whether the write was applied.", 0},
		{"not answered, in the logs", record.Info, on(0, 0, ""), logged, "It got no answer, but ZooKeeper applied the write.", 9},
		{"not answered, in no log", record.Info, on(0, 0, ""), []record.Commit{}, "no server has it in its log.", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := record.Run{Exchanges: c.exchanges, Commits: c.commits, Events: []record.Event{
				{Seq: 1, At: 10, Process: "master-1", Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1", Ops: ops}},
				{Seq: 2, At: 20, Process: "master-1", Type: c.heard, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1", Problem: "connection lost"}},
			}}
			story := tell(run, checker.Property{Name: "AtomicTransitions", Findings: []wording.Finding{{Code: judge.AttemptLost, Object: "task-a"}}, Events: []int{1, 2}})
			if refused := strings.HasPrefix(story.Lines[0].Text, "Refused, node exists: master-1"); refused != (c.name == "refused") {
				t.Errorf("told as refused: %v", refused)
			}
			if len(story.Lines) != 1 || !strings.HasSuffix(story.Lines[0].Text, c.want) || story.Lines[0].Zxid != c.zxid {
				t.Errorf("%+v, want %q, zxid %d", story.Lines, c.want, c.zxid)
			}
		})
	}
}

// TestSubmission_WithoutAnAnswer tells that its task was made all the same, and where.
func TestSubmission_WithoutAnAnswer(t *testing.T) {
	ops := []record.Op{{Kind: "create", Path: "/tasks/task-a", Data: `{"id":"a"}`}}
	events := []record.Event{
		{Seq: 1, At: 10, Process: "client-1", Type: record.Invoke, Kind: record.Submit, Op: 1, Of: record.Submission{ID: "a"}},
		{Seq: 2, At: 20, Process: "client-1", Type: record.Invoke, Kind: record.Write, Op: 2, Of: record.Request{Session: "0x1", Ops: ops}},
		{Seq: 3, At: 30, Process: "client-1", Type: record.Info, Kind: record.Write, Op: 2, Of: record.Request{Session: "0x1"}},
		{Seq: 4, At: 40, Process: "client-1", Type: record.Info, Kind: record.Submit, Op: 1, Of: record.Submission{ID: "a"}},
		{Seq: 5, At: 50, Process: "worker-1", Type: record.Invoke, Kind: record.Execute, Op: 1, Of: record.Execution{ID: "a", Task: "task-a", Token: record.Token{Epoch: 1, Attempt: 1}}},
	}
	exchanges := []record.Exchange{{Process: "client-1", Session: "0x1", Sent: 21, Answered: 31, Zxid: 7, Index: -1, Ops: ops}}
	violated := checker.Property{Name: "UniqueAttempts", Findings: []wording.Finding{{Code: judge.AttemptLost, Object: "task-a"}}, Events: []int{5}}
	for _, c := range []struct {
		exchanges []record.Exchange
		want      string
		zxid      int64
	}{
		{exchanges, "client-1 submitted the task. ZooKeeper applied the write, but the answer did not arrive.", 7},
		{nil, "client-1 submitted the task, and got no answer.", 0},
	} {
		story := tell(record.Run{Events: events, Exchanges: c.exchanges}, violated)
		if first := story.Lines[0]; first.Text != c.want || first.Zxid != c.zxid {
			t.Errorf("%q, zxid %d; want %q, zxid %d", first.Text, first.Zxid, c.want, c.zxid)
		}
	}
}
