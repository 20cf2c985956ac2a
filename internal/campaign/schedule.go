package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ddmin"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// Plan has the parts of a run that can be made smaller.
type Plan struct {
	Faults []nemesis.Fault
	Load   time.Duration
}

func (p Plan) equals(other Plan) bool {
	return p.Load == other.Load && slices.Equal(p.Faults, other.Faults)
}

// Trial carries a plan out once and reports whether the property in question was
// violated. An error means that it could not be carried out, or that ctx has ended.
type Trial func(ctx context.Context, p Plan) (violated bool, err error)

// Rate is how often a plan was violated: K of N runs.
type Rate struct{ K, N int }

func (r Rate) String() string { return fmt.Sprintf("%d of %d", r.K, r.N) }

// Step is one attempt to make the plan smaller.
type Step struct {
	What string // in words
	Plan Plan
	Rate Rate // of this plan, so far
	Kept bool // it is violated, and smaller than the best plan before
}

// Shortened is the smallest plan that is known to violate the property.
type Shortened struct {
	Plan Plan
	// Rate is the rate of the plan, measured in separate runs at the end. If time was up
	// before, it is measured in the runs that found the plan, which end with the first
	// violation.
	Rate  Rate
	Whole Rate // of the plan that was given
	Ran   int  // runs altogether
	// Minimal says that no single fault can be removed without ending the violation, as
	// far as so many runs show it; otherwise the time was up.
	Minimal bool
}

// Bounds of how small a plan can get.
const (
	leastDuration = 50 * time.Millisecond
	leastLoad     = time.Second
	lead          = time.Second     // of a load before its first fault
	tail          = 2 * time.Second // of a load after the violation
)

// Schedule looks for the smallest plan that still violates the property. It first runs
// the whole plan, to measure how often it does. Then it ends the load soon after the
// moment of the violation in the whole run (0 if not known), removes faults, moves the
// remaining ones to the beginning and shortens them. Each plan is run up to runs times,
// until it is violated once. Finally the smallest plan is run that often to measure its
// rate.
//
// Schedule stops at the end of ctx and returns the smallest plan so far. An error means
// that a run could not be carried out; the results before it are returned too.
func Schedule(ctx context.Context, whole Plan, moment time.Duration, runs int, trial Trial, tell func(Step)) (Shortened, error) {
	s := &shortening{ctx: ctx, runs: runs, trial: trial, tell: tell, best: Shortened{Plan: whole}}
	s.best.Whole = s.rate(whole)
	if s.best.Whole.N > 0 {
		s.tell(Step{What: "the whole schedule", Plan: whole, Rate: s.best.Whole, Kept: true})
	}
	s.best.Rate = s.best.Whole
	if s.best.Whole.K == 0 || s.over() {
		return s.best, s.err
	}
	if moment > 0 {
		s.try("a shorter load", until(s.best.Plan, moment+tail))
	}
	s.drop()
	s.forward()
	s.shorten()
	if s.over() {
		s.best.Minimal = false
		return s.best, s.err
	}
	if rate := s.rate(s.best.Plan); rate.N > 0 {
		s.best.Rate = rate
		s.tell(Step{What: "the smallest schedule", Plan: s.best.Plan, Rate: rate, Kept: true})
	}
	return s.best, s.err
}

// shortening is one search for a smaller plan.
type shortening struct {
	ctx    context.Context
	runs   int
	trial  Trial
	tell   func(Step)
	best   Shortened
	failed []Plan // plans that were tried and not violated
	err    error
}

func (s *shortening) over() bool { return s.err != nil || s.ctx.Err() != nil }

// once carries a plan out; a run cut short by the end of ctx does not count.
func (s *shortening) once(p Plan) (violated, ok bool) {
	if s.over() {
		return false, false
	}
	violated, err := s.trial(s.ctx, p)
	if s.ctx.Err() != nil && err != nil {
		return false, false
	}
	s.best.Ran++
	s.err = err
	return violated, err == nil
}

// rate carries a plan out so many times.
func (s *shortening) rate(p Plan) (r Rate) {
	for range s.runs {
		violated, ok := s.once(p)
		if !ok {
			break
		}
		r.N++
		if violated {
			r.K++
		}
	}
	return r
}

// try carries a plan out until it is violated, and keeps it if it is. No plan is tried
// twice.
func (s *shortening) try(what string, p Plan) bool {
	if s.over() || p.equals(s.best.Plan) || slices.ContainsFunc(s.failed, p.equals) {
		return false
	}
	var r Rate
	for r.N < s.runs && r.K == 0 {
		violated, ok := s.once(p)
		if !ok {
			return false
		}
		r.N++
		if violated {
			r.K++
		}
	}
	kept := r.K > 0
	if kept {
		s.best.Plan, s.best.Rate = p, r
	} else {
		s.failed = append(s.failed, p)
	}
	s.tell(Step{What: what, Plan: p, Rate: r, Kept: kept})
	return kept
}

// drop removes faults.
func (s *shortening) drop() {
	load := s.best.Plan.Load
	_, s.best.Minimal = ddmin.List(s.ctx, s.best.Plan.Faults, func(some []nemesis.Fault) bool {
		out := len(s.best.Plan.Faults) - len(some)
		return s.try(fmt.Sprintf("without %d of %d faults", out, len(s.best.Plan.Faults)), Plan{some, load})
	})
	s.best.Minimal = s.best.Minimal && s.err == nil
}

// forward moves the remaining faults to the beginning, and ends the load with them.
func (s *shortening) forward() {
	p := s.best.Plan
	if len(p.Faults) == 0 {
		for p.Load/2 >= leastLoad && s.try("half the load", Plan{p.Faults, p.Load / 2}) {
			p = s.best.Plan
		}
		return
	}
	first := slices.MinFunc(p.Faults, func(a, b nemesis.Fault) int { return int(a.Start - b.Start) }).Start
	if by := first - lead; by > 0 {
		moved := Plan{Load: p.Load - by, Faults: slices.Clone(p.Faults)}
		for i := range moved.Faults {
			moved.Faults[i].Start -= by
		}
		s.try("faults moved to the start", moved)
	}
	for p := s.best.Plan; p.Load/2 >= max(leastLoad, begun(p.Faults)) && s.try("half the load", Plan{p.Faults, p.Load / 2}); p = s.best.Plan {
	}
}

// begun is when the last fault begins.
func begun(faults []nemesis.Fault) (last time.Duration) {
	for _, f := range faults {
		last = max(last, f.Start)
	}
	return last
}

// shorten halves the duration of each fault, as often as possible.
func (s *shortening) shorten() {
	for i := range s.best.Plan.Faults {
		for half := s.best.Plan.Faults[i].Duration / 2; half >= leastDuration; half /= 2 {
			p := Plan{slices.Clone(s.best.Plan.Faults), s.best.Plan.Load}
			p.Faults[i].Duration = half.Round(time.Millisecond)
			if !s.try(fmt.Sprintf("%s for %v", p.Faults[i].Kind, p.Faults[i].Duration), p) {
				break
			}
		}
	}
}

// until is the plan with a load that ends at a moment, and the faults that begin
// before.
func until(p Plan, end time.Duration) Plan {
	end = end.Truncate(time.Second) + time.Second
	if end >= p.Load {
		return p
	}
	return Plan{Load: end, Faults: slices.DeleteFunc(slices.Clone(p.Faults), func(f nemesis.Fault) bool { return f.Start >= end })}
}
