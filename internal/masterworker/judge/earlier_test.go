package judge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// These tests judge masters of an earlier build, which say nothing of acks in their
// claims, by what they knew, and masters of this build by what these know.

// TestEarlierMasters_OnTheWire: a master of an earlier build gives the record of an
// attempt its own epoch, one of this build the epoch of the assignment.
func TestEarlierMasters_OnTheWire(t *testing.T) {
	for _, c := range []struct {
		wire    string
		earlier bool
		want    checker.Verdict
		says    string
	}{
		{"FollowsProtocol-ok", false, checker.Valid, ""},
		{"FollowsProtocol-ok", true, checker.Invalid, "the record says epoch 1"},
		{"FollowsProtocol-other-token-bad", false, checker.Invalid, "was never given attempt 1 of epoch 2"},
		{"FollowsProtocol-other-token-bad", true, checker.Valid, ""},
	} {
		run := recordtest.Frozen(t, "accepted")
		run.Exchanges = recordtest.Wire(t, c.wire)
		claims := 0
		for i := range run.Exchanges {
			for n := range run.Exchanges[i].Ops {
				op := &run.Exchanges[i].Ops[n]
				if c.earlier && op.Kind == "set" && op.Path == "/assign" && op.Data != "" {
					op.Data = strings.ReplaceAll(op.Data, `, "acks": true`, "")
					claims++
				}
			}
		}
		if c.earlier && claims == 0 {
			t.Fatalf("%s: there is no claim", c.wire)
		}
		p := checkertest.Property(t, check(run.MadeByHand()), "FollowsProtocol")
		if p.Verdict != c.want || !strings.Contains(p.Reason, c.says) {
			t.Errorf("%s, of an earlier build %v: %s: %s", c.wire, c.earlier, p.Verdict, p.Reason)
		}
	}
}

// led is an election with epoch 2 by a build that says acks or not.
func led(acks string) record.Operation {
	return record.Operation{Invoke: record.Event{Of: record.Request{Ops: []record.Op{
		{Kind: "create", Path: "/master", Ephemeral: true}, {Kind: "set", Path: "/assign", Version: 1, Data: `{"holder":"m"` + acks + `}`},
	}}}, Done: record.Event{Type: record.OK}}
}

// TestEarlierMasters_InTheTree: the same of what the tree has, and of the attempts that
// masters of earlier builds count although their workers have left.
func TestEarlierMasters_InTheTree(t *testing.T) {
	for _, c := range []struct {
		acks     string
		attempts int // that the task is allowed
		budget   checker.Verdict
		token    checker.Verdict
	}{
		{`,"acks":true`, 2, checker.Invalid, checker.Invalid},
		{`,"acks":true`, 1, checker.Valid, checker.Invalid},
		{"", 2, checker.Valid, checker.Valid},
		{"", 3, checker.Invalid, checker.Valid},
	} {
		given := record.Operation{Invoke: record.Event{Of: record.Request{Ops: []record.Op{
			{Kind: "create", Path: "/assign/w/task-t", Data: `{"epoch":1,"attempt":2}`},
		}}}, Done: record.Event{Type: record.OK}}
		elected := led(c.acks)
		of := &checker.Case{Index: record.NewIndex(record.Run{}, record.TaskObjects()), Policy: record.FirstPolicy(), Writes: []checker.Write{{Operation: &given}, {Operation: &elected}}}
		f := &facts{Case: of, tasks: map[string]*task{"task-t": {
			id: "t", options: record.TaskOptions{Attempts: int32(c.attempts)}, left: map[int32]bool{1: true},
			attempts: map[int32]record.Token{1: {Epoch: 1, Attempt: 1}, 2: {Epoch: 2, Attempt: 2}},
			status:   &status{Entry: record.Entry{State: "failed", Token: record.Token{Epoch: 2, Attempt: 2}}},
		}}}
		what := fmt.Sprintf("claim %q, %d attempts allowed", c.acks, c.attempts)
		if p := f.budgetKept(); p.Verdict != c.budget {
			t.Errorf("%s: BudgetKept is %s: %s", what, p.Verdict, p.Reason)
		}
		if p := f.resultFromItsAttempt(); p.Verdict != c.token {
			t.Errorf("%s: ResultFromItsAttempt is %s: %s", what, p.Verdict, p.Reason)
		}
	}
}
