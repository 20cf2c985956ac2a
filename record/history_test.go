package record

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// ticking is a clock that goes on by one each time it is read.
func ticking() func() time.Duration {
	now := time.Duration(0)
	return func() time.Duration { now++; return now }
}

func TestJournal_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.ndjson")
	j, err := Create(path, "worker-1", 2, ticking())
	if err != nil {
		t.Fatal(err)
	}
	run := j.Add(Event{Type: Invoke, Kind: Execute, Of: Execution{Task: "t", Token: Token{Epoch: 1, Attempt: 2}}})
	j.Add(Event{Type: Note, Kind: Session, Of: SessionChange{Session: "0x1"}})
	j.Complete(run, OK, Execution{Task: "t", Token: Token{1, 2}, Result: "r"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	events, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ops := Operations(events, Execute)
	want := Operation{
		Invoke: Event{At: 1, Process: "worker-1", Life: 2, Type: Invoke, Kind: Execute, Op: 1, Of: Execution{Task: "t", Token: Token{1, 2}}},
		Done:   Event{At: 3, Process: "worker-1", Life: 2, Type: OK, Kind: Execute, Op: 1, Of: Execution{Task: "t", Token: Token{1, 2}, Result: "r"}},
	}
	if len(ops) != 1 || !reflect.DeepEqual(ops[0], want) {
		t.Errorf("got  %+v\nwant %+v", ops, want)
	}
	if _, err := Create(path, "worker-1", 2, ticking()); err == nil {
		t.Error("a journal was written over another")
	}
}

func TestRead_RefusesUnknownContent(t *testing.T) {
	good := `{"history":"ringmaster","version":1}` + "\n"
	event := `{"at":1,"process":"p","type":"note","kind":"phase"}`
	for _, c := range []struct {
		name, text string
		events     int
		bad        bool
	}{
		{"empty", "", 0, false},
		{"whole", good + event + "\n", 1, false},
		{"torn at the end, as a killed process leaves it", good + event + "\n" + event[:9], 1, false},
		{"torn in the middle", good + event[:9] + "\n" + event + "\n", 0, true},
		{"another version", `{"history":"ringmaster","version":99}` + "\n", 0, true},
		{"another file", "hello\n", 0, true},
	} {
		events, err := Read(strings.NewReader(c.text))
		if (err != nil) != c.bad || len(events) != c.events {
			t.Errorf("%s: %d events, %v", c.name, len(events), err)
		}
	}
}

func TestMergeJournals_OrdersByTimeAndKeepsEachJournal(t *testing.T) {
	a := []Event{{At: 1, Process: "a1"}, {At: 5, Process: "a2"}, {At: 5, Process: "a3"}}
	b := []Event{{At: 2, Process: "b1"}, {At: 5, Process: "b2"}}
	var got []string
	for i, e := range Merge(a, b) {
		if e.Seq != i+1 {
			t.Errorf("event %d has number %d", i, e.Seq)
		}
		got = append(got, e.Process)
	}
	if want := "a1 b1 a2 a3 b2"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestOperations_InvocationWithoutEndIsUnknown(t *testing.T) {
	events := []Event{
		{At: 1, Process: "c", Life: 1, Type: Invoke, Kind: Submit, Op: 1, Of: Submission{}},
		{At: 2, Process: "c", Life: 2, Type: OK, Kind: Submit, Op: 1, Of: Submission{}}, // of another life
	}
	ops := Operations(events, Submit)
	if len(ops) != 1 || ops[0].Outcome() != Info || ops[0].Return(99) != 99 {
		t.Errorf("got %+v", ops)
	}
}

func TestEvidence_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.json")
	want := &Evidence{Healed: true, Nodes: []Node{{Path: "/tasks/t", Data: "x", Czxid: 7}}}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadEvidence(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadEvidence(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestExchanges_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.ndjson")
	w, err := CreateWire(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Exchange{
		{Process: "worker-1", Life: 2, Session: "0x1", Xid: 7, Sent: 3, Answered: 4, Zxid: 0x100000001, Index: -1, Ops: []Op{{Kind: "set", Path: "/a", Version: 3, Got: 4}}},
		{Process: "worker-1", Life: 2, Session: "0x1", Xid: 8, Sent: 5, Answered: 6, Zxid: 0x100000002, Error: BadVersion, Index: 1, Ops: []Op{{Kind: "check"}, {Kind: "delete"}}},
		{Process: "worker-1", Life: 2, Session: "0x1", Xid: 9, Sent: 7, Index: -1, Close: true},
	}
	for _, e := range want {
		w.Add(e)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadExchanges(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := CreateWire(path); err == nil {
		t.Error("a file was written over another")
	}
}

func TestCommits_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "committed.ndjson")
	want := []Commit{
		{Zxid: 1, Session: "0x1", At: 5, Servers: []string{"zk1", "zk2"}, Kind: CommitOpen},
		{Zxid: 2, Session: "0x1", Xid: 3, Servers: []string{"zk2"}, Kind: CommitWrite, Ops: []Op{{Kind: "set", Path: "/a", Data: "x", Got: 4}}},
		{Zxid: 3, Session: "0x1", Xid: 4, Kind: CommitRefused, Error: BadVersion},
	}
	if err := WriteCommits(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCommits(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestZxidRange_HasBothEnds(t *testing.T) {
	r := ZxidRange{From: 3, To: 5}
	for zxid, want := range map[int64]bool{2: false, 3: true, 5: true, 6: false} {
		if r.Contains(zxid) != want {
			t.Errorf("contains %d is not %v", zxid, want)
		}
	}
}

// TestMerge_KeepsTheOrderAtOneMoment: events of several journals at one moment are in the
// order in which they happened, whatever the names of the journals are.
func TestMerge_KeepsTheOrderAtOneMoment(t *testing.T) {
	dir, count := t.TempDir(), 0
	next := func() int { count++; return count }
	journals := map[string]*Journal{}
	for _, process := range []string{"a", "b"} {
		j, err := Create(filepath.Join(dir, process), process, 1, func() time.Duration { return time.Second })
		if err != nil {
			t.Fatal(err)
		}
		j.NumberBy(next)
		journals[process] = j
	}
	order := []string{"b", "a", "a", "b", "a", "b"}
	for _, process := range order {
		journals[process].Add(Event{Type: Note, Kind: Heard, Of: Leader{Name: process}})
	}
	var read [][]Event
	for _, process := range []string{"a", "b"} {
		events, err := ReadFile(filepath.Join(dir, process))
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, events)
	}
	var got []string
	for i, e := range Merge(read...) {
		if e.Seq != i+1 {
			t.Errorf("event %d has the number %d", i+1, e.Seq)
		}
		got = append(got, e.Process)
	}
	if !slices.Equal(got, order) {
		t.Errorf("the order is %q, want %q", got, order)
	}
}
