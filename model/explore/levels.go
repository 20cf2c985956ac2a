package explore

import (
	"slices"
	"sync"
	"sync/atomic"
)

// band is a set of states that were found between two moments: those at some places of every
// part. They were found at about the same time, so they have much in common, also their
// successors, and what they need is still in the cache of the processor.
type band struct {
	last, now *[shards]uint32 // how many states each part had at the two moments
	from, to  uint32          // the places
}

// bandWidth is how many states of each part a thread takes at a time.
const bandWidth = 4

// bands are all states that were found between two moments.
func bands(last, now *[shards]uint32) []band {
	if *last == *now {
		return nil
	}
	var all []band
	for from := slices.Min(last[:]) + 1; from <= slices.Max(now[:]); from += bandWidth {
		all = append(all, band{last, now, from, from + bandWidth})
	}
	return all
}

func (b band) ids(yield func(stateID) bool) {
	for place := b.from; place < b.to; place++ {
		for part, last := range b.last {
			if place > last && place <= b.now[part] && !yield(stateID(place<<partBits|uint32(part))) {
				return
			}
		}
	}
}

// frontier are the states that are not part of a level yet. They become one.
func (b *bfs) frontier() []band {
	now := b.visited.states.counts()
	b.levels = append(b.levels, &now)
	return b.of(len(b.levels) - 1)
}

// of are the states of a level.
func (b *bfs) of(depth int) []band {
	last := &[shards]uint32{}
	if depth > 0 {
		last = b.levels[depth-1]
	}
	return bands(last, b.levels[depth])
}

// share gives each element of a list to one of the threads. A thread gets the elements that
// follow it, too, and ends when there is none.
func share[E any](threads int, all []E, thread func(next func() []E)) {
	var taken atomic.Int64
	var work sync.WaitGroup
	for range threads {
		work.Go(func() {
			thread(func() []E { return all[min(int(taken.Add(1))-1, len(all)):] })
		})
	}
	work.Wait()
}
