package judge

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestCheck_HoldsARunAgainstItsPolicy judges one run by several policies: it kept to that of
// its time, which is also that of a run that tells of none.
func TestCheck_HoldsARunAgainstItsPolicy(t *testing.T) {
	for _, c := range []struct {
		name, run, violates string
		change              func(*record.Policy)
	}{
		{"as it was", "accepted-policies", "", func(*record.Policy) {}},
		{"none is told", "accepted-policies", "", func(p *record.Policy) { *p = record.Policy{} }},
		{"fewer attempts", "accepted-policies", "BudgetKept", func(p *record.Policy) { p.MaxAttempts = 1 }},
		{"fewer handlers", "ConcurrencyKept-bad", "ConcurrencyKept", func(p *record.Policy) { p.Concurrency = 1 }},
		{"more handlers", "ConcurrencyKept-bad", "", func(p *record.Policy) { p.Concurrency = 99 }},
		{"a longer retention", "accepted-policies", "RetentionKept", func(p *record.Policy) { p.Retention = time.Hour }},
		{"no handovers", "accepted-leaves", "BudgetKept", func(p *record.Policy) { p.MaxHandovers, p.MaxAttempts = 0, 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := recordtest.Frozen(t, c.run)
			run.Policy = record.FirstPolicy()
			c.change(&run.Policy)
			got := ""
			for _, p := range check(run).Violations() {
				if p.Name != c.violates && p.Name != "FollowsProtocol" {
					t.Errorf("%s: %s", p.Name, p.Reason)
				}
				got = p.Name
			}
			if got != c.violates {
				t.Errorf("violated is %q", got)
			}
		})
	}
}
