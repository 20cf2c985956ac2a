package explore

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// tuples numbers tuples of words: equal ones, and only those, have the same number. Words of
// the caller's are kept beside each. A tuple never moves, and finding one takes no lock.
type tuples struct {
	width int // of a tuple
	size  int // with the words beside it
	parts [shards]tuplePart
}

type tuplePart struct {
	mu     sync.Mutex
	used   int                                 // tuples so far
	table  atomic.Pointer[[]uint32]            // open addressing: a part of the hash, and the place of the tuple
	pieces [placeBits + 1 - firstBits][]uint32 // the tuples, from place 1, and the words beside them; each as long as all before it
}

// The number of a tuple is its place in its part, and the part. No number is below leastID.
const (
	partBits  = 6
	firstBits = 6 // of the tuples in the first piece
	leastID   = 1 << partBits
	placeBits = 32 - partBits
	placeMask = 1<<placeBits - 1
)

func newTuples(width, beside int) *tuples {
	t := &tuples{width: width, size: width + beside}
	for i := range t.parts {
		table := words(1 << 6)
		t.parts[i].table.Store(&table)
	}
	return t
}

func hashWords(words []uint32) uint64 {
	h := uint64(len(words))
	for _, word := range words {
		h = mix(h, uint64(word))
	}
	return h
}

// add returns the number of a tuple, and whether it is new.
func (t *tuples) add(key []uint32) (id uint32, isNew bool) {
	h := hashWords(key)
	at := uint32(h % shards)
	p := &t.parts[at]
	if place, _ := t.find(p, h, key); place != 0 {
		return place<<partBits | at, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	place, slot := t.find(p, h, key)
	if place != 0 {
		return place<<partBits | at, false
	}
	if 4*(p.used+1) > 3*len(*p.table.Load()) {
		t.grow(p)
		_, slot = t.find(p, h, key)
	}
	p.used++
	if p.used > placeMask {
		defective("there are more than %d states", shards*placeMask)
	}
	place = uint32(p.used)
	if piece, begin := pieceOf(place); p.pieces[piece] == nil {
		p.pieces[piece] = words(t.size * int(max(begin, 1<<firstBits)))
	}
	copy(t.at(place<<partBits|at), key)
	atomic.StoreUint32(&(*p.table.Load())[slot], entry(h, place))
	return place<<partBits | at, true
}

// entry is what the table has for a tuple: the number of its place, and other bits of its
// hash than those that choose the part and the slot, so that few tuples are compared in vain.
func entry(h uint64, place uint32) uint32 { return uint32(h)&^placeMask | place }

// find returns the place of a tuple, 0 if there is none, and the slot where the search ended.
func (t *tuples) find(p *tuplePart, h uint64, key []uint32) (place uint32, slot int) {
	table := *p.table.Load()
	mask := len(table) - 1
	for slot = int(h>>32) & mask; ; slot = (slot + 1) & mask {
		e := atomic.LoadUint32(&table[slot])
		if e == 0 {
			return 0, slot
		}
		if e == entry(h, e&placeMask) && slices.Equal(t.in(p, e&placeMask)[:t.width], key) {
			return e & placeMask, slot
		}
	}
}

// grow doubles the table of a part. Its owner has the lock.
func (t *tuples) grow(p *tuplePart) {
	table := words(2 * len(*p.table.Load()))
	mask := len(table) - 1
	for place := uint32(1); int(place) <= p.used; place++ {
		h := hashWords(t.in(p, place)[:t.width])
		slot := int(h>>32) & mask
		for table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		table[slot] = entry(h, place)
	}
	p.table.Store(&table)
}

// at returns a tuple and the words beside it, which the caller may change.
func (t *tuples) at(id uint32) []uint32 { return t.in(&t.parts[id%shards], id>>partBits) }

func (t *tuples) in(p *tuplePart, place uint32) []uint32 {
	piece, begin := pieceOf(place)
	from := int(place-begin) * t.size
	return p.pieces[piece][from : from+t.size]
}

// pieceOf is the piece of a place, and the first place in it.
func pieceOf(place uint32) (piece int, begin uint32) {
	piece = bits.Len32(place >> firstBits)
	if piece == 0 {
		return 0, 0
	}
	return piece, 1 << (firstBits + piece - 1)
}

// counts is how many tuples each part has.
func (t *tuples) counts() (counts [shards]uint32) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.Lock()
		counts[i] = uint32(p.used)
		p.mu.Unlock()
	}
	return counts
}

// bytes is the size of the tables, without room that nothing has been written to.
func (t *tuples) bytes() int {
	n := 0
	for i := range t.parts {
		n += 4 * (len(*t.parts[i].table.Load()) + t.size*t.parts[i].used)
	}
	return n
}
