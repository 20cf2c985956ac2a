package shrink

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	masterworker "github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func judge(run record.Run) []checker.Property {
	return checker.Check(run, 1, masterworker.Judging()).Properties
}

func indexed(run record.Run) *record.Index { return record.NewIndex(run, record.TaskObjects()) }

func invalid(properties []checker.Property) []checker.Property {
	return slices.DeleteFunc(slices.Clone(properties), func(p checker.Property) bool { return p.Verdict != checker.Invalid })
}

// TestHistory_ShrinksFrozenHistories cuts down every frozen violation, and holds the part
// against the judges: it fails as the whole does, and in nothing else.
func TestHistory_ShrinksFrozenHistories(t *testing.T) {
	for _, name := range recordtest.Violations(t) {
		t.Run(name, func(t *testing.T) {
			run := recordtest.Frozen(t, name)
			whole := invalid(judge(run))
			for _, p := range whole {
				s := History(t.Context(), indexed(run), p, judge)
				t.Logf("%s: %d of %d events, %d of %d objects, %d judged", p.Name, s.Left.Events, s.Of.Events, s.Left.Objects, s.Of.Objects, s.Judged)
				holdShrunk(t, whole, p, s)
			}
		})
	}
}

func holdShrunk(t *testing.T, whole []checker.Property, p checker.Property, s Shrunk) {
	t.Helper()
	if !s.Minimal || s.Left.Events*2 > s.Of.Events && p.Name != "ConcurrencyKept" { // which needs all that ran
		t.Errorf("%s: %d of %d events are left, minimal %v", p.Name, s.Left.Events, s.Of.Events, s.Minimal)
	}
	found := false
	for _, left := range invalid(judge(s.Run)) {
		found = found || left.Name == p.Name && left.Reason == s.Property.Reason
		if !slices.ContainsFunc(whole, func(w checker.Property) bool {
			return w.Name == left.Name && (says(w.Findings, left.Findings) || strings.HasSuffix(w.Name, "Linearizable")) // which counts what is left
		}) {
			t.Errorf("the part for %s says something new: %s: %s", p.Name, left.Name, left.Reason)
		}
	}
	if !found {
		t.Errorf("the part for %s does not violate it", p.Name)
	}
	for i := 1; i < len(s.Run.Events); i++ {
		if s.Run.Events[i-1].Seq >= s.Run.Events[i].Seq {
			t.Errorf("event %d comes after %d", s.Run.Events[i].Seq, s.Run.Events[i-1].Seq)
		}
	}
}

// TestHistory_RefusesWhatWouldMislead shows why the rules of the package comment are needed:
// a judge of the sentence alone would take out the submission of a task, and leave a
// task that nobody has submitted.
func TestHistory_RefusesWhatWouldMislead(t *testing.T) {
	run := recordtest.Frozen(t, "AtomicTransitions-bad")
	p := invalid(judge(run))[0]
	part := only(indexed(run), named(p.Findings, indexed(run).Objects()))
	lax := &search{ctx: t.Context(), whole: p, judge: judge}
	strict := *lax
	strict.others, _ = strict.split(part)
	all := units(indexed(part))
	misled := 0
	for i := range all {
		rest := join(part, all, slices.Concat(all[:i], all[i+1:]))
		if lax.same(rest) && !strict.clean(rest) {
			misled++
		}
	}
	if misled == 0 {
		t.Error("nothing is refused for making another property fail")
	}
}

// TestHistory_KeepsTheFirstViolation holds a part that violates the property for another
// reason against the search.
func TestHistory_KeepsTheFirstViolation(t *testing.T) {
	run := recordtest.Frozen(t, "NoPhantomTask-nobody-bad")
	i := slices.IndexFunc(invalid(judge(run)), func(p checker.Property) bool { return p.Name == "NoPhantomTask" })
	p := invalid(judge(run))[i]
	other := run
	other.Events = slices.DeleteFunc(slices.Clone(run.Events), func(e record.Event) bool { return e.Kind == record.Submit && e.ID() == "a" })
	other.Evidence = run.Evidence
	s := &search{ctx: t.Context(), whole: p, judge: judge}
	if !s.same(run) {
		t.Error("the whole is not the same as itself")
	}
	if s.same(other) {
		t.Errorf("this is another violation: %v", invalid(judge(other)))
	}
}

func TestHistory_WithoutTimeStaysWhole(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	run := recordtest.Frozen(t, "AtomicTransitions-bad")
	p := invalid(judge(run))[0]
	s := History(ctx, indexed(run), p, judge)
	if s.Minimal || s.Left != s.Of || s.Property.Reason != p.Reason || s.Judged != 0 {
		t.Errorf("%d of %d events, minimal %v, %d judged", s.Left.Events, s.Of.Events, s.Minimal, s.Judged)
	}
}

// TestHistory_KeepsThePolicy shrinks a run that violates its own policy, and no other.
func TestHistory_KeepsThePolicy(t *testing.T) {
	run := recordtest.Frozen(t, "accepted-policies")
	run.Policy = record.FirstPolicy()
	run.Policy.Retention = time.Hour
	whole := invalid(judge(run))
	if len(whole) != 1 {
		t.Fatalf("violated is %v", whole)
	}
	s := History(t.Context(), indexed(run), whole[0], judge)
	if left := invalid(judge(s.Run)); len(left) != 1 || s.Left.Events >= s.Of.Events || s.Run.Policy != run.Policy {
		t.Errorf("%d of %d events, %v", s.Left.Events, s.Of.Events, left)
	}
}
