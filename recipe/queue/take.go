package queue

import "context"

// Take waits until this process holds the first free item, or until ctx ends. See the package's comment
// for the order. If ctx ends, Take returns its cause at once; if a claim was under way then, it is
// deleted in the background, and the take may count for Config.MaxTakes. If the session ends, Take goes on with the next one.
//
// Errors that no wait cures are returned at once: ErrClosed, and refusals of the server
// (zkapi.Permanent).
func (q *Queue) Take(ctx context.Context) (*Taken, error) {
	return q.one(q.take(ctx, 1, true))
}

// TryTake is Take that does not wait for an item: it returns ErrEmpty if no item was free during the
// whole call. It still waits for a server.
func (q *Queue) TryTake(ctx context.Context) (*Taken, error) {
	return q.one(q.take(ctx, 1, false))
}

// TakeMany waits like Take for the first free item, and takes up to n items in one write, in the
// order of the queue. It returns one item or more.
func (q *Queue) TakeMany(ctx context.Context, n int) ([]*Taken, error) {
	return q.take(ctx, n, true)
}

func (q *Queue) one(all []*Taken, err error) (*Taken, error) {
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
