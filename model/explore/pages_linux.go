package explore

import (
	"syscall"
	"unsafe"
)

// words returns a list of zeros. A long one is kept in large pages, if the system has them:
// a search reads its tables at random, and with small pages most of the time goes into
// finding the page.
func words(n int) []uint32 {
	list := make([]uint32, n)
	const page = 2 << 20
	if 4*n < 2*page {
		return list
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), 4*n)
	skip := -uintptr(unsafe.Pointer(&list[0])) % page
	whole := (uintptr(4*n) - skip) &^ (page - 1)
	_ = syscall.Madvise(bytes[skip:skip+whole], syscall.MADV_HUGEPAGE) // without them it is only slower
	return list
}
