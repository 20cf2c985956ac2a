package checkertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// OfEveryRecipe are the properties of runs of every recipe. Their frozen histories are those of the master-worker
// recipe.
var OfEveryRecipe = []string{checker.SessionsEnd, checker.NoCrash, checker.WritesAccounted, checker.ServersAgree, checker.RecordComplete}

// Rejected says which properties must reject a frozen history, and has a part of what is said.
type Rejected = struct {
	By   []string
	Says string
}

// Accepts judges a frozen history in which nothing is wrong, and returns the result. The test fails unless each
// property holds, and says why. Whether servers agree may be unknown.
func Accepts(t *testing.T, by checker.Judging, name string) *checker.Result {
	t.Helper()
	r := checker.Check(recordtest.Whole(t, name), 1, by)
	if r.Verdict != checker.Valid {
		t.Errorf("verdict %s, %q", r.Verdict, r.Vacuous)
	}
	for _, p := range r.Properties {
		if p.Verdict != checker.Valid && p.Name != checker.ServersAgree || p.Reason == "" {
			t.Errorf("%s: %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	return r
}

// Rejects judges frozen histories in which something is wrong. Exactly the properties that are named must reject
// each. Every property must have a history whose name begins with its own, except for those elsewhere.
func Rejects(t *testing.T, by checker.Judging, histories map[string]Rejected, elsewhere ...string) {
	t.Helper()
	covered := map[string]bool{}
	for name, want := range histories {
		t.Run(name, func(t *testing.T) {
			var got []string
			said := ""
			for _, p := range checker.Check(recordtest.Whole(t, name), 1, by).Violations() {
				got = append(got, p.Name)
				said += p.Reason
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(want.By))) || !strings.Contains(said, want.Says) {
				t.Errorf("rejected by %q, want %q: %s", got, want.By, said)
			}
		})
		for _, p := range want.By {
			covered[p] = covered[p] || strings.HasPrefix(name, p+"-")
		}
	}
	for _, p := range checker.Check(recordtest.Whole(t, "accepted"), 1, by).Properties {
		if !covered[p.Name] && !slices.Contains(elsewhere, p.Name) && !slices.Contains(OfEveryRecipe, p.Name) {
			t.Errorf("no frozen history is named for %s", p.Name)
		}
	}
}

// Doubts judges a run that was not healed, which is unknown, and one whose faults had no effect, which is vacuous.
func Doubts(t *testing.T, by checker.Judging) {
	t.Helper()
	for name, want := range map[string]checker.Verdict{"not-healed-unknown": checker.Unknown, "no-effective-fault-vacuous": checker.Vacuous} {
		if r := checker.Check(recordtest.Whole(t, name), 1, by); r.Verdict != want {
			t.Errorf("%s: verdict %s, want %s", name, r.Verdict, want)
		}
	}
}

// WithoutCommits judges frozen histories of which it is not known what was committed in which order. want has
// the verdicts of some properties of each.
func WithoutCommits(t *testing.T, by checker.Judging, want map[string]map[string]checker.Verdict) {
	t.Helper()
	for name, verdicts := range want {
		run := recordtest.Whole(t, name)
		run.Commits, run.Evidence.Order, run.Evidence.Weaker = nil, record.FromTree, "the ensemble is external"
		r := checker.Check(run.MadeByHand(), 1, by)
		for property, verdict := range verdicts {
			if p := Property(t, r, property); p.Verdict != verdict {
				t.Errorf("%s: %s: %s: %s", name, property, p.Verdict, p.Reason)
			}
		}
	}
}
