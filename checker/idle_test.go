package checker

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

func TestIdleFaultsAreNamed(t *testing.T) {
	fault := func(kind string, outcome history.Type, effective bool, text string) history.Operation {
		return history.Operation{
			Invoke: history.Event{Type: history.Invoke, Kind: history.Fault, Fault: kind},
			Done:   history.Event{Type: outcome, Kind: history.Fault, Fault: kind, Effective: effective, Text: text},
		}
	}
	f := &facts{faults: []history.Operation{
		fault("reset", history.Fail, false, "not applied: nobody"), fault("reset", history.OK, true, "2 resets"),
		fault("drip", history.OK, false, "0 pieces"), fault("kill-master", history.Fail, false, "not applied: no master"),
		{Invoke: history.Event{Fault: "move"}},
	}}
	want := []string{"drip (0 pieces)", "kill-master (not applied: no master)", "move (the run ended first)"}
	if got := f.idle(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
