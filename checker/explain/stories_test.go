package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// locked is a run of a stranger's recipe: two holders of one lock.
func locked() record.Run {
	grab := []record.Op{{Kind: "create", Path: "/locks/a/holder-1", Ephemeral: true}}
	events := []record.Event{
		{Process: "locker-1", Type: record.Invoke, Kind: "acquire", Op: 1, Of: record.Own{Object: "a"}},
		{Process: "locker-1", Type: record.Invoke, Kind: record.Write, Op: 2, Of: record.Request{Session: "0x1", Ops: grab}},
		{Process: "locker-1", Type: record.OK, Kind: record.Write, Op: 2, Of: record.Request{Session: "0x1"}},
		{Process: "locker-1", Type: record.OK, Kind: "acquire", Op: 1, Of: record.Own{Object: "a", Token: record.Token{Attempt: 1}}},
		{Process: "locker-2", Type: record.Invoke, Kind: "acquire", Op: 1, Of: record.Own{Object: "b"}},
		{Process: "locker-2", Type: record.Fail, Kind: "acquire", Op: 1, Of: record.Own{Object: "b", Remark: "it is taken."}},
		{Process: "locker-2", Type: record.Note, Kind: "saw free", Of: record.Own{Object: "a", Remark: "by a watch"}},
		{Process: "locker-2", Type: record.Invoke, Kind: "acquire", Op: 2, Of: record.Own{Object: "a"}},
	}
	for i := range events {
		events[i].Seq, events[i].At = i+1, time.Duration(i+1)*time.Second
	}
	return record.Run{Events: events}
}

var locks = record.Objects{Of: func(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/locks/"), "/")
	return name
}}

func violated(events ...int) checker.Property {
	return checker.Property{Name: "OneHolder", Reason: "Two hold a.", Findings: []wording.Finding{{Code: "two holders", Object: "a"}}, Events: events}
}

// texts are the lines of a story; a wrong one begins with a >.
func texts(s Story) string {
	var all []string
	for _, l := range s.Lines {
		mark := ""
		if l.Wrong {
			mark = "> "
		}
		all = append(all, mark+l.Text)
	}
	return strings.Join(all, "\n")
}

// TestViolation_AnyRecipe: a recipe that brings no words has a story all the same, of the
// writes that touch the object and the events about it.
func TestViolation_AnyRecipe(t *testing.T) {
	story := Violation(record.NewIndex(locked(), locks), violated(1, 7, 8), Stories{Noun: "lock"})
	want := `locker-1 began: acquire of the lock; at 4.000s it was done.
locker-1 wrote create /locks/a/holder-1.
locker-2: saw free of the lock (by a watch).
> locker-2 began: acquire of the lock; the record does not show its end.`
	if got := texts(story); got != want || story.Object != "a" || story.Noun != "lock" {
		t.Errorf("%s %s:\n%s\nwant:\n%s", story.Noun, story.Object, got, want)
	}
	var printed strings.Builder
	if err := story.Write(&printed); err != nil || !strings.HasPrefix(printed.String(), "The lock is a.\n") {
		t.Errorf("%v:\n%s", err, &printed)
	}
}

// TestViolation_WithoutAWordOfTheRecipe: nothing but the events says what a violation is about.
func TestViolation_WithoutAWordOfTheRecipe(t *testing.T) {
	p := violated(5, 6)
	p.Findings = nil
	story := Violation(record.NewIndex(locked(), record.Objects{}), p, Stories{})
	if got, want := texts(story), "> locker-2 began: acquire of the object; at 6.000s it failed (it is taken)."; got != want || story.Object != "b" {
		t.Errorf("%s:\n%s\nwant:\n%s", story.Object, got, want)
	}
}

// TestViolation_InTheWordsOfTheRecipe: its properties, its words for events and writes, and its life
// of an object come first.
func TestViolation_InTheWordsOfTheRecipe(t *testing.T) {
	words := Stories{Noun: "lock", Begin: func(t *Explainer) Words {
		return Words{
			Properties: map[string]func(){"OneHolder": func() {
				t.Life(t.Object)
				t.Event(t.Run.Events[6])
				t.BlameLast()
				t.Conclusion = "One at a time."
			}},
			Life: func(object string) {
				for _, w := range t.Touching(object) {
					t.Write(w, object)
				}
			},
			Event: func(e record.Event) bool {
				t.Add(Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Text: e.Process + " saw that " + t.Call(e.Object()) + " is free."})
				return true
			},
			Deed: func(w Write, object string) Deed {
				return Deed{By: w.Invoke.Process, What: "took " + t.Call(object)}
			},
		}
	}}
	story := Violation(record.NewIndex(locked(), locks), violated(7), words)
	if got, want := texts(story), "locker-1 took the lock.\n> locker-2 saw that the lock is free."; got != want || story.Conclusion != "One at a time." {
		t.Errorf("%s\n%s\nwant:\n%s", story.Conclusion, got, want)
	}
	other := violated(7)
	other.Name = "Another"
	if story := Violation(record.NewIndex(locked(), locks), other, words); story.Conclusion != "" || len(story.Lines) != 2 {
		t.Errorf("a property without a story of its own: %s\n%s", story.Conclusion, texts(story))
	}
}
