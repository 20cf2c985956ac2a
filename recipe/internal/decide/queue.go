package decide

import "iter"

// queue is a set in an order: a binary heap. A member knows its place, so that a member is
// added, moved or removed in logarithmic time.
type queue[T any] struct {
	members []T
	before  func(a, b T) bool
	place   func(T) *int32 // where a member notes its place, counted from 1; 0: it is not in the queue
	moved   func(x T, at int)
}

func newQueue[T any](before func(a, b T) bool, place func(T) *int32) queue[T] {
	return queue[T]{before: before, place: place, moved: func(x T, at int) { *place(x) = int32(at + 1) }}
}

func (q *queue[T]) len() int { return len(q.members) }

func (q *queue[T]) has(x T) bool { return *q.place(x) != 0 }

// set puts x into the queue, or removes it. If x is there, and has changed, it moves.
func (q *queue[T]) set(x T, in bool) {
	at := int(*q.place(x)) - 1
	switch {
	case in && at < 0:
		q.members = append(q.members, x)
		rise(q.members, len(q.members)-1, q.before, q.moved)
	case in:
		q.fix(at)
	case at >= 0:
		var none T
		last := len(q.members) - 1
		q.members[at], q.members[last] = q.members[last], none
		q.members = q.members[:last]
		*q.place(x) = 0
		if at < last {
			q.fix(at)
		}
	}
}

func (q *queue[T]) fix(at int) {
	if rise(q.members, at, q.before, q.moved) == at {
		sink(q.members, at, q.before, q.moved)
	}
}

// first returns the first member, if there is one.
func (q *queue[T]) first() (x T, ok bool) {
	if len(q.members) == 0 {
		return x, false
	}
	return q.members[0], true
}

// sorted lists the members in order. The queue must not change meanwhile. The first k of them
// cost O(k log k), however many there are.
func (q *queue[T]) sorted() iter.Seq[T] {
	return func(yield func(T) bool) {
		for c := q.cursor(); ; c.next() {
			if x, ok := c.peek(); !ok || !yield(x) {
				return
			}
		}
	}
}

// cursor is a place in the order of a queue, which must not change meanwhile.
type cursor[T any] struct {
	queue *queue[T]
	front []int // a heap of those members that have not been passed, and whose parents have
}

func (q *queue[T]) cursor() *cursor[T] {
	c := &cursor[T]{queue: q}
	if len(q.members) > 0 {
		c.front = append(c.front, 0)
	}
	return c
}

// peek returns the next member, if there is one.
func (c *cursor[T]) peek() (x T, ok bool) {
	if len(c.front) == 0 {
		return x, false
	}
	return c.queue.members[c.front[0]], true
}

// next passes one member. It does nothing at the end.
func (c *cursor[T]) next() {
	if len(c.front) == 0 {
		return
	}
	before := func(a, b int) bool { return c.queue.before(c.queue.members[a], c.queue.members[b]) }
	passed, last := c.front[0], len(c.front)-1
	c.front[0] = c.front[last]
	c.front = c.front[:last]
	sink(c.front, 0, before, func(int, int) {})
	for child := 2*passed + 1; child <= 2*passed+2 && child < len(c.queue.members); child++ {
		c.front = append(c.front, child)
		rise(c.front, len(c.front)-1, before, func(int, int) {})
	}
}

// rise moves one member of a heap towards the front, as far as it belongs, and returns its
// place. moved is told the new place of every member, also if that is the old one.
func rise[T any](heap []T, at int, before func(a, b T) bool, moved func(x T, at int)) int {
	x := heap[at]
	for at > 0 {
		parent := (at - 1) / 2
		if !before(x, heap[parent]) {
			break
		}
		heap[at] = heap[parent]
		moved(heap[at], at)
		at = parent
	}
	heap[at] = x
	moved(x, at)
	return at
}

// sink moves one member of a heap towards the end, as far as it belongs.
func sink[T any](heap []T, at int, before func(a, b T) bool, moved func(x T, at int)) {
	if at >= len(heap) {
		return
	}
	x := heap[at]
	for {
		child := 2*at + 1
		if child >= len(heap) {
			break
		}
		if right := child + 1; right < len(heap) && before(heap[right], heap[child]) {
			child = right
		}
		if !before(heap[child], x) {
			break
		}
		heap[at] = heap[child]
		moved(heap[at], at)
		at = child
	}
	heap[at] = x
	moved(x, at)
}
