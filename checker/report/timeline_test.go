package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

func TestTimeline_LanesGoFromMastersToClients(t *testing.T) {
	var events []record.Event
	for _, name := range []string{"client-1", "node-1", "worker-10", "master-2", "worker-2", "master-1"} {
		events = append(events, record.Event{Kind: record.Process, Process: "harness", Type: record.Note, Of: record.ProcessChange{Of: record.Life{Process: name, Number: 1}, Fate: record.Started}})
	}
	want := []string{"master-1", "master-2", "worker-2", "worker-10", "node-1", "client-1"}
	if got := arrange(indexed(record.Run{Events: events}), nil, Lanes{}).names; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTimeline_NamesOfFaultsDoNotCoverEachOther: four faults hit one lane at once, for which
// there is room for two names, and one hits it later.
func TestTimeline_NamesOfFaultsDoNotCoverEachOther(t *testing.T) {
	events := []record.Event{{Kind: record.Process, Process: "harness", Type: record.Note, Of: record.ProcessChange{Of: record.Life{Process: "worker-1", Number: 1}, Fate: record.Started}}}
	for i, kind := range []string{"kill-worker", "cut-worker", "mute", "latency", "reset"} {
		at := time.Second
		if kind == "reset" {
			at = 30 * time.Second
		}
		fault := record.Injection{Fault: kind, Targets: []string{"worker-1"}}
		events = append(events, record.Event{At: at, Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: int64(i + 1), Of: fault})
		fault.Effective = true
		events = append(events, record.Event{At: at + time.Second, Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: int64(i + 1), Of: fault})
	}
	s := arrange(indexed(record.Run{Events: events}), nil, Lanes{})
	picture := s.timeline(0, time.Minute, nil)
	var got []string
	for _, kind := range []string{"kill-worker", "cut-worker", "mute", "latency", "reset"} {
		if strings.Contains(picture, ">"+kind+"</text>") {
			got = append(got, kind)
		}
	}
	if want := []string{"kill-worker", "cut-worker", "reset"}; !slices.Equal(got, want) {
		t.Errorf("named are %q, want %q", got, want)
	}
}

func TestTimeline_TheNumberOfATermIsWrittenWhereItFits(t *testing.T) {
	s := &stage{names: []string{"master-1"}, end: time.Minute, terms: map[string][]stretch{"master-1": {
		{from: 0, to: 10 * time.Second, number: 7}, {from: 20 * time.Second, to: 21 * time.Second, number: 8}, {from: 30 * time.Second, to: 30*time.Second + 100*time.Millisecond, number: 9},
	}}}
	picture := s.timeline(0, time.Minute, nil)
	for text, want := range map[string]bool{"epoch 7": true, "epoch 8": false, "8": true, "epoch 9": false, "9": false} {
		if strings.Contains(picture, ">"+text+"</text>") != want {
			t.Errorf("%q is written is %v, want %v", text, !want, want)
		}
	}
}
