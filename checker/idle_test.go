package checker

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

func TestCheck_NamesFaultsWithoutEffect(t *testing.T) {
	fault := func(kind string, outcome record.Type, effective bool, text string) record.Operation {
		return record.Operation{
			Invoke: record.Event{Type: record.Invoke, Kind: record.Fault, Of: record.Injection{Fault: kind}},
			Done:   record.Event{Type: outcome, Kind: record.Fault, Of: record.Injection{Fault: kind, Effective: effective, Evidence: text}},
		}
	}
	c := &Case{Faults: []record.Operation{
		fault("reset", record.Fail, false, "not applied: nobody"), fault("reset", record.OK, true, "2 resets"),
		fault("drip", record.OK, false, "0 pieces"), fault("kill-master", record.Fail, false, "not applied: no master"),
		{Invoke: record.Event{Of: record.Injection{Fault: "move"}}},
	}}
	want := []string{"drip (0 pieces)", "kill-master (not applied: no master)", "move (the run ended first)"}
	if got := c.idle(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
