package queue

import "context"

// Requeue puts a dead letter back into the queue, behind the items of its priority, and returns its new
// id (empty if the answer that had it was lost). Its takes are counted from 0 again. ErrUnknownItem if it is not
// among the dead letters; other errors are those of Put.
func (q *Queue) Requeue(ctx context.Context, id string) (string, error) {
	return "", ErrUnknownItem
}
