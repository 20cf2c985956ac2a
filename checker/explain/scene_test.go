package explain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestInjection_HasWordsForEveryFault holds the words against the catalogue.
func TestInjection_HasWordsForEveryFault(t *testing.T) {
	for _, e := range nemesis.Catalogue {
		deed := (record.Injection{Fault: string(e.Kind), Did: e.Did}).Deed()
		if strings.Count(deed, "%s") != 1 {
			t.Errorf("%s is told as %q", e.Kind, deed)
		}
		if older := (record.Injection{Fault: string(e.Kind)}).Deed(); !strings.HasPrefix(older, "did ") && older != deed {
			t.Errorf("%s is told as %q, and was as %q", e.Kind, deed, older)
		}
	}
}

// TestStory_LongOneIsCut has a lock that is tried again and again: what is wrong stays, and
// it is said how much is left out.
func TestStory_LongOneIsCut(t *testing.T) {
	var run record.Run
	for i := range 100 {
		at := time.Duration(i) * time.Second
		run.Events = append(run.Events,
			record.Event{Seq: 2*i + 1, At: at, Process: "locker-1", Type: record.Invoke, Kind: "acquire", Op: int64(i), Of: record.Own{Object: "lock-a", Token: record.Token{Epoch: 1, Attempt: int32(i)}}},
			record.Event{Seq: 2*i + 2, At: at + 1, Process: "locker-1", Type: record.Fail, Kind: "acquire", Op: int64(i), Of: record.Own{Object: "lock-a", Remark: "no"}},
		)
	}
	story := Violation(record.NewIndex(run, record.Objects{}), checker.Property{Name: "OneHolder", Findings: []wording.Finding{{Code: "two holders", Object: "lock-a"}}, Events: []int{101}}, Stories{Noun: "lock"})
	if len(story.Lines) != longest || story.LeftOut != 100-longest {
		t.Fatalf("%d lines, %d left out", len(story.Lines), story.LeftOut)
	}
	at := -1
	for i, l := range story.Lines {
		if l.Wrong {
			at = i
		}
	}
	if at < longest/2 || fmt.Sprint(story.Lines[at].Events) != "[101 102]" {
		t.Errorf("line %d is wrong: %+v", at+1, story.Lines)
	}
}

// TestViolation_OfAnObjectThatMuchHappenedTo keeps to what is near the violation, so that a long
// run is told in no time.
func TestViolation_OfAnObjectThatMuchHappenedTo(t *testing.T) {
	const many = 50_000
	var run record.Run
	for i := range many {
		run.Events = append(run.Events, record.Event{Seq: i + 1, At: time.Duration(i) * time.Second, Process: "locker-1", Type: record.Note, Kind: "saw", Of: record.Own{Object: "lock-a"}})
	}
	for _, at := range []int{1, many / 2, many} {
		story := Violation(record.NewIndex(run, record.Objects{}), checker.Property{Name: "OneHolder", Events: []int{at}}, Stories{})
		wrong := slices.IndexFunc(story.Lines, func(l Line) bool { return l.Wrong })
		if len(story.Lines) != longest || story.LeftOut != many-longest || wrong < 0 || story.Lines[wrong].Events[0] != at {
			t.Errorf("%d: %d lines, %d left out, line %d is wrong", at, len(story.Lines), story.LeftOut, wrong+1)
		}
	}
}

// TestStory_CoreIsWhatIsWrong cuts a story for the terminal.
func TestStory_CoreIsWhatIsWrong(t *testing.T) {
	s := Story{Lines: make([]Line, 10)}
	s.Lines[6].Wrong, s.Lines[7].Wrong = true, true
	if from, to := s.Core(4); from != 2 || to != 9 {
		t.Errorf("from %d to %d", from, to)
	}
	s.Lines[9].Key = true
	if from, to := s.Core(4); from != 2 || to != 10 {
		t.Errorf("with what is needed, from %d to %d", from, to)
	}
	s.Lines[9].Key = false
	if from, to := s.Core(20); from != 0 || to != 9 {
		t.Errorf("from %d to %d", from, to)
	}
}
