package explore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound the effort of an exploration; zero means no bound.
type Limits struct {
	States  int
	Time    time.Duration
	Threads int        // that explore at the same time; default 2
	Reduce  Reductions // of BFS
}

// Progress is how far an exploration has got.
type Progress struct {
	States, Transitions int64
	Depth               int
	Frontier            int // about how many states of this depth wait
	Elapsed             time.Duration
}

// Result is the result of an exploration.
type Result struct {
	Progress
	Complete bool   // everything within the bounds has been visited
	Limit    string // why it has not
	Found    *Finding
	Seen     []string // the required events that have happened
	Locals   int      // distinct states of single processes
	Trees    int
	Steps    int        // inputs that were given to real code
	Bytes    int        // of memory for the states
	Reduced  Reductions // that were used
}

// Finding is something that must not be, and the shortest way there.
type Finding struct {
	Violations []Violation
	Schedule   Schedule
}

// after is the finding, if there is one, with the way there.
func (f *Finding) after(schedule Schedule) *Finding {
	if f == nil {
		return nil
	}
	return &Finding{f.Violations, schedule}
}

// BFS visits every state, the nearest first, so the first finding has the shortest schedule.
// If onProgress is set, it gets the progress.
//
// With reductions it visits fewer states. It then searches again without them for what it has
// found, within the same limits, so that the schedule is the shortest all the same. If that
// search ends at a limit, the schedule may be longer. A world with a Window or with Turns is
// searched without reductions.
func BFS(ctx context.Context, w *World, limits Limits, onProgress func(Progress)) (*Result, error) {
	limits.Reduce = limits.Reduce.of(w)
	reduced, err := search(ctx, w, limits, onProgress, true)
	if err != nil || reduced.Found == nil || limits.Reduce == (Reductions{}) {
		return reduced, err
	}
	limits.Reduce = Reductions{}
	full, err := search(ctx, w, limits, onProgress, true)
	switch {
	case err != nil || full.Found != nil:
		return full, err
	case full.Complete:
		return nil, defect("a reduction has made a violation: " + reduced.Found.Violations[0].Reason)
	}
	return reduced, nil
}

// bfs is one breadth-first search.
type bfs struct {
	space   *space
	visited *visited
	limits  Limits
	began   time.Time
	moves   atomic.Int64
	levels  []*[shards]uint32 // how many states each part had at the end of each depth

	mu     sync.Mutex
	found  *Finding
	broken error // the defect that has ended the search
}

func search(ctx context.Context, w *World, limits Limits, onProgress func(Progress), merge bool) (*Result, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	b := newBFS(newSpace(w, merge), limits)
	var r *Result
	if err := guarded(func() { r = b.run(ctx, onProgress) }); err != nil {
		return nil, err
	}
	return r, b.broken
}

// defect is the reason why an exploration is meaningless: a program is not deterministic, or
// does not wait, or declares too little of its state.
type defect string

func (d defect) Error() string { return "explore: " + string(d) }

func defective(format string, args ...any) { panic(defect(fmt.Sprintf(format, args...))) }

// guarded turns a defect into an error.
func guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d, ok := p.(defect)
			if !ok {
				panic(p)
			}
			err = d
		}
	}()
	f()
	return nil
}

func newBFS(x *space, limits Limits) *bfs {
	if limits.Threads == 0 {
		limits.Threads = 2
	}
	return &bfs{space: x, visited: newVisited(len(x.initial())), limits: limits, began: time.Now()}
}

func (b *bfs) run(ctx context.Context, onProgress func(Progress)) *Result {
	r := &Result{Reduced: b.limits.Reduce}
	initial, _ := b.first()
	first, _ := b.visited.add(initial, 0)
	b.judge(initial, first)
	frontier := b.frontier()
	for len(frontier) > 0 && b.found == nil && r.Limit == "" {
		r.Limit = b.level(ctx, frontier, onProgress)
		frontier = b.frontier()
	}
	r.Complete = r.Limit == "" && b.found == nil
	if r.Complete {
		b.found = b.unreachable()
	}
	r.Found = b.found
	r.Progress = b.progress(len(frontier))
	r.Depth--
	r.Seen = b.space.judged.happened()
	r.Locals, r.Trees, r.Bytes = b.space.locals.table.len(), b.space.trees.len(), b.visited.bytes()
	for _, bench := range b.space.locals.machines {
		r.Steps += bench.steps
	}
	return r
}

// first is the state in which the search begins, and how it is reached.
func (b *bfs) first() (state, Schedule) {
	s := b.space.initial()
	return s, b.space.reduce(s, b.limits.Reduce, true)
}

func (b *bfs) progress(waiting int) Progress {
	return Progress{
		States: int64(b.visited.len()), Transitions: b.moves.Load(), Depth: len(b.levels) - 1, Frontier: waiting * bandWidth * shards, Elapsed: time.Since(b.began),
	}
}

// level visits the successors of all states of one depth.
func (b *bfs) level(ctx context.Context, frontier []band, onProgress func(Progress)) (limit string) {
	var mu sync.Mutex
	last := time.Now()
	after := func(waiting int, err error) bool {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			b.broken, limit = err, err.Error()
		}
		if limit == "" {
			limit = b.limits.reached(ctx, b.began, int64(b.visited.len()), "states")
		}
		if onProgress != nil && time.Since(last) > 250*time.Millisecond {
			last = time.Now()
			onProgress(b.progress(waiting))
		}
		return limit == ""
	}
	share(b.limits.Threads, frontier, func(next func() []band) {
		e := &expander{bfs: b, now: make(state, b.visited.width), then: make(state, b.visited.width)}
		for rest := next(); len(rest) > 0; rest = next() {
			err := guarded(func() { rest[0].ids(e.expand) })
			b.moves.Add(e.made)
			e.made = 0
			if !after(len(rest)-1, err) {
				break
			}
		}
	})
	return limit
}

// reached says which limit has been reached, if any, after so many states or steps.
func (l Limits) reached(ctx context.Context, began time.Time, n int64, of string) string {
	switch {
	case ctx.Err() != nil:
		return "it was interrupted"
	case l.Time > 0 && time.Since(began) > l.Time:
		return fmt.Sprintf("the time of %v is over", l.Time)
	case l.States > 0 && n > int64(l.States):
		return fmt.Sprintf("the limit of %d %s is reached", l.States, of)
	}
	return ""
}

// expander is one thread of the search.
type expander struct {
	*bfs
	now, then state
	choices   []Choice
	made      int64 // transitions that are not counted yet
}

// expand visits the successors of one state.
func (e *expander) expand(id stateID) bool {
	e.visited.get(id, e.now)
	e.choices = e.space.choices(e.now, e.choices[:0])
	e.made += int64(len(e.choices))
	way := e.visited.way(id)
	for _, c := range e.choices {
		copy(e.then, e.now)
		wrong := e.space.advance(e.then, c)
		e.space.reduce(e.then, e.limits.Reduce, false)
		to, isNew := e.visited.add(e.then, id)
		if wrong != 0 {
			e.report(e.space.judged.why(wrong), append(e.path(id), c))
		}
		if isNew {
			e.judge(e.then, to)
		}
		if *way != atGoal && !c.fault() && e.deeper(to) {
			*way = uint32(to)
		}
	}
	return true
}

// deeper reports whether a state was first reached from the level that is expanded now.
func (b *bfs) deeper(id stateID) bool {
	return uint32(id>>partBits) > b.levels[len(b.levels)-1][id%shards]
}

// judge looks at a new state.
func (b *bfs) judge(s state, id stateID) {
	o := b.space.verdictOn(s)
	if o.wrong != 0 {
		b.report(b.space.judged.why(o.wrong), b.path(id))
	}
	if o.goal {
		*b.visited.way(id) = atGoal
	}
}

// path is how a state was reached first.
func (b *bfs) path(id stateID) Schedule {
	now, schedule := b.first()
	then, want := slices.Clone(now), slices.Clone(now)
	for _, next := range b.visited.ancestors(id)[1:] {
		b.visited.get(next, want)
		for _, c := range b.space.choices(now, nil) {
			copy(then, now)
			b.space.advance(then, c)
			more := b.space.reduce(then, b.limits.Reduce, true)
			if slices.Equal(then, want) {
				schedule = append(append(schedule, c), more...)
				break
			}
		}
		copy(now, want)
	}
	return schedule
}

// report keeps the finding with the shortest schedule, the first in order among
// equals.
func (b *bfs) report(violations []Violation, schedule Schedule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.found == nil || len(schedule) < len(b.found.Schedule) ||
		len(schedule) == len(b.found.Schedule) && slices.Compare(schedule, b.found.Schedule) < 0 {
		b.found = &Finding{violations, schedule}
	}
}
