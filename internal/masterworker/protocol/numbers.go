package protocol

import "slices"

// numbers is a set of small numbers, a bit for each, without zero words at its end. It
// is never changed in place: a run has thousands of sessions that are over, and every
// state shares them with the one before.
type numbers []uint64

func (n numbers) has(number int) bool {
	return number/64 < len(n) && n[number/64]&(1<<(number%64)) != 0
}

// with is the set with one number more.
func (n numbers) with(number int) numbers {
	all := make(numbers, max(len(n), number/64+1))
	copy(all, n)
	all[number/64] |= 1 << (number % 64)
	return slices.Clip(all)
}
