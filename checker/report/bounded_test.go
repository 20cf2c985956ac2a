package report

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// crowded is a run of an hour with that many faults and as many readings that failed.
func crowded(n int) Page {
	var events []record.Event
	add := func(i int, process string, e record.Event) {
		e.At, e.Process, e.Op = time.Duration(i)*time.Hour/time.Duration(n), process, int64(i)
		e.Seq = len(events) + 1
		events = append(events, e)
	}
	add(0, "harness", record.Event{Type: record.Note, Kind: record.Process, Of: record.ProcessChange{Fate: record.Started, Of: record.Life{Process: "worker-1", Number: 0}}})
	for i := range n {
		add(i, "nemesis", record.Event{Type: record.Invoke, Kind: record.Fault, Of: record.Injection{Fault: "cut-worker", Targets: []string{"worker-1"}}})
		add(i, "nemesis", record.Event{Type: record.OK, Kind: record.Fault, Of: record.Injection{Fault: "cut-worker", Targets: []string{"worker-1"}, Effective: true}})
		add(i, "client-1", record.Event{Type: record.Invoke, Kind: record.Await, Of: record.Answer{}})
		add(i, "client-1", record.Event{Type: record.Fail, Kind: record.Await, Of: record.Answer{}})
		add(i, "worker-1", record.Event{Type: record.Note, Kind: record.Session, Of: record.SessionChange{Session: "0x1", Fate: record.Opened}})
		add(i, "worker-1", record.Event{Type: record.Note, Kind: record.Session, Of: record.SessionChange{Session: "0x1", Fate: record.Lost, Detail: "expired"}})
	}
	return Page{Run: indexed(record.Run{Events: events}), Lanes: Lanes{Charts: []Chart{{Kind: record.Await, Colour: "#2ca02c", Done: "done", Doing: "Waiting"}}}, Report: &checker.Report{Verdict: checker.Vacuous}}
}

// TestPage_OfALongRunIsSmall: a page hardly grows with its run, and says what it leaves
// out.
func TestPage_OfALongRunIsSmall(t *testing.T) {
	once, twice := render(t, crowded(5000)), render(t, crowded(10000))
	if float64(len(twice)) > 1.2*float64(len(once)) {
		t.Errorf("twice the run makes %d bytes of %d", len(twice), len(once))
	}
	for _, want := range []string{"And 9500 more; faults.json", "marks are left out, for want of room"} {
		if !strings.Contains(twice, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
