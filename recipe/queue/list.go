package queue

import (
	"context"
	"time"
)

// Entry is one item, as another process sees it.
type Entry struct {
	ID       string
	Priority int
	Takes    int       // how often it was taken by consumers of this package; 0 for a dead letter
	Size     int       // of its data, in bytes
	Held     bool      // a consumer holds it
	Holder   string    // Config.Name of that consumer; of another program, what its claim says
	Session  int64     // of the holder; 0 if the claim is no ephemeral, and would stay for ever
	Due      time.Time // of a delayed item
}

// Listing is what a queue has.
type Listing struct {
	Items   []Entry // free and held, in the order in which they are taken
	Delayed []Entry // in the order in which they are due
	Dead    []Entry // the dead letters
}

// List returns what the queue has. It is empty if there is no such queue. Items may come and go while
// List reads: then it describes no single moment. It reads each znode, so it costs as many requests as
// there are items.
func (q *Queue) List(ctx context.Context) (Listing, error) {
	return Listing{}, nil
}

// Payload reads the payload of an item by its id: one that waits, that is held, that is delayed, or
// that is a dead letter. ErrUnknownItem if there is none.
func (q *Queue) Payload(ctx context.Context, id string) ([]byte, error) {
	return nil, ErrUnknownItem
}
