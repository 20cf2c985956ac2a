package story

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestStories_WithoutTasks tells the frozen violations of elections without a word about
// tasks: who led, which line is wrong, and which check refuses it.
func TestStories_WithoutTasks(t *testing.T) {
	told := 0
	for name, want := range map[string]string{
		"SingleMaster-belief-bad":      "No fault had stopped master-1 or ended its session",
		"SingleMaster-epoch-twice-bad": "ZooKeeper applies only one such write: it must refuse the second.",
		"ElectionLinearizable-bad":     "This election fits nowhere in the order",
	} {
		run := recordtest.Frozen(t, name)
		for _, p := range checker.Check(run, 1, judge.Judging()).Violations() {
			if !slices.Contains([]string{"SingleMaster", "ElectionLinearizable"}, p.Name) {
				continue
			}
			told++
			s := explain.Violation(record.NewIndex(run, record.Objects{}), p, Stories())
			if p.Name == strings.Split(name, "-")[0] && !strings.Contains(s.Conclusion, want) {
				t.Errorf("%s: the conclusion of %s is %q", name, p.Name, s.Conclusion)
			}
			if !slices.ContainsFunc(s.Lines, func(l explain.Line) bool { return l.Wrong }) || !slices.ContainsFunc(s.Lines, func(l explain.Line) bool { return strings.Contains(l.Text, "was elected with epoch") }) {
				t.Errorf("%s: %s: no line is wrong, or nobody is elected: %+v", name, p.Name, s.Lines)
			}
		}
	}
	if told < 3 {
		t.Errorf("%d stories were told", told)
	}
}
