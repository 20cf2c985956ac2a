package explore

import (
	"sync"
	"sync/atomic"
)

// Everything in a state is a small number that stands for a value: two states are
// equal if and only if their numbers are, and a transition is a few lookups. Reading
// takes no lock, so that two cores seldom wait for each other.

// shards is how many parts a table has.
const shards = 64

// interner gives the same number to values with the same encoding, from 1.
type interner[V any] struct {
	mu     sync.Mutex
	ids    map[string]uint32
	values atomic.Pointer[[]V] // only ever longer
}

func newInterner[V any]() *interner[V] {
	i := &interner[V]{ids: map[string]uint32{}}
	first := make([]V, 1)
	i.values.Store(&first)
	return i
}

// put returns the number of the value with that encoding; make is called if it is
// new, and must not use the interner.
func (i *interner[V]) put(encoding []byte, make func() V) uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	if id, ok := i.ids[string(encoding)]; ok {
		return id
	}
	values := *i.values.Load()
	id := uint32(len(values))
	i.ids[string(encoding)] = id
	values = append(values, make())
	i.values.Store(&values)
	return id
}

// get returns the value of a number.
func (i *interner[V]) get(id uint32) V { return (*i.values.Load())[id] }

func (i *interner[V]) len() int { return len(*i.values.Load()) - 1 }

// memo remembers results by a pair of numbers.
type memo struct{ parts [shards]memoPart }

type memoPart struct {
	mu    sync.Mutex
	used  int
	table atomic.Pointer[[]memoSlot]
}

// memoSlot is free while a is 0; a is written last.
type memoSlot struct {
	a      atomic.Uint64
	b, got uint64
}

func newMemo() *memo {
	m := &memo{}
	for i := range m.parts {
		table := make([]memoSlot, 1<<6)
		m.parts[i].table.Store(&table)
	}
	return m
}

// of returns the remembered result, or finds it. Two threads may find the same one
// at the same time.
func (m *memo) of(a, b uint64, find func() uint64) uint64 {
	h := mix(a, b)
	part := &m.parts[h%shards]
	if got, ok := lookup(*part.table.Load(), h, a+1, b); ok {
		return got
	}
	got := find()
	part.mu.Lock()
	defer part.mu.Unlock()
	table := *part.table.Load()
	if _, ok := lookup(table, h, a+1, b); ok {
		return got
	}
	if 2*part.used >= len(table) {
		larger := make([]memoSlot, 2*len(table))
		for i := range table {
			if a := table[i].a.Load(); a != 0 {
				store(larger, mix(a-1, table[i].b), a, table[i].b, table[i].got)
			}
		}
		part.table.Store(&larger)
		table = larger
	}
	store(table, h, a+1, b, got)
	part.used++
	return got
}

func lookup(table []memoSlot, h, a, b uint64) (uint64, bool) {
	mask := uint64(len(table) - 1)
	for at := h / shards & mask; ; at = (at + 1) & mask {
		switch table[at].a.Load() {
		case 0:
			return 0, false
		case a:
			if table[at].b == b {
				return table[at].got, true
			}
		}
	}
}

func store(table []memoSlot, h, a, b, got uint64) {
	mask := uint64(len(table) - 1)
	at := h / shards & mask
	for table[at].a.Load() != 0 {
		at = (at + 1) & mask
	}
	table[at].b, table[at].got = b, got
	table[at].a.Store(a)
}

// mix spreads the bits of two numbers.
func mix(a, b uint64) uint64 {
	a ^= b + 0x9e3779b97f4a7c15 + a<<6 + a>>2
	a *= 0xff51afd7ed558ccd
	return a ^ a>>32
}
