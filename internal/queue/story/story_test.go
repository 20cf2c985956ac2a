package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/queue/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestStories_OfFrozenHistories: each violation has a story that names a wrong line, and says why
// it should not have happened.
func TestStories_OfFrozenHistories(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge")) // where the histories are
	found, err := filepath.Glob(filepath.Join("testdata", "*-bad.*"))
	if err != nil || len(found) < 15 {
		t.Fatal(found, err)
	}
	told := map[string]bool{}
	for _, path := range found {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		if told[name] {
			continue
		}
		told[name] = true
		result := checker.Check(recordtest.Whole(t, name), 1, judge.Judging())
		for _, p := range result.Violations() {
			stories := Stories()
			stories.Noun = "item"
			story := explain.Violation(result.Index(), p, stories)
			var text strings.Builder
			if err := story.Write(&text); err != nil {
				t.Fatal(err)
			}
			if story.Conclusion == "" || !strings.Contains("\n"+text.String(), "\n> ") {
				t.Errorf("%s, %s:\n%s", name, p.Name, text.String())
			}
		}
	}
}

// TestStories_InWords: what queueers and writes did.
func TestStories_InWords(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge"))
	for name, says := range map[string][]string{
		"WriteFenced-late-bad": {
			"The item is /queues/jobs/entries/entry-100-0000000000.", "consumer-2 took the item with token 1.",
			"consumer-2 tried to write about item a in the name of token 1 once more.", "ZooKeeper must refuse the write.",
			"consumer-1 deleted the item, deleted the claim to the item and wrote that item a is consumed.",
		},
		"ExclusiveClaim-believed-bad": {
			"producer-1 put item a into /queues/jobs (priority 100)", "consumer-2 asked for an item of /queues/jobs, and at 0.170s it was told that it has the item with token 1.",
			"consumer-2 believed to have the item with token 1 from here until 0.183s (the item is lost).", "The system outside refused an act on the item with token 1",
			"consumer-1 had the item recorded as consumed (token 2), which was confirmed at",
		},
		"DeadLetter-early-bad":    {"consumer-1 deleted /queues/jobs/entries/entry-100-0000000002 and made the item, with item d.", "The final tree has the item, with version 0."},
		"NothingLeft-tree-bad":    {"The final tree has the claim /queues/jobs/taken/entry-100-0000000002."},
		"Empty-bad":               {"consumer-2 asked for an item of /queues/jobs, and at 0.220s it was told that it got none (the queue has no free item)."},
		"NoUnexpected-denied-bad": {"producer-1 put item e into /queues/jobs (priority 500), and was told that this did not happen (the queue is full)."},
	} {
		result := checker.Check(recordtest.Whole(t, name), 1, judge.Judging())
		stories := Stories()
		stories.Noun = "item"
		var text strings.Builder
		if err := explain.Violation(result.Index(), result.Violations()[0], stories).Write(&text); err != nil {
			t.Fatal(err)
		}
		plain := strings.Join(strings.Fields(text.String()), " ") // lines break anywhere
		for _, want := range says {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text.String())
			}
		}
	}
}

// TestConclusions_OfEveryProperty of the judges.
func TestConclusions_OfEveryProperty(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge"))
	if _, err := os.Stat("testdata"); err != nil {
		t.Fatal(err)
	}
	everywhere := []string{checker.SessionsEnd, checker.NoCrash, checker.WritesAccounted, checker.ServersAgree, checker.RecordComplete}
	for _, p := range checker.Check(record.Run(recordtest.Whole(t, "accepted")), 1, judge.Judging()).Properties {
		own := true
		for _, name := range everywhere {
			own = own && p.Name != name
		}
		if (conclusions[p.Name] != "") != own {
			t.Errorf("%s: %q", p.Name, conclusions[p.Name])
		}
	}
}
