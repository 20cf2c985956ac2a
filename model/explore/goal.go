package explore

import (
	"slices"
	"sync"
)

// The search keeps one transition of each state instead of all: one without a fault to a
// state that was reached later, so that no circle is followed. Where these ways end short of
// the goal, all transitions are found again, in [bfs.unreachable].

// pieceMost is how many states of a list a thread takes at a time.
const pieceMost = 256

// What the word at a state says of its way to the goal. Other numbers are the next state on
// the way, or in unreachable the place in its list.
const (
	noWay  uint32 = iota
	atGoal        // it reaches the goal
)

// unreachable finds a state, as near to the beginning as any, from which the goal cannot be
// reached even without faults.
func (b *bfs) unreachable() *Finding {
	open := b.helped(b.follow())
	if len(open) == 0 {
		return nil
	}
	for n, id := range open {
		*b.visited.way(id) = leastID + uint32(n)
	}
	edges, reaching := b.again(open, func(id stateID) uint32 { return *b.visited.way(id) - leastID })
	incoming := make([]uint32, len(open)+1)
	for i := 1; i < len(edges); i += 2 {
		incoming[edges[i]]++
	}
	at := uint32(0)
	for i := range incoming {
		incoming[i], at = at, at+incoming[i]
	}
	sources := make([]uint32, at)
	fill := slices.Clone(incoming)
	for i := 0; i < len(edges); i += 2 {
		sources[fill[edges[i+1]]] = edges[i]
		fill[edges[i+1]]++
	}
	reaches := make([]bool, len(open))
	for _, n := range reaching {
		reaches[n] = true
	}
	for len(reaching) > 0 {
		to := reaching[len(reaching)-1]
		reaching = reaching[:len(reaching)-1]
		for _, from := range sources[incoming[to]:incoming[to+1]] {
			if !reaches[from] {
				reaches[from] = true
				reaching = append(reaching, from)
			}
		}
	}
	// The list begins with the states that were reached last.
	for n, id := range slices.Backward(open) {
		if !reaches[n] {
			return &Finding{[]Violation{{"GoalStaysReachable", "the goal cannot be reached from this state, even without another fault"}}, b.path(id)}
		}
	}
	return nil
}

// follow marks the states whose ways reach the goal. It returns the others, those that were
// reached last first.
func (b *bfs) follow() []stateID {
	var open []stateID
	for depth := len(b.levels) - 1; depth >= 0; depth-- {
		var mu sync.Mutex
		share(b.limits.Threads, b.of(depth), func(next func() []band) {
			var rest []stateID
			for bands := next(); len(bands) > 0; bands = next() {
				for id := range bands[0].ids {
					if !b.arrives(id) {
						rest = append(rest, id)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, rest...)
		})
	}
	return open
}

// arrives marks a state whose way leads to one that reaches the goal, and reports whether it
// reaches the goal.
func (b *bfs) arrives(id stateID) bool {
	way := b.visited.way(id)
	if *way >= leastID && *b.visited.way(stateID(*way)) == atGoal {
		*way = atGoal
	}
	return *way == atGoal
}

// helped looks at all transitions of the states at which ways end. Where one leads to a state
// that reaches the goal, the whole way to it does. It returns the states that are left.
func (b *bfs) helped(open []stateID) []stateID {
	for {
		var ends []stateID
		for _, id := range open {
			if *b.visited.way(id) == noWay {
				ends = append(ends, id)
			}
		}
		_, reaching := b.again(ends, func(stateID) uint32 { return 0 })
		if len(reaching) == 0 {
			return open
		}
		for _, n := range reaching {
			*b.visited.way(ends[n]) = atGoal
		}
		open = slices.DeleteFunc(open, b.arrives)
	}
}

// again finds all transitions without a fault of the states of a list: those between two of
// its states, as pairs of places, and the places of states from which one leads to a state
// that reaches the goal. place is the place of a state.
func (b *bfs) again(open []stateID, place func(stateID) uint32) (edges, reaching []uint32) {
	var pieces []int // where pieces of the list begin
	for from := 0; from < len(open); from += pieceMost {
		pieces = append(pieces, from)
	}
	var mu sync.Mutex
	share(b.limits.Threads, pieces, func(next func() []int) {
		now, then := make(state, b.visited.width), make(state, b.visited.width)
		var links, ends []uint32
		for rest := next(); len(rest) > 0; rest = next() {
			for n := uint32(rest[0]); int(n) < min(rest[0]+pieceMost, len(open)); n++ {
				b.visited.get(open[n], now)
				reaches, head := false, len(links)
				for _, c := range b.space.choices(now, nil) {
					if c.fault() {
						continue
					}
					copy(then, now)
					b.space.advance(then, c)
					b.space.reduce(then, b.limits.Reduce, false)
					to, _ := b.visited.add(then, 0)
					if reaches = *b.visited.way(to) == atGoal; reaches {
						break
					}
					links = append(links, n, place(to))
				}
				if reaches {
					links, ends = links[:head], append(ends, n)
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		edges, reaching = append(edges, links...), append(reaching, ends...)
	})
	return edges, reaching
}
