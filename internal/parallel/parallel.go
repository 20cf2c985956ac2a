package parallel

import (
	"iter"
	"runtime"
	"sync"
)

// numbered is an item with its place in a sequence.
type numbered[T any] struct {
	n    int
	item T
}

// Each does something with every item, several at a time, and returns when all is
// done. It takes items from the sequence only as they are needed. A panic of do is the
// caller's, as it would be without goroutines.
func Each[T any](items iter.Seq[T], do func(n int, item T)) {
	var work sync.WaitGroup
	var once sync.Once
	var failure any
	queue := make(chan numbered[T], 64)
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for next := range queue {
				func() {
					defer func() {
						if cause := recover(); cause != nil {
							once.Do(func() { failure = cause })
						}
					}()
					do(next.n, next.item)
				}()
			}
		})
	}
	n := 0
	for item := range items {
		queue <- numbered[T]{n, item}
		n++
	}
	close(queue)
	work.Wait()
	if failure != nil {
		panic(failure)
	}
}
