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
	Threads int // that explore at the same time; default 2
}

// Progress is how far an exploration has got.
type Progress struct {
	States, Transitions int64
	Depth               int
	Frontier            int // states of this depth that wait
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
	Steps    int // inputs that were given to real code
	Bytes    int // of memory for the states
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
func BFS(ctx context.Context, w *World, limits Limits, onProgress func(Progress)) (*Result, error) {
	return search(ctx, w, limits, onProgress, true)
}

// bfs is one breadth-first search.
type bfs struct {
	space   *space
	visited *visited
	limits  Limits
	began   time.Time
	moves   atomic.Int64
	graph   *graph

	mu     sync.Mutex
	found  *Finding
	broken error // the defect that has ended the search
}

func search(ctx context.Context, w *World, limits Limits, onProgress func(Progress), merge bool) (*Result, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	if limits.Threads == 0 {
		limits.Threads = 2
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
	return &bfs{space: x, visited: newVisited(len(x.initial())), limits: limits, began: time.Now(), graph: &graph{}}
}

func (b *bfs) run(ctx context.Context, onProgress func(Progress)) *Result {
	r := &Result{}
	first, _ := b.visited.add(b.space.initial(), 0, 0)
	frontier := []stateID{first}
	b.judge(b.space.initial(), first)
	for len(frontier) > 0 && b.found == nil && r.Limit == "" {
		frontier, r.Limit = b.level(ctx, frontier, r.Depth, onProgress)
		r.Depth++
	}
	r.Complete = r.Limit == "" && b.found == nil
	if r.Complete {
		b.found = b.graph.unreachable(b)
	}
	r.Depth--
	r.Found = b.found
	r.Progress = b.progress(r.Depth, len(frontier))
	r.Seen = b.space.judged.happened()
	r.Locals, r.Trees, r.Bytes = b.space.locals.table.len(), b.space.trees.len(), b.visited.bytes()
	for _, bench := range b.space.locals.machines {
		r.Steps += bench.steps
	}
	return r
}

func (b *bfs) progress(depth, frontier int) Progress {
	return Progress{
		States: int64(b.visited.len()), Transitions: b.moves.Load(), Depth: depth, Frontier: frontier, Elapsed: time.Since(b.began),
	}
}

// chunk is how many states a thread takes at a time.
const chunk = 256

// level visits the successors of all states of one depth.
func (b *bfs) level(ctx context.Context, frontier []stateID, depth int, onProgress func(Progress)) (next []stateID, limit string) {
	var taken atomic.Int64
	var work sync.WaitGroup
	var mu sync.Mutex
	last := time.Now()
	for range b.limits.Threads {
		work.Go(func() {
			e := &expander{bfs: b, now: make(state, b.visited.width), then: make(state, b.visited.width)}
			for {
				from := int(taken.Add(chunk)) - chunk
				if from >= len(frontier) {
					break
				}
				err := guarded(func() {
					for _, id := range frontier[from:min(from+chunk, len(frontier))] {
						e.expand(id)
					}
				})
				b.moves.Add(e.made)
				e.made = 0
				mu.Lock()
				if err != nil {
					b.broken, limit = err, err.Error()
				}
				if limit == "" {
					limit = b.limits.reached(ctx, b.began, int64(b.visited.len()), "states")
				}
				over := limit != ""
				if onProgress != nil && time.Since(last) > 250*time.Millisecond {
					last = time.Now()
					onProgress(b.progress(depth, len(frontier)-from))
				}
				mu.Unlock()
				if over {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			next = append(next, e.next...)
			b.graph.add(e.edges)
		})
	}
	work.Wait()
	slices.Sort(next)
	return next, limit
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
	next      []stateID
	edges     []uint32
	made      int64 // transitions that are not counted yet
}

// expand visits the successors of one state.
func (e *expander) expand(id stateID) {
	e.visited.get(id, e.now)
	e.choices = e.space.choices(e.now, e.choices[:0])
	e.made += int64(len(e.choices))
	head := len(e.edges)
	e.edges = append(e.edges, uint32(id), 0)
	for _, c := range e.choices {
		copy(e.then, e.now)
		wrong := e.space.advance(e.then, c)
		to, isNew := e.visited.add(e.then, id, c)
		if wrong != 0 {
			e.report(e.space.judged.why(wrong), append(e.visited.path(id), c))
		}
		if !c.fault() {
			e.edges = append(e.edges, uint32(to))
			e.edges[head+1]++
		}
		if isNew {
			e.next = append(e.next, to)
			e.judge(e.then, to)
		}
	}
}

// judge looks at a new state.
func (b *bfs) judge(s state, id stateID) {
	o := b.space.verdictOn(s)
	if o.wrong != 0 {
		b.report(b.space.judged.why(o.wrong), b.visited.path(id))
	}
	if o.goal {
		b.graph.goal(id)
	}
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

// graph has the transitions without a fault, from state to state.
type graph struct {
	mu    sync.Mutex
	edges [][]uint32 // state, number of successors, successors
	goals []stateID
}

func (g *graph) add(edges []uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.edges = append(g.edges, edges)
}

func (g *graph) goal(id stateID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.goals = append(g.goals, id)
}

// unreachable finds a state, as near to the beginning as any, from which the goal cannot be
// reached even without faults.
func (g *graph) unreachable(b *bfs) *Finding {
	base := make([]uint32, shards+1)
	for i := range b.visited.parts {
		base[i+1] = base[i] + uint32(len(b.visited.parts[i].parents))
	}
	dense := func(id uint32) uint32 { return base[id%shards] + id>>partBits }
	total := base[shards]
	incoming := make([]uint32, total+1)
	g.each(func(_, to uint32) { incoming[dense(to)]++ })
	at := uint32(0)
	for i := range incoming {
		incoming[i], at = at, at+incoming[i]
	}
	sources := make([]uint32, at)
	fill := slices.Clone(incoming)
	g.each(func(from, to uint32) {
		sources[fill[dense(to)]] = from
		fill[dense(to)]++
	})
	reaches := make([]bool, total)
	var queue []uint32
	for _, id := range g.goals {
		reaches[dense(uint32(id))] = true
		queue = append(queue, uint32(id))
	}
	for len(queue) > 0 {
		to := dense(queue[len(queue)-1])
		queue = queue[:len(queue)-1]
		for _, from := range sources[incoming[to]:incoming[to+1]] {
			if !reaches[dense(from)] {
				reaches[dense(from)] = true
				queue = append(queue, from)
			}
		}
	}
	return g.nearest(b, func(id uint32) bool { return !reaches[dense(id)] })
}

func (g *graph) each(visit func(from, to uint32)) {
	for _, edges := range g.edges {
		for i := 0; i < len(edges); {
			from, n := edges[i], int(edges[i+1])
			for _, to := range edges[i+2 : i+2+n] {
				visit(from, to)
			}
			i += 2 + n
		}
	}
}

// nearest is the first state in the order of the search that is stuck.
func (g *graph) nearest(b *bfs, stuck func(uint32) bool) *Finding {
	var best Schedule
	found := false
	for _, edges := range g.edges {
		for i := 0; i < len(edges); i += 2 + int(edges[i+1]) {
			if !stuck(edges[i]) {
				continue
			}
			if path := b.visited.path(stateID(edges[i])); !found || len(path) < len(best) {
				best, found = path, true
			}
			break // later states of one piece are not nearer
		}
	}
	if !found {
		return nil
	}
	return &Finding{[]Violation{{"GoalStaysReachable", "the goal cannot be reached from this state, even without another fault"}}, best}
}

// Project explores a world with and without taking histories with one snapshot for
// one state, and returns the number of states of both, counted alike: different
// numbers mean that a snapshot hides something that matters. It is for tests of worlds.
func Project(ctx context.Context, w *World) (merged, all int) {
	first, _ := search(ctx, w, Limits{}, nil, true)
	x := newSpace(w, false)
	b := newBFS(x, Limits{Threads: 2})
	b.run(ctx, nil)
	seen := map[string]bool{}
	s := make(state, b.visited.width)
	for p := range b.visited.parts {
		for n := range b.visited.parts[p].parents {
			b.visited.get(stateID(n<<partBits|p), s)
			seen[x.merged(s)] = true
		}
	}
	return int(first.States), len(seen)
}
