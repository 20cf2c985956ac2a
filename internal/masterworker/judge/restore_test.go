package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestUniqueAttempts_AttemptNotDeletedWasNotOnRecord: of a collected task it is known which
// of the records that nobody answered for were made: those that went with it.
func TestUniqueAttempts_AttemptNotDeletedWasNotOnRecord(t *testing.T) {
	entry := func(n string, outcome record.Type) checker.Write {
		ops := []record.Op{{Kind: "create", Path: "/tasks/t/attempt-" + n, Data: `{"epoch":1,"attempt":` + n + `}`}}
		return checker.Write{Operation: &record.Operation{Invoke: record.Event{Of: record.Request{Ops: ops}}, Done: record.Event{Type: outcome}}}
	}
	collect := checker.Write{Operation: &record.Operation{Invoke: record.Event{Of: record.Request{Ops: []record.Op{
		{Kind: "delete", Path: "/tasks/t/attempt-1"}, {Kind: "delete", Path: "/tasks/t/attempt-2"}, {Kind: "delete", Path: "/tasks/t/status"}, {Kind: "delete", Path: "/tasks/t"},
	}}}}}
	f := &facts{
		tasks: map[string]*task{}, byID: map[string][]string{}, collected: map[string]removal{"t": {op: collect.Operation, task: "t"}},
		Case: &checker.Case{Writes: []checker.Write{entry("1", record.OK), entry("2", record.Info), entry("3", record.Info), collect}},
	}
	f.restore()
	if got := f.tasks["t"].attempts; len(got) != 2 || !f.tasks["t"].recorded(1) || !f.tasks["t"].recorded(2) {
		t.Errorf("on record are %v", got)
	}
}

// TestUniqueAttempts_AttemptDeletedInAPartWasOnRecord: of a task that was collected in parts the last
// one does not say all that was below it.
func TestUniqueAttempts_AttemptDeletedInAPartWasOnRecord(t *testing.T) {
	write := func(outcome record.Type, ops ...record.Op) checker.Write {
		return checker.Write{Operation: &record.Operation{Invoke: record.Event{Of: record.Request{Ops: ops}}, Done: record.Event{Type: outcome}}}
	}
	entry := func(n string) checker.Write {
		return write(record.Info, record.Op{Kind: "create", Path: "/tasks/t/" + n, Data: `{"epoch":1,"attempt":` + n[len(n)-1:] + `}`})
	}
	part := func(outcome record.Type, child string) checker.Write {
		return write(outcome, record.Op{Kind: "check", Path: "/tasks/t"}, record.Op{Kind: "check", Path: "/tasks/t/status"}, record.Op{Kind: "delete", Path: "/tasks/t/" + child, Version: -1})
	}
	last := write(record.OK, record.Op{Kind: "delete", Path: "/tasks/t/status"}, record.Op{Kind: "delete", Path: "/tasks/t"})
	f := &facts{
		tasks: map[string]*task{}, byID: map[string][]string{}, collected: map[string]removal{"t": {op: last.Operation, task: "t"}},
		Case: &checker.Case{Writes: []checker.Write{entry("attempt-1"), entry("left-1"), entry("attempt-2"), entry("attempt-3"), entry("attempt-4"),
			part(record.OK, "attempt-1"), part(record.OK, "left-1"), part(record.Info, "attempt-2"), part(record.Fail, "attempt-3"), last}},
	}
	f.restore()
	if got := f.tasks["t"]; len(got.attempts) != 2 || !got.recorded(1) || !got.recorded(2) || !got.left[1] {
		t.Errorf("on record are %v, and of those do not count %v", got.attempts, got.left)
	}
}
