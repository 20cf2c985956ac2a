package checker

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

// TestAStatusInTheTreeWasRecorded: of two statuses that nobody answered for, the one
// that is in the final tree was applied, and the other was not.
func TestAStatusInTheTreeWasRecorded(t *testing.T) {
	unanswered := func(raw string) record {
		return record{op: &history.Operation{Done: history.Event{Type: history.Info}}, task: "t", status: status{raw: raw}, outcome: history.Info}
	}
	f := &facts{
		evidence: &history.Evidence{Nodes: []history.Node{}}, tasks: map[string]*task{"t": {id: "1", status: &status{raw: "mine"}}},
		collected: map[string]removal{}, records: []record{unanswered("other's"), unanswered("mine"), unanswered("mine")},
	}
	f.resolve()
	if got := [3]history.Type{f.records[0].outcome, f.records[1].outcome, f.records[2].outcome}; got != [3]history.Type{history.Fail, history.OK, history.Fail} {
		t.Errorf("%v: want the first of mine, once", got)
	}
}
