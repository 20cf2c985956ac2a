package checker

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestIdle_FaultMayHitSeveralTargets ends two sessions by one fault, which found its second victim
// as it went.
func TestIdle_FaultMayHitSeveralTargets(t *testing.T) {
	fault := record.Operation{
		Invoke: record.Event{Type: record.Invoke, At: time.Second, Of: record.Injection{Fault: "expire-elected", Targets: []string{"master-1"}}},
		Done:   record.Event{Type: record.OK, At: 2 * time.Second, Of: record.Injection{Targets: []string{"master-1", "master-2"}, Sessions: []string{"0xa", "0xb"}}},
	}
	for session, want := range map[string]Verdict{"0xa": Invalid, "0xb": Invalid, "0xc": Valid} {
		late := record.Operation{Invoke: record.Event{At: 3 * time.Second, Of: record.Request{Session: session}}, Done: record.Event{Type: record.OK}}
		c := &Case{Index: record.NewIndex(record.Run{}, record.Objects{}), Faults: []record.Operation{fault}, Writes: []Write{{Operation: &late}}}
		if got := c.sessionsEnd().Verdict; got != want {
			t.Errorf("a write of session %s after the end is %s, want %s", session, got, want)
		}
	}
	c := &Case{Faults: []record.Operation{fault}, End: time.Minute}
	for process, want := range map[string]string{"master-1": "expire-elected", "master-2": "expire-elected", "master-3": ""} {
		term := record.Operation{Invoke: record.Event{Process: process}}
		if got := c.Excuse(term, time.Second, 2*time.Second); got != want {
			t.Errorf("the excuse of %s is %q, want %q", process, got, want)
		}
	}
}
