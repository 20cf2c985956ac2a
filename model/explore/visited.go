package explore

import (
	"slices"
	"sync"
)

// visited holds every state that has been reached, whole, and how it was reached
// first. No two states are ever taken for one.
type visited struct {
	width int
	parts [shards]visitedPart
}

type visitedPart struct {
	mu      sync.Mutex
	table   []uint64 // open addressing: half of the hash, and the number of the state in this part, from 1
	words   []uint32 // the states, one after the other
	parents []stateID
	choices []Choice
}

// stateID is the number of a visited state: its number in its part, and the part.
type stateID uint32

const partBits = 6

func newVisited(width int) *visited {
	v := &visited{width: width}
	for i := range v.parts {
		v.parts[i].table = make([]uint64, 1<<10)
	}
	return v
}

func hashState(s state) uint64 {
	h := uint64(len(s))
	for _, word := range s {
		h = mix(h, uint64(word))
	}
	return h
}

// add remembers a state, and says whether it is new.
func (v *visited) add(s state, parent stateID, c Choice) (stateID, bool) {
	h := hashState(s)
	at := h % shards
	p := &v.parts[at]
	p.mu.Lock()
	defer p.mu.Unlock()
	if 2*len(p.parents) >= len(p.table) {
		p.grow()
	}
	mask := uint64(len(p.table) - 1)
	for slot := h >> 32 & mask; ; slot = (slot + 1) & mask {
		entry := p.table[slot]
		if entry == 0 {
			p.table[slot] = h&^tagMask | uint64(len(p.parents)+1)
			p.words = append(p.words, s...)
			p.parents = append(p.parents, parent)
			p.choices = append(p.choices, c)
			return stateID(uint32(len(p.parents)-1)<<partBits | uint32(at)), true
		}
		if entry&^tagMask != h&^tagMask {
			continue
		}
		if n := int(entry & tagMask); slices.Equal(p.words[(n-1)*v.width:n*v.width], s) {
			return stateID(uint32(n-1)<<partBits | uint32(at)), false
		}
	}
}

// tagMask leaves the half of a table's entry that is the number.
const tagMask = 1<<32 - 1

func (p *visitedPart) grow() {
	old := p.table
	p.table = make([]uint64, 2*len(old))
	mask := uint64(len(p.table) - 1)
	for _, entry := range old {
		if entry == 0 {
			continue
		}
		slot := entry >> 32 & mask
		for p.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		p.table[slot] = entry
	}
}

// get copies a state into s.
func (v *visited) get(id stateID, s state) {
	p := &v.parts[id%shards]
	n := int(id >> partBits)
	p.mu.Lock()
	defer p.mu.Unlock()
	copy(s, p.words[n*v.width:(n+1)*v.width])
}

// path is how a state was reached first.
func (v *visited) path(id stateID) Schedule {
	var schedule Schedule
	for {
		p := &v.parts[id%shards]
		n := id >> partBits
		p.mu.Lock()
		parent, c := p.parents[n], p.choices[n]
		p.mu.Unlock()
		if c == 0 {
			slices.Reverse(schedule)
			return schedule
		}
		schedule = append(schedule, c)
		id = parent
	}
}

// len is the number of states, and bytes is their size.
func (v *visited) len() int {
	n := 0
	for i := range v.parts {
		p := &v.parts[i]
		p.mu.Lock()
		n += len(p.parents)
		p.mu.Unlock()
	}
	return n
}

func (v *visited) bytes() int {
	n := 0
	for i := range v.parts {
		p := &v.parts[i]
		p.mu.Lock()
		n += 4 * (2*cap(p.table) + cap(p.words) + cap(p.parents) + cap(p.choices))
		p.mu.Unlock()
	}
	return n
}

// Schedule is a path through the world: one choice after the other.
type Schedule []Choice
