package checker

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

// TestAnAttemptThatWasNotDeletedWasNotOnRecord: of a collected task it is known which
// of the records that nobody answered for were made: those that went with it.
func TestAnAttemptThatWasNotDeletedWasNotOnRecord(t *testing.T) {
	record := func(n string, outcome history.Type) history.Operation {
		ops := []history.Op{{Kind: "create", Path: "/tasks/t/attempt-" + n, Data: `{"epoch":1,"attempt":` + n + `}`}}
		return history.Operation{Invoke: history.Event{Ops: ops}, Done: history.Event{Type: outcome}}
	}
	collect := history.Operation{Invoke: history.Event{Ops: []history.Op{
		{Kind: "delete", Path: "/tasks/t/attempt-1"}, {Kind: "delete", Path: "/tasks/t/attempt-2"}, {Kind: "delete", Path: "/tasks/t/status"}, {Kind: "delete", Path: "/tasks/t"},
	}}}
	f := &facts{
		tasks: map[string]*task{}, byID: map[string][]string{}, collected: map[string]removal{"t": {op: &collect, task: "t"}},
		writes: []history.Operation{record("1", history.OK), record("2", history.Info), record("3", history.Info), collect},
	}
	f.restore()
	if got := f.tasks["t"].attempts; len(got) != 2 || !f.tasks["t"].recorded(1) || !f.tasks["t"].recorded(2) {
		t.Errorf("on record are %v", got)
	}
}

// TestAnAttemptThatWentInAPartWasOnRecord: of a task that was collected in parts the last
// one does not say all that was below it.
func TestAnAttemptThatWentInAPartWasOnRecord(t *testing.T) {
	write := func(outcome history.Type, ops ...history.Op) history.Operation {
		return history.Operation{Invoke: history.Event{Ops: ops}, Done: history.Event{Type: outcome}}
	}
	record := func(n string) history.Operation {
		return write(history.Info, history.Op{Kind: "create", Path: "/tasks/t/" + n, Data: `{"epoch":1,"attempt":` + n[len(n)-1:] + `}`})
	}
	part := func(outcome history.Type, child string) history.Operation {
		return write(outcome, history.Op{Kind: "check", Path: "/tasks/t"}, history.Op{Kind: "check", Path: "/tasks/t/status"}, history.Op{Kind: "delete", Path: "/tasks/t/" + child, Version: -1})
	}
	last := write(history.OK, history.Op{Kind: "delete", Path: "/tasks/t/status"}, history.Op{Kind: "delete", Path: "/tasks/t"})
	f := &facts{
		tasks: map[string]*task{}, byID: map[string][]string{}, collected: map[string]removal{"t": {op: &last, task: "t"}},
		writes: []history.Operation{record("attempt-1"), record("left-1"), record("attempt-2"), record("attempt-3"), record("attempt-4"),
			part(history.OK, "attempt-1"), part(history.OK, "left-1"), part(history.Info, "attempt-2"), part(history.Fail, "attempt-3"), last},
	}
	f.restore()
	if got := f.tasks["t"]; len(got.attempts) != 2 || !got.recorded(1) || !got.recorded(2) || !got.left[1] {
		t.Errorf("on record are %v, and of those do not count %v", got.attempts, got.left)
	}
}
