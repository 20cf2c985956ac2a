package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// locked is a run of a stranger's recipe, with so many acquisitions of a lock.
func locked(acquisitions int) record.Run {
	var run record.Run
	add := func(at time.Duration, process string, e record.Event) {
		e.Seq, e.At, e.Process, e.Life = len(run.Events)+1, at, process, 1
		run.Events = append(run.Events, e)
	}
	for _, name := range []string{"locker-10", "watcher-1", "locker-2", "client-1"} {
		add(0, "harness", record.Event{Type: record.Note, Kind: record.Process, Of: record.ProcessChange{Of: record.Life{Process: name, Number: 1}, Fate: record.Started}})
	}
	for i := range acquisitions {
		at := time.Duration(i+1) * time.Second
		add(at, "locker-2", record.Event{Type: record.Invoke, Kind: "acquire", Op: int64(i), Of: record.Own{Object: "lock-a"}})
		add(at+time.Second/2, "locker-2", record.Event{Type: record.OK, Kind: "acquire", Op: int64(i), Of: record.Own{Object: "lock-a", Token: record.Token{Attempt: 3}, Remark: "<free>", Data: []byte(`{"fence":3}`)}})
	}
	add(time.Minute, "locker-10", record.Event{Type: record.Invoke, Kind: "acquire", Of: record.Own{Object: "lock-b"}})
	add(time.Minute, "watcher-1", record.Event{Type: record.Note, Kind: "saw", Of: record.Own{Object: "lock-a", Remark: "it is gone"}})
	return run
}

func pageOf(run record.Run, lanes Lanes) Page {
	return Page{Run: record.NewIndex(run, record.Objects{}), Lanes: lanes, Report: &checker.Report{Verdict: checker.Valid, Counts: map[string]int{"locks": 2, "grants_seen": 5, "faults_effective": 1, "still_unknown": 7}}}
}

// TestPage_OfAnyRecipe: without a word of the recipe the page shows what happened, and says
// nothing of what only another recipe has.
func TestPage_OfAnyRecipe(t *testing.T) {
	p := pageOf(locked(2), Lanes{})
	page := render(t, p)
	for _, want := range []string{
		"locker-2 acquire lock-a from 1.000s to 1.500s: ok; &lt;free&gt;", "locker-10 acquire lock-b from 60.000s to 60.000s: info", "stroke-dasharray:2 2",
		"watcher-1 saw lock-a at 60.000s: it is gone", "Flat bars and dots (acquire, saw)", "acquire: median 500ms", "VALID: every property holds over 1 effective faults.",
		"The participants used", "What must be linearizable is searched",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, foreign := range []string{"task", "worker", "a master", "Small bars"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page says %q", foreign)
		}
	}
	var printed strings.Builder
	p.Lanes.Print(&printed, p.Report)
	if !strings.Contains(printed.String(), "\n5 grants seen, 2 locks\n") {
		t.Errorf("the terminal says:\n%s", &printed)
	}
	if names := arrange(p.Run, nil, Lanes{}).names; !slices.Equal(names, []string{"client-1", "locker-2", "locker-10", "watcher-1"}) {
		t.Errorf("the lanes are %q", names)
	}
}

// TestPage_InTheWordsOfTheRecipe: its choice of what is drawn comes first.
func TestPage_InTheWordsOfTheRecipe(t *testing.T) {
	lanes := Lanes{
		Kinds: map[record.Kind]Drawn{"acquire": Counted, "saw": Hidden}, Work: "how often a lock was asked for", Objects: "locks", Participants: "Lockers", Searched: "locks",
		Charts: []Chart{{Kind: "acquire", Colour: "#123456", Done: "granted", Doing: "Acquiring"}},
		Detail: func(e record.Event) []string { return []string{fmt.Sprintf("detail of %d", e.Seq)} },
		Sum:    func(c map[string]int) string { return fmt.Sprintf("locks there were: %d", c["locks"]) },
	}
	p := pageOf(locked(2), lanes)
	p.Report = &checker.Report{Verdict: checker.Valid, Counts: p.Report.Counts, Properties: []checker.Property{{Name: "OneHolder", Verdict: checker.Invalid, Events: []int{6}}}}
	page := render(t, p)
	for _, want := range []string{"Small bars: how often a lock was asked for.", "every property holds over 2 locks and 1 effective faults", "Lockers used", "the locks were", "Acquiring: median 500ms", ">granted<", "#123456", "linearizability of locks is", "lock-a; token 0.3; detail of 6; &lt;free&gt;; {&#34;fence&#34;:3}"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, hidden := range []string{"Flat bars", "it is gone"} {
		if strings.Contains(page, hidden) {
			t.Errorf("the page has %q", hidden)
		}
	}
	var printed strings.Builder
	lanes.Print(&printed, p.Report)
	if !strings.Contains(printed.String(), "\nlocks there were: 2\n") {
		t.Errorf("the terminal says:\n%s", &printed)
	}
}

// TestPage_SaysKindsInWords: an event that a verdict rests on has its kind's words, and not
// the word that stored runs have.
func TestPage_SaysKindsInWords(t *testing.T) {
	run := locked(1)
	at := len(run.Events) + 1
	run.Events = append(run.Events, record.Event{Seq: at, At: time.Minute, Process: "locker-2", Life: 1, Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: "task-a", Cause: "enough"}})
	p := pageOf(run, Lanes{})
	p.Report.Properties = []checker.Property{{Name: "OneHolder", Verdict: checker.Invalid, Events: []int{at}}}
	page := render(t, p)
	for _, want := range []string{">stop requested note<", fmt.Sprintf("#%d stop requested note", at), "locker-2 stop requested task-a", "Flat bars and dots (acquire, saw, stop requested)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestPage_ManyOperationsAreCounted, so that the page of a long run stays small.
func TestPage_ManyOperationsAreCounted(t *testing.T) {
	page := render(t, pageOf(locked(mostSpans), Lanes{}))
	if !strings.Contains(page, "Small bars: how many operations a participant began.") || !strings.Contains(page, "Flat bars and dots (saw)") || strings.Contains(page, "acquire lock-a from") {
		t.Error("thousands of operations are drawn one by one")
	}
}
