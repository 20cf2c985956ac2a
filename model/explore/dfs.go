package explore

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Walks is the result of an engine that runs whole schedules.
type Walks struct {
	Schedules int64 // that were gone through to their end
	Pruned    int64 // that were left because another one covers them
	Steps     int64
	Deepest   int
	Ends      map[string]bool // of DFS: the states in which nothing can happen any more
	Complete  bool
	Limit     string
	Found     *Finding
	Seen      []string
	Elapsed   time.Duration
}

// DFS goes through all schedules, one after the other, and remembers no state; it
// takes no two states of a process for one either, whatever zkapi.Checkpoint says. So it
// is slow, shares little with BFS, and is there to be compared with it on small
// worlds.
//
// Of schedules that differ only in the order of independent steps it takes one:
// sleep sets (Godefroid, 1996). Two steps of different processes are independent
// in a state if both orders are possible there and lead to the same state; that
// is tried out, not assumed.
func DFS(ctx context.Context, w *World, limits Limits) (*Walks, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	limits.States = 0 // none is kept
	d := &dfs{space: newSpace(w, false), ctx: ctx, limits: limits, began: time.Now(), walks: &Walks{Ends: map[string]bool{}}}
	if err := guarded(func() { d.visit(d.initial(), nil, nil) }); err != nil {
		return nil, err
	}
	d.walks.Complete = d.walks.Limit == "" && d.walks.Found == nil
	d.walks.Elapsed, d.walks.Seen = time.Since(d.began), d.judged.happened()
	return d.walks, nil
}

type dfs struct {
	*space
	ctx    context.Context
	limits Limits
	began  time.Time
	walks  *Walks
}

// over reports whether the search has to end.
func (d *dfs) over() bool {
	if d.walks.Limit == "" && d.walks.Steps%1024 == 0 {
		d.walks.Limit = d.limits.reached(d.ctx, d.began, d.walks.Steps, "steps")
	}
	return d.walks.Found != nil || d.walks.Limit != ""
}

// visit goes on from a state in every way that sleeping choices do not cover.
func (d *dfs) visit(s state, path Schedule, sleeping []Choice) {
	d.walks.Steps++
	d.walks.Deepest = max(d.walks.Deepest, len(path))
	if o := d.verdictOn(s); o.wrong != 0 {
		d.walks.Found = &Finding{d.judged.why(o.wrong), slices.Clone(path)}
	}
	if d.over() {
		return
	}
	choices := d.choices(s, nil)
	if len(choices) == 0 {
		d.walks.Schedules++
		d.walks.Ends[d.merged(s)] = true
		return
	}
	went := false
	for _, c := range choices {
		if slices.Contains(sleeping, c) || d.over() {
			continue
		}
		went = true
		next := slices.Clone(s)
		if wrong := d.advance(next, c); wrong != 0 {
			d.walks.Found = &Finding{d.judged.why(wrong), append(slices.Clone(path), c)}
			return
		}
		var still []Choice
		for _, z := range sleeping {
			if d.independent(s, z, c) {
				still = append(still, z)
			}
		}
		d.visit(next, append(path, c), still)
		sleeping = append(slices.Clone(sleeping), c)
	}
	if !went {
		d.walks.Pruned++
	}
}

// independent tries both orders of two choices.
func (d *dfs) independent(s state, a, b Choice) bool {
	if a.process() == b.process() {
		return false
	}
	ab, ba := slices.Clone(s), slices.Clone(s)
	d.advance(ab, a)
	d.advance(ba, b)
	if !slices.Contains(d.choices(ab, nil), b) || !slices.Contains(d.choices(ba, nil), a) {
		return false
	}
	d.advance(ab, b)
	d.advance(ba, a)
	return slices.Equal(ab, ba)
}

// merged is a state in terms that do not depend on the table of its processes: two
// engines that reach the same state reach the same text.
func (x *space) merged(s state) string {
	text := string(x.trees.get(s[atTree]).Encode(nil)) + string(x.acts.get(s[atActs]).encode()) + fmt.Sprint(s[atBudget])
	for p, id := range s[atProcs:] {
		text += string(x.links.get(x.procs.get(id).link).encode())
		if at := x.at(s, p); at != nil {
			text += x.locals.merged.get(at.merged)
		}
	}
	return text
}
