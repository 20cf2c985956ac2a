package record

import (
	"slices"
	"testing"
	"time"
)

// TestIndex_DecidesTheFateOfAWrite: commits before answers, answers before what the
// participant was not told; and a hole, in which the write might be, decides nothing.
func TestIndex_DecidesTheFateOfAWrite(t *testing.T) {
	ops := []Op{{Kind: "create", Path: "/tasks/t", Data: "x"}}
	on := func(answered time.Duration, zxid int64, why Refusal) []Exchange {
		return []Exchange{{Process: "p", Session: "0x1", Xid: 4, Sent: 11, Answered: answered, Zxid: zxid, Error: why, Index: -1, Ops: ops}}
	}
	logged := func(kind string, zxid int64) []Commit {
		return []Commit{{Zxid: zxid, Session: "0x1", Xid: 4, Kind: kind, Ops: ops}}
	}
	hole := &Evidence{Gaps: []ZxidRange{{From: 1, To: 99}}}
	for _, c := range []struct {
		name      string
		told      Type
		exchanges []Exchange
		commits   []Commit
		evidence  *Evidence
		fate      Type
		by        Basis
		zxid      int64
	}{
		{"nothing but its own word", OK, nil, nil, nil, OK, ByParticipant, 0},
		{"nothing", Info, nil, nil, nil, Info, ByParticipant, 0},
		{"it never reached a server", Info, []Exchange{}, nil, nil, Fail, ByAbsence, 0},
		{"answered", Info, on(12, 7, ""), nil, nil, OK, ByWire, 7},
		{"refused", Info, on(12, 7, NodeExists), nil, nil, Fail, ByWire, 7},
		{"not answered", Info, on(0, 0, ""), nil, nil, Info, ByParticipant, 0},
		{"not answered, and committed", Info, on(0, 0, ""), logged(CommitWrite, 9), nil, OK, ByCommits, 9},
		{"not answered, and refused", Info, on(0, 0, ""), logged(CommitRefused, 9), nil, Fail, ByCommits, 0},
		{"not answered, and refused, with a hole elsewhere", Info, on(0, 0, ""), logged(CommitRefused, 9), hole, Fail, ByCommits, 0},
		{"not answered, and in no log", Info, on(0, 0, ""), []Commit{}, nil, Fail, ByCommits, 0},
		{"not answered, perhaps in the hole", Info, on(0, 0, ""), []Commit{}, hole, Info, ByParticipant, 0},
		{"answered, in the hole", Info, on(12, 7, ""), []Commit{}, hole, OK, ByWire, 7},
		{"answered, and not committed", Info, on(12, 7, ""), []Commit{}, nil, Fail, ByCommits, 7},
		{"told, and committed", OK, on(12, 7, ""), logged(CommitWrite, 7), nil, OK, ByParticipant, 7},
	} {
		run := Run{Exchanges: c.exchanges, Commits: c.commits, Evidence: c.evidence, Events: []Event{
			{Seq: 1, At: 10, Process: "p", Type: Invoke, Kind: Write, Op: 1, Of: Request{Session: "0x1", Ops: ops}},
			{Seq: 2, At: 20, Process: "p", Type: c.told, Kind: Write, Op: 1, Of: Request{Session: "0x1"}},
		}}
		w := NewIndex(run, Objects{}).Writes[0]
		if w.Fate != c.fate || w.By != c.by || w.Zxid != c.zxid {
			t.Errorf("%s: %s by %d, zxid %d; want %s by %d, zxid %d", c.name, w.Fate, w.By, w.Zxid, c.fate, c.by, c.zxid)
		}
	}
}

// TestIndex_KnowsLivesSessionsAndElections of a short run.
func TestIndex_KnowsLivesSessionsAndElections(t *testing.T) {
	life := Life{"master-1", 1}
	change := func(at time.Duration, fate ProcessFate) Event {
		return Event{At: at, Process: "harness", Type: Note, Kind: Process, Of: ProcessChange{Of: life, Fate: fate}}
	}
	session := func(at time.Duration, name string, fate SessionFate) Event {
		return Event{At: at, Process: "master-1", Life: 1, Type: Note, Kind: Session, Of: SessionChange{Session: name, Fate: fate}}
	}
	x := NewIndex(Run{Events: Merge([]Event{
		change(1, Started), session(2, "0x1", Opened),
		{At: 3, Process: "master-1", Life: 1, Type: Invoke, Kind: Write, Op: 1, Of: Request{Session: "0x1", Ops: []Op{{Kind: "create", Path: "/master"}, {Kind: "set", Path: "/assign", Version: 4}}}},
		{At: 4, Process: "master-1", Life: 1, Type: Invoke, Kind: Write, Op: 2, Of: Request{Session: "0x1", Ops: []Op{{Kind: "set", Path: "/assign", Version: 5}}}},
		{At: 5, Process: "harness", Type: Note, Kind: Phase, Of: PhaseChange{Part: Draining}},
		session(6, "0x1", Lost), session(7, "0x2", Opened), session(8, "0x2", Closed), change(9, Killed), change(12, Exited),
	})}, Objects{})
	if x.End != 13 || !slices.Equal(x.Elections, []Election{{0, 5}}) {
		t.Errorf("it ends at %d, with elections %v", x.End, x.Elections)
	}
	for after, want := range map[time.Duration]time.Duration{0: 9, 9: 12, 12: 0} {
		if at, ended := x.LifeOf(life).Over(after); at != want || ended != (want > 0) {
			t.Errorf("after %d it ended at %d", after, at)
		}
	}
	if x.LifeOf(Life{"master-1", 2}) != nil {
		t.Error("it knows a life that there was not")
	}
	lost, closed := x.Ended(life, Lost), x.Ended(life, Closed)
	if len(lost) != 1 || lost[0].Session != "0x1" || lost[0].Opened.At != 2 || lost[0].Over.At != 6 || len(closed) != 1 || closed[0].Session != "0x2" || len(x.Sessions) != 2 {
		t.Errorf("lost %v, closed %v", lost, closed)
	}
	if e, begun := x.Began(Draining); !begun || e.At != 5 {
		t.Errorf("the drain began at %d", e.At)
	}
	if _, begun := x.Began(Ending); begun {
		t.Error("the end began")
	}
}

// TestIndex_FindsWhatIsAboutATask, but its effects, and no more than was asked for.
func TestIndex_FindsWhatIsAboutATask(t *testing.T) {
	x := NewIndex(Run{Events: []Event{
		{Seq: 1, Kind: Submit, Type: OK, Of: Submission{Task: "t"}},
		{Seq: 2, Kind: Effect, Type: Note, Of: Act{Task: "t"}},
		{Seq: 3, Kind: Write, Type: Invoke, Of: Request{Ops: []Op{{Kind: "create", Path: "/assign/w/t"}, {Kind: "create", Path: "/tasks/t/status"}}}},
		{Seq: 4, Kind: Execute, Type: Invoke, Of: Execution{Task: "other"}},
		{Seq: 5, Kind: Change, Type: Note, Of: TaskChange{Task: "t"}},
	}}, TaskObjects())
	seqs := func(events []Event) (all []int) {
		for _, e := range events {
			all = append(all, e.Seq)
		}
		return all
	}
	if got := seqs(x.About("t", 9)); !slices.Equal(got, []int{1, 3, 5}) {
		t.Errorf("got %v", got)
	}
	if got := seqs(x.About("t", 2)); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("got %v", got)
	}
}
