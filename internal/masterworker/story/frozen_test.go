package story

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

var update = flag.Bool("update", false, "write the golden stories anew")

// stories tells every violation of a run.
func stories(run record.Run) []explain.Story {
	var all []explain.Story
	r := checker.Check(run, 1, judge.Judging())
	for _, p := range r.Violations() {
		all = append(all, tell(run, p))
	}
	return all
}

func tell(run record.Run, p checker.Property) explain.Story {
	return explain.Violation(record.NewIndex(run, record.TaskObjects()), p, named())
}

// golden compares stories with what is frozen of them.
func golden(t *testing.T, name string, all []explain.Story) {
	t.Helper()
	var got bytes.Buffer
	for _, s := range all {
		fmt.Fprintf(&got, "%s\n%s\n\n", s.Property, s.Reason)
		if err := s.Write(&got); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&got)
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the story of %s is now (run with -update if that is right):\n%s\nand was:\n%s", name, &got, want)
	}
}

// TestStories_OfFrozenHistories tells every frozen violation as it was told before.
func TestStories_OfFrozenHistories(t *testing.T) {
	for _, name := range recordtest.Violations(t) {
		t.Run(name, func(t *testing.T) {
			all := stories(recordtest.Frozen(t, name))
			if len(all) == 0 {
				t.Fatal("there is no violation to tell")
			}
			for _, s := range all {
				hold(t, s)
			}
			golden(t, name, all)
		})
	}
}

// hold is what every story must have: a line that is wrong, an order in time, a moral,
// and no more than a person reads.
func hold(t *testing.T, s explain.Story) {
	t.Helper()
	wrong := false
	for i, l := range s.Lines {
		wrong = wrong || l.Wrong
		if l.Text == "" || !strings.HasSuffix(l.Text, ".") {
			t.Errorf("%s: line %d is no sentence: %q", s.Property, i+1, l.Text)
		}
		if i > 0 && s.Lines[i-1].At > l.At {
			t.Errorf("%s: line %d comes before line %d", s.Property, i+1, i)
		}
	}
	if told := append(slices.Collect(maps.Keys((&explainer{}).properties())), "SessionsEnd", "WritesAccounted"); slices.Contains(told, s.Property) && s.Conclusion == "" {
		t.Errorf("%s has no moral", s.Property)
	}
	const longest = 22
	if !wrong || len(s.Lines) > longest {
		t.Errorf("%s: %d lines, one is wrong: %v", s.Property, len(s.Lines), wrong)
	}
}

// named are the stories with the word for an object that torture gives them.
func named() explain.Stories {
	s := Stories()
	s.Noun = "task"
	return s
}
