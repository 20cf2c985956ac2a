package explore

import (
	"context"
	"encoding/binary"
)

// Coverage compares a search with reductions with one without. It is for tests of worlds.
type Coverage struct {
	Full, Reduced *Result
	// States that a judge can tell apart, and to which only one of the searches comes: with
	// sound reductions there is none, whatever the properties are. Neither is counted where
	// something is violated, because a search ends there.
	Lost, Made int
}

// Cover searches a world with reductions and without.
func Cover(ctx context.Context, w *World, by Reductions, limits Limits) (*Coverage, error) {
	c := &Coverage{}
	limits.Reduce = by.of(w)
	var err error
	if c.Reduced, err = search(ctx, w, limits, nil, true); err != nil {
		return nil, err
	}
	x := newSpace(w, true) // of both, so that equal numbers stand for equal things
	reduced := newBFS(x, limits)
	limits.Reduce = Reductions{}
	full := newBFS(x, limits)
	err = guarded(func() {
		reduced.run(ctx, nil)
		c.Full = full.run(ctx, nil)
	})
	if err == nil {
		err = full.broken
	}
	if err != nil || !c.Full.Complete || c.Full.Found != nil || c.Reduced.Found != nil {
		return c, err
	}
	with, without := reduced.visible(), full.visible()
	for key := range without {
		if !with[key] {
			c.Lost++
		}
	}
	for key := range with {
		if !without[key] {
			c.Made++
		}
	}
	return c, nil
}

// visible are the states that have been visited, as far as a judge can tell them apart.
func (b *bfs) visible() map[string]bool {
	seen := map[string]bool{}
	s := make(state, b.visited.width)
	var key []byte
	for id := range b.visited.all() {
		b.visited.get(id, s)
		key = key[:0]
		for _, word := range s[:atProcs] {
			key = binary.LittleEndian.AppendUint32(key, word)
		}
		for _, p := range s[atProcs:] {
			key = binary.LittleEndian.AppendUint32(key, b.space.procs.get(p).view)
		}
		if !seen[string(key)] {
			seen[string(key)] = true
		}
	}
	return seen
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
	for id := range b.visited.all() {
		b.visited.get(id, s)
		seen[x.merged(s)] = true
	}
	return int(first.States), len(seen)
}
