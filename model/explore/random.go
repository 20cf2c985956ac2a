package explore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Random goes through schedules that are drawn from a seed, until a finding or a
// limit ends it. Every step is drawn evenly from all that are possible; a fault is
// as likely as any other step.
func Random(ctx context.Context, w *World, seed uint64, limits Limits, onProgress func(Progress)) (*Walks, error) {
	return walk(ctx, w, seed, 0, limits, onProgress)
}

// PCT goes through schedules that are drawn from a seed by probabilistic concurrency testing
// (Burckhardt et al., ASPLOS 2010): each process has a random priority, and the process with
// the highest priority always runs. At depth-1 random moments the running process gets the
// lowest priority. A bug that needs that many ordered moments is found with a known
// probability. The faults are a process of their own.
func PCT(ctx context.Context, w *World, seed uint64, depth int, limits Limits, onProgress func(Progress)) (*Walks, error) {
	if depth < 1 {
		return nil, fmt.Errorf("explore: PCT with depth %d: use at least 1; 3 to 5 find most bugs", depth)
	}
	return walk(ctx, w, seed, depth, limits, onProgress)
}

// longest bounds one random schedule.
const longest = 1000

func walk(ctx context.Context, w *World, seed uint64, depth int, limits Limits, onProgress func(Progress)) (r *Walks, err error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	err = guarded(func() { r = draw(ctx, w, seed, depth, limits, onProgress) })
	return r, err
}

func draw(ctx context.Context, w *World, seed uint64, depth int, limits Limits, onProgress func(Progress)) *Walks {
	x := newSpace(w, true)
	began, last := time.Now(), time.Now()
	r := &Walks{}
	typical := 100 // steps of a schedule, for the moments of PCT
	for number := uint64(0); r.Found == nil && r.Limit == ""; number++ {
		rng := rand.New(rand.NewPCG(seed, number))
		var drawn drawer = evenly{rng}
		if depth > 0 {
			drawn = newPriorities(rng, len(w.Processes)+1, depth, typical)
		}
		schedule, found := x.walk(drawn, nil)
		typical = max(typical, len(schedule))
		r.Schedules++
		r.Steps += int64(len(schedule))
		r.Deepest = max(r.Deepest, len(schedule))
		r.Found = found
		r.Limit = limits.reached(ctx, began, r.Steps, "steps")
		if onProgress != nil && time.Since(last) > 250*time.Millisecond {
			last = time.Now()
			onProgress(Progress{States: r.Steps, Transitions: r.Steps, Depth: r.Deepest, Elapsed: time.Since(began)})
		}
	}
	if r.Found != nil {
		r.Found = x.shrink(r.Found)
	}
	r.Elapsed, r.Seen = time.Since(began), x.judged.happened()
	return r
}

// drawer picks one of several choices.
type drawer interface {
	draw(step int, choices []Choice) Choice
}

// walk follows a drawer until nothing can happen any more or something is wrong.
func (x *space) walk(d drawer, buffer []Choice) (Schedule, *Finding) {
	s := x.initial()
	var schedule Schedule
	for step := range longest {
		buffer = x.choices(s, buffer[:0])
		if len(buffer) == 0 {
			break
		}
		c := d.draw(step, buffer)
		schedule = append(schedule, c)
		if found := x.try(s, c); found != nil {
			return schedule, found.after(schedule)
		}
	}
	return schedule, x.stuck(s).after(schedule)
}

type evenly struct{ rng *rand.Rand }

func (e evenly) draw(_ int, choices []Choice) Choice { return choices[e.rng.IntN(len(choices))] }

// priorities is the drawer of PCT; the last process is the faults.
type priorities struct {
	rng   *rand.Rand
	of    []int
	falls map[int]int // at which step to which priority
}

func newPriorities(rng *rand.Rand, processes, depth, typical int) *priorities {
	p := &priorities{rng: rng, of: rng.Perm(processes), falls: map[int]int{}}
	for i := range p.of {
		p.of[i] += depth
	}
	for i := range depth - 1 {
		p.falls[rng.IntN(typical)] = i
	}
	return p
}

func (p *priorities) process(c Choice) int {
	if c.fault() {
		return len(p.of) - 1
	}
	return c.process()
}

func (p *priorities) draw(step int, choices []Choice) Choice {
	highest := func() int {
		best := slices.MaxFunc(choices, func(a, b Choice) int { return p.of[p.process(a)] - p.of[p.process(b)] })
		return p.process(best)
	}
	if to, falls := p.falls[step]; falls {
		p.of[highest()] = to
	}
	first := highest()
	own := slices.DeleteFunc(slices.Clone(choices), func(c Choice) bool { return p.process(c) != first })
	return own[p.rng.IntN(len(own))]
}
