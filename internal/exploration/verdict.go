package exploration

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// judge makes a verdict like that of a run. An engine that draws schedules is never
// complete: its violations count, and its limit is its budget.
func (e *Exploration) judge(x *Result) *checker.Report {
	r := &checker.Report{Verdict: checker.Valid, Seed: e.Seed, Counts: map[string]int{}}
	maps.Copy(r.Counts, x.counts)
	exhaustive := e.Engine == "bfs" || e.Engine == "dfs"
	for _, p := range e.Properties {
		one := checker.Property{Name: p.Name, Verdict: checker.Valid, Reason: p.Says}
		if e.Replay == "" && exhaustive && !x.complete {
			one.Verdict = checker.Unknown
		}
		if x.Found != nil {
			for _, v := range x.Found.Violations {
				if v.Property == p.Name {
					one.Verdict, one.Reason = checker.Invalid, v.Reason
				}
			}
		}
		r.Properties = append(r.Properties, one)
	}
	if x.Found != nil && !slices.ContainsFunc(r.Properties, func(p checker.Property) bool { return p.Verdict == checker.Invalid }) {
		v := x.Found.Violations[0]
		r.Properties = append(r.Properties, checker.Property{Name: v.Property, Verdict: checker.Invalid, Reason: v.Reason})
	}
	for _, p := range r.Properties {
		r.Verdict = checker.Worst(r.Verdict, p.Verdict)
	}
	if x.Found != nil {
		r.Counts["counterexample"] = len(x.Found.Schedule)
	}
	if x.complete && e.Conditions.Without == "" {
		for _, name := range e.World.Expected {
			if !slices.Contains(x.seen, name) {
				r.Vacuous = append(r.Vacuous, "never happened: "+name)
				r.Verdict = checker.Worst(r.Verdict, checker.Vacuous)
			}
		}
	}
	return r
}

// sentence is the verdict in words, with what it rests on.
func (e *Exploration) sentence(x *Result) string {
	switch x.Verdict.Verdict {
	case checker.Invalid:
		v := x.Found.Violations[0]
		return fmt.Sprintf("INVALID: %s is violated after %d steps: %s. Covered: %s.", v.Property, len(x.Found.Schedule), v.Reason, x.covered)
	case checker.Unknown:
		return fmt.Sprintf("UNKNOWN: nothing is violated, but %s. Covered: %s.", x.limit, x.covered)
	case checker.Vacuous:
		return fmt.Sprintf("VACUOUS: nothing is violated, but an expected event never happened. Covered: %s.", x.covered)
	}
	if x.complete {
		return fmt.Sprintf("VALID: complete within %s: %s.", e.Summary(), x.covered)
	}
	return fmt.Sprintf("VALID so far, not complete: %s.", x.covered)
}
