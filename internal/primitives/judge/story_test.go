package judge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/judge"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/story"
)

// TestStories_OfEachDefect: each violation has a story that names a wrong line, and says why it should
// not have happened.
func TestStories_OfEachDefect(t *testing.T) {
	says := map[string][]string{
		"an addition that was told to be not applied": {
			"The primitive is /values/sum.", "u2 called the primitive: add 3; at 8.000s it was told that this was not applied, and never will be.",
			"u2 raised its lane and made 5 of the primitive, which had version 0.", "The final tree has /values/sum (5).",
		},
		"an addition that is not applied": {"u1 called the primitive: add 2; at 4.000s it was told that it is done: the sum is 2."},
		"a block twice":                   {"u2 called the primitive: a block of 2; at 17.000s it was told that it is done: its numbers are 3 to 4."},
		"a refusal of a version that is right": {
			"u1 called the primitive: set, if it has version -1; at 23.000s it was told no: it has another version.", "u1 set the primitive.",
		},
		"an audit between two moments":              {"u3 called the primitive: audit; at 41.000s it was told that it is done: it saw 12 in a, 1 in b."},
		"money that is gone":                        {"The final tree has /bank/a (11) and /bank/b (0)."},
		"a wait that ends while the barrier is set": {"u1 set the primitive.", "u3 called the primitive: wait; at 55.000s it was told that it is done."},
		"a round without a participant": {
			`u2 began a round of the primitive ({"round":1,"members":["x-0000000000","y-0000000001"]})`, "u2 joined the primitive: made /barriers/round/y-0000000001.",
			"u1 called the primitive: enter a round of 2; at 65.000s it was told that it is done: it is in round 1.", "u2 left the primitive: deleted /barriers/round/y-0000000001.",
		},
		"one that leaves alone":      {"u2 believed to be in round 1 of the primitive from here until"},
		"two holders of the lease":   {"u1 believed to hold the primitive with token 1 from here until 96.000s."},
		"an entry without the lease": {"u1 wrote to the ledger in the name of token 1 (u1.duty).", "u1 called the primitive: take for 1000 ms; at 83.000s it was told that it is done: its token is 1."},
		"users that do not finish":   {"The users did not finish (drain: nothing moved).", "All faults were healed, so each user can use each object again."},
		"a lane in the final tree":   {"/values/lane-x-0"},
	}
	for name, run := range judge.Broken(t) {
		result := checker.Check(run, 1, judge.Judging(4))
		texts := ""
		for _, p := range result.Violations() {
			stories := story.Stories()
			stories.Noun = "primitive"
			told := explain.Violation(result.Index(), p, stories)
			var text strings.Builder
			if err := told.Write(&text); err != nil {
				t.Fatal(err)
			}
			if told.Conclusion == "" || !strings.Contains("\n"+text.String(), "\n> ") {
				t.Errorf("%s, %s:\n%s", name, p.Name, text.String())
			}
			texts += text.String()
		}
		plain := strings.Join(strings.Fields(texts), " ") // lines break anywhere
		for _, want := range says[name] {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, texts)
			}
		}
		delete(says, name)
	}
	if len(says) > 0 {
		t.Errorf("there are no such runs: %v", says)
	}
}

// TestConclusions_OfEveryProperty of the judges.
func TestConclusions_OfEveryProperty(t *testing.T) {
	everywhere := []string{checker.SessionsEnd, checker.NoCrash, checker.WritesAccounted, checker.ServersAgree, checker.RecordComplete}
	for _, run := range judge.Broken(t) {
		for _, p := range checker.Check(run, 1, judge.Judging(4)).Properties {
			if own := !slices.Contains(everywhere, p.Name); (story.Conclusions[p.Name] != "") != own {
				t.Errorf("%s: %q", p.Name, story.Conclusions[p.Name])
			}
		}
		break
	}
}
