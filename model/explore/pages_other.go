//go:build !linux

package explore

// words returns a list of zeros.
func words(n int) []uint32 { return make([]uint32, n) }
