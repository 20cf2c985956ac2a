package record

import (
	"reflect"
	"strings"
	"testing"
)

// TestRun_PortionIsWhatARecipeHadAlone: its own participants, sessions, znodes and faults, as it
// knows them, and what concerns all.
func TestRun_PortionIsWhatARecipeHadAlone(t *testing.T) {
	portion := Portion{Below: "/lock", Name: func(process string) (string, bool) { return strings.CutPrefix(process, "lock-") }}
	set := func(path string) []Op { return []Op{{Kind: "set", Path: path}} }
	whole := Run{
		Events: []Event{
			{Seq: 1, Process: "harness", Type: Note, Kind: Phase, Of: PhaseChange{Part: Loading}},
			{Seq: 2, Process: "harness", Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"lock-locker-1", 1}, Fate: Started}},
			{Seq: 3, Process: "harness", Type: Note, Kind: Process, Of: ProcessChange{Of: Life{"queue-taker-1", 1}, Fate: Started}},
			{Seq: 4, Process: "harness", Type: Note, Kind: Session, Of: SessionChange{Session: "0x1", Fate: Granted, To: Life{"lock-locker-1", 1}}},
			{Seq: 5, Process: "lock-locker-1", Type: Invoke, Kind: Write, Op: 1, Of: Request{Session: "0x1", Ops: set("/lock/a")}},
			{Seq: 6, Process: "queue-taker-1", Type: Invoke, Kind: Write, Op: 1, Of: Request{Session: "0x2", Ops: set("/queue/a")}},
			{Seq: 7, Process: "nemesis", Type: Invoke, Kind: Fault, Op: 1, Of: Injection{Fault: "expire-many", Targets: []string{"queue-taker-1", "lock-locker-1"}}},
			{Seq: 8, Process: "nemesis", Type: Invoke, Kind: Fault, Op: 2, Of: Injection{Fault: "kill-worker", Targets: []string{"queue-taker-1"}}},
			{Seq: 9, Process: "nemesis", Type: Invoke, Kind: Fault, Op: 3, Of: Injection{Fault: "kill-server", Targets: []string{"zk2"}}},
			{Seq: 10, Process: "sink", Type: Note, Kind: Effect, Of: Act{Task: "/lock/a", By: Life{"lock-locker-1", 1}}},
			{Seq: 11, Process: "sink", Type: Note, Kind: Effect, Of: Act{Task: "/queue/a", By: Life{"queue-taker-1", 1}}},
			{Seq: 12, Process: "harness", Type: Invoke, Kind: PowerOff, Op: 1, Of: PowerCut{Of: Life{"lock-locker-1", 1}, By: Life{"lock-locker-2", 1}}},
			{Seq: 13, Process: "harness", Type: Invoke, Kind: PowerOff, Op: 2, Of: PowerCut{Of: Life{"queue-taker-1", 1}, By: Life{"queue-taker-2", 1}}},
		},
		Exchanges: []Exchange{
			{Process: "lock-locker-1", Session: "0x1", Ops: set("/lock/a")}, {Process: "queue-taker-1", Session: "0x2", Ops: set("/queue/a")},
			{Process: "nemesis", Session: "0x1", Close: true}, {Process: "nemesis", Session: "0x2", Close: true},
		},
		Commits:  []Commit{{Zxid: 1, Session: "0x1", Ops: set("/lock/a")}, {Zxid: 2, Session: "0x2", Ops: set("/queue/a")}, {Zxid: 3, Session: "0x1", Kind: CommitClose}},
		Evidence: &Evidence{Healed: true, Nodes: []Node{{Path: "/lock"}, {Path: "/lock/a"}, {Path: "/lockers"}, {Path: "/queue/a"}}},
	}
	before := whole.Events[4].Ops()[0].Path
	part := whole.Portion(portion)
	var seen []string
	for _, e := range part.Events {
		text := e.Process + " " + e.Object()
		for _, op := range e.Ops() {
			text += op.Path
		}
		switch of := e.Of.(type) {
		case ProcessChange:
			text += of.Of.Process
		case SessionChange:
			text += of.To.Process
		case Injection:
			text += strings.Join(of.Targets, ",")
		case Act:
			text += of.By.Process
		case PowerCut:
			text += of.Of.Process + " by " + of.By.Process
		}
		seen = append(seen, text)
	}
	want := []string{"harness ", "harness locker-1", "harness locker-1", "locker-1 /a", "nemesis locker-1", "nemesis zk2", "sink /alocker-1", "harness locker-1 by locker-2"}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("events\n%q, want\n%q", seen, want)
	}
	if x := part.Exchanges; len(x) != 2 || x[0].Process != "locker-1" || x[0].Ops[0].Path != "/a" || !x[1].Close || x[1].Session != "0x1" {
		t.Errorf("exchanges %+v", x)
	}
	if c := part.Commits; len(c) != 2 || c[0].Ops[0].Path != "/a" || c[1].Kind != CommitClose {
		t.Errorf("commits %+v", c)
	}
	if n := part.Evidence.Nodes; len(n) != 1 || n[0].Path != "/a" {
		t.Errorf("final tree %+v", n)
	}
	if whole.Events[4].Ops()[0].Path != before || len(whole.Evidence.Nodes) != 4 {
		t.Error("the whole run has changed")
	}
}

// TestRun_PortionHasItsOwnWorkLeft: work that was left undone is held against its own recipe only.
func TestRun_PortionHasItsOwnWorkLeft(t *testing.T) {
	portion := Portion{Below: "/lock", Name: func(process string) (string, bool) { return strings.CutPrefix(process, "lock-") }}
	for _, c := range []struct {
		undone, own []string
		drained     bool
	}{
		{nil, nil, false}, // it is not known whose work it was
		{[]string{"/queue", "queue-taker-1"}, nil, true},
		{[]string{"queue-taker-1", "lock-locker-2"}, []string{"locker-2"}, false},
		{[]string{"/lock"}, []string{"/"}, false},
	} {
		whole := Run{Evidence: &Evidence{Healed: true, Problem: "no progress", Undone: c.undone}}
		own := whole.Portion(portion).Evidence
		if own.Drained != c.drained || (own.Problem == "") != c.drained || !reflect.DeepEqual(own.Undone, c.own) {
			t.Errorf("%q: %+v", c.undone, own)
		}
		if whole.Evidence.Drained || !reflect.DeepEqual(whole.Evidence.Undone, c.undone) {
			t.Errorf("the whole run has changed: %+v", whole.Evidence)
		}
	}
}
