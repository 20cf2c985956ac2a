package story

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/standby/judge"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// told is the stories of what is violated in a frozen history, by property.
func told(t *testing.T, name string) map[string]explain.Story {
	t.Helper()
	all := map[string]explain.Story{}
	result := checker.Check(recordtest.Whole(t, name), 1, judge.Judging())
	for _, p := range result.Violations() {
		stories := Stories()
		stories.Noun = history.Group
		all[p.Name] = explain.Violation(result.Index(), p, stories)
	}
	return all
}

// TestStories_OfFrozenHistories: each violation has a story that says why it should not have happened, and
// names a wrong line, unless it rests on the final tree or on the whole run.
func TestStories_OfFrozenHistories(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge")) // where the histories are
	found, err := filepath.Glob(filepath.Join("testdata", "*-bad.*"))
	if err != nil || len(found) < 20 {
		t.Fatal(found, err)
	}
	seen := map[string]bool{}
	for _, path := range found {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		if seen[name] {
			continue
		}
		seen[name] = true
		for property, story := range told(t, name) {
			var text strings.Builder
			if err := story.Write(&text); err != nil {
				t.Fatal(err)
			}
			if story.Conclusion == "" || property != "ActiveAfterHeal" && !strings.Contains("\n"+text.String(), "\n> ") {
				t.Errorf("%s, %s:\n%s", name, property, text.String())
			}
		}
	}
}

// TestStories_InWords: what candidates, clients and the power switch did.
func TestStories_InWords(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge"))
	for name, says := range map[string][]string{
		"ActsInTime-bad":                {"candidate-1/1 acted on the system outside", "believed to lead epoch 3", "Only fencing keeps an old active from it"},
		"FencedFirst-old-bad":           {"candidate-1/2 asked the power switch to end candidate-1/1, which failed", "The process of candidate-1/1"},
		"FencesTheRightOne-another-bad": {`candidate-1 was told to fence "candidate-9:1", and at`, "it was done"},
		"BreadcrumbsTrue-left-bad":      {"gave the lock up"},
		"FailoversTold-elsewhere-bad":   {"client-1 asked for a failover to candidate-1", "candidate-9 is active with epoch 3"},
		"FailoversTold-unclean-bad":     {"removed the breadcrumb", "accepted the failover to"},
		"UnhealthyLeave-stayed-bad":     {"candidate-3 said that it is not healthy."},
		"CausesTold-bad":                {"heard that its term with epoch 8 is over (other)"},
	} {
		var text strings.Builder
		for _, story := range told(t, name) {
			if err := story.Write(&text); err != nil {
				t.Fatal(err)
			}
		}
		for _, part := range says {
			if !strings.Contains(text.String(), part) {
				t.Errorf("%s lacks %q:\n%s", name, part, text.String())
			}
		}
	}
}
