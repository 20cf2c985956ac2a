package queue

import (
	"context"
	"iter"
)

// batchBytes is how many bytes of payload one write puts, unless one item alone has more.
const batchBytes = 512 << 10

// Put puts one item into the queue, and returns its id: the name of its znode. A nil error means
// that the item is there, once. The id is empty if the answer that had it was lost. An item with a
// Delay gets another id when the delay is over. payload may be empty.
//
// Errors:
//
//   - ErrFull: the queue has as many items as Config.Bound allows. The item was not put.
//   - ErrInvalid: an option is wrong.
//   - ErrInDoubt: the session or ctx has ended before the answer came. Either the item is there, or
//     it never will be; if ctx has ended, that is settled in the background. Put it again
//     if consumers can bear a duplicate.
//   - zkapi.FateOf(err) is zkapi.NotApplied for every other error, and the item was not put: ctx
//     has ended before anything was sent, or a server has refused the write.
func (q *Queue) Put(ctx context.Context, payload []byte, options ...Option) (id string, err error) {
	if q == nil || q.env == nil {
		return "", errZero
	}
	p := q.pending(Item{payload, options})
	q.putAll(ctx, []*pending{p})
	return p.id, p.err
}

// PutAll puts many items. Nothing happens until a loop ranges over what it returns; each such loop
// puts them all. The loop gets one outcome for each item, in their order: what Put would have
// returned for it.
//
//	for id, err := range queue.PutAll(ctx, slices.Values(items)) {
//
// Up to 100 items are one write, so this is many times as fast as Put. Such a write is made when
// 100 items have come, or 512 KiB, or when the items end: an item waits for those behind it. The
// items stand in the queue in the order of the iterator, if their priorities are the same and all
// outcomes are nil. It is no transaction: when an item fails, the others are put all the same.
//
// When ctx has ended, PutAll reads one more item. That one and all before it whose fate is not
// settled get an error. So if no outcome is an error, all items were read and put.
func (q *Queue) PutAll(ctx context.Context, items iter.Seq[Item]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		switch {
		case q == nil || q.env == nil:
			yield("", errZero)
			return
		case items == nil:
			yield("", invalid("the iterator of the items is nil: give one, such as slices.Values(items)"))
			return
		}
		var batch []*pending
		bytes := 0
		flush := func() bool {
			q.putAll(ctx, batch)
			for _, p := range batch {
				if !yield(p.id, p.err) {
					return false
				}
			}
			batch, bytes = nil, 0
			return true
		}
		for item := range items {
			p := q.pending(item)
			if bytes += len(p.op.Data); bytes > batchBytes && len(batch) > 0 {
				if !flush() {
					return
				}
				bytes = len(p.op.Data)
			}
			batch = append(batch, p)
			if last := ctx.Err() != nil; last || len(batch) == MostAtOnce {
				if !flush() || last {
					return
				}
			}
		}
		flush()
	}
}
