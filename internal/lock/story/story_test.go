package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/lock/judge"
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
			stories.Noun = "lock"
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

// TestStories_InWords: what lockers and writes did.
func TestStories_InWords(t *testing.T) {
	t.Chdir(filepath.Join("..", "judge"))
	for name, says := range map[string][]string{
		"WritesFenced-late-bad": {
			"The lock is /locks/orders.", "locker-1 took the lock with token 1, by /locks/orders/a-W-0000000000.", "locker-1 left the line of the lock: deleted /locks/orders/a-W-0000000000.",
			"locker-1 tried to write in the name of token 1 once more.", "When the contender is gone, ZooKeeper must refuse the write.",
		},
		"MutualExclusion-believed-bad": {"locker-1 believed to hold the lock with token 1 from here until", "joined the line of the lock (shared)"},
		"StaleEffectsFenced-bad":       {"The system outside accepted an act on the lock with token 4"},
		"RevocationsHeard-twice-bad": {
			"locker-1 asked for the lock (shared, wait, until it is asked to release it)", "locker-3 asked the holders of the lock to release it.", "locker-1 heard that it is asked to release the lock.",
			"asked the holder of the lock to release it, in /locks/desk/c-R-0000000000",
		},
		"AllOrNone-kept-bad":   {"(exclusive, wait, together with other locks), and did not get it (context deadline exceeded)"},
		"DelayWaited-bad":      {"(exclusive, wait, with a delay of 200ms)"},
		"NothingLeft-tree-bad": {"/locks/orders/x-W-0000000009 is left"},
	} {
		result := checker.Check(recordtest.Whole(t, name), 1, judge.Judging())
		stories := Stories()
		stories.Noun = "lock"
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
