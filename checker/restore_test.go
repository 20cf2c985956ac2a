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
		writes: []history.Operation{record("1", history.OK), record("2", history.Info), record("3", history.Info)},
	}
	f.restore()
	if got := f.tasks["t"].attempts; len(got) != 2 || !f.tasks["t"].recorded(1) || !f.tasks["t"].recorded(2) {
		t.Errorf("on record are %v", got)
	}
}
