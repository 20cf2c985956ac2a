package judge_test

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/store/judge"
	"github.com/ringmaster-zk/ringmaster/internal/store/story"
)

// TestStories_OfEachBadHistory: each violation has a story, which says what happened, and why it should not
// have.
func TestStories_OfEachBadHistory(t *testing.T) {
	says := map[string][]string{
		"AppliedAsTold-although":        {"m2, with epoch 2, deleted apps/application_0002 if its version is 0, and at 68.000s it was told that this is not applied.", "m2 deleted apps/application_0002"},
		"AppliedAsTold-twice":           {"m2, with epoch 2, wrote apps/application_0001, and at 72.000s it was told that this is applied."},
		"NoAcknowledgedLost-load":       {"m1/0 acknowledged apps/application_0002 on the system outside.", "m2 loaded all records, and at 56.000s it had 2."},
		"NoneAcknowledgedByFenced-late": {"m1/0 acknowledged apps/application_0001 on the system outside.", "Only fencing keeps an old manager from it"},
		"OnlyTheLastWrites-late":        {"m1 wrote apps/application_0009"},
		"PartsWhole-torn":               {"m1 read apps/application_0001, and at 33.000s it had version 1, 10:3a6af16b30861786."},
		"PartsWhole-gone":               {"m2 deleted the parts 0000000001-x"},
		"EpochsGrow-told":               {"m2 opened the store, and at 52.000s it had epoch 1."},
		"PartsCollected-left":           {"m2 collected parts that belong to no record, and at 60.000s those of 1 values were deleted."},
		"RecordLinearizable-refused":    {"it was told that this is not applied (changed)."},
	}
	for name, run := range judge.Broken() {
		result := checker.Check(run, 1, judge.Judging(2))
		texts := ""
		for _, p := range result.Violations() {
			stories := story.Stories()
			stories.Noun = "application"
			told := explain.Violation(result.Index(), p, stories)
			var text strings.Builder
			if err := told.Write(&text); err != nil {
				t.Fatal(err)
			}
			if told.Conclusion == "" {
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
	}
}
