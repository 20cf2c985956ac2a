package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestResolve_StatusInTheTreeWasRecorded: of two statuses that nobody answered for, the one
// that is in the final tree was applied, and the other was not.
func TestResolve_StatusInTheTreeWasRecorded(t *testing.T) {
	unanswered := func(raw string) ending {
		return ending{op: &record.Operation{Done: record.Event{Type: record.Info}}, task: "t", status: status{raw: raw}, outcome: record.Info}
	}
	f := &facts{
		Case: &checker.Case{Evidence: &record.Evidence{Nodes: []record.Node{}}}, tasks: map[string]*task{"t": {id: "1", status: &status{raw: "mine"}}},
		collected: map[string]removal{}, records: []ending{unanswered("other's"), unanswered("mine"), unanswered("mine")},
	}
	f.resolve()
	if got := [3]record.Type{f.records[0].outcome, f.records[1].outcome, f.records[2].outcome}; got != [3]record.Type{record.Fail, record.OK, record.Fail} {
		t.Errorf("%v: want the first of mine, once", got)
	}
}
