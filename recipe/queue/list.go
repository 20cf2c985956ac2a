package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Entry is one item, as another process sees it.
type Entry struct {
	ID       string
	Priority int
	Takes    int       // how often consumers of this package have taken it; 0 if a person has made the dead letter
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

// List returns what the queue has. It is empty if there is no such queue. Items may come and go
// while List reads: then it describes no single moment. It reads each znode, so it costs as many
// requests as there are items.
func (q *Queue) List(ctx context.Context) (Listing, error) {
	if q == nil || q.env == nil {
		return Listing{}, errZero
	}
	var l Listing
	err := q.shared.Reading(ctx, "list a queue", func(session fence.Session) (err error) {
		if _, err = session.Do(ctx, fence.Sync(q.entries)); err != nil {
			return err
		}
		if l.Items, err = q.entriesAt(ctx, session, q.entries, q.place); err == nil {
			err = q.holders(ctx, session, l.Items)
		}
		if err == nil {
			l.Delayed, err = q.entriesAt(ctx, session, q.delayed, delayedPlace)
		}
		if err == nil {
			l.Dead, err = q.entriesAt(ctx, session, q.dead, func(name string) (place, bool) {
				p, ok := q.place(deadName(name))
				p.name = name
				return p, ok
			})
			for i := range l.Dead {
				l.Dead[i].Takes = deadTakes(l.Dead[i].ID)
			}
		}
		return err
	})
	return l, err
}

// entriesAt reads the items below one znode, in order.
func (q *Queue) entriesAt(ctx context.Context, session fence.Session, folder string, read func(string) (place, bool)) ([]Entry, error) {
	listed, err := session.Do(ctx, fence.Children(folder))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var places []place
	var reads []fence.Read
	for _, name := range listed.Children {
		if p, ok := read(name); ok {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, place.compare)
	for _, p := range places {
		reads = append(reads, fence.Exists(folder+"/"+p.name))
	}
	var found []Entry
	for i, reply := range session.DoAll(ctx, reads) {
		if reply.Err != nil {
			return nil, reply.Err
		}
		if !reply.Found {
			continue
		}
		p := places[i]
		e := Entry{ID: p.name, Priority: int(p.priority), Takes: takesOf(reply.Stat.Version), Size: int(reply.Stat.DataLength)}
		if p.due > 0 {
			e.Due = time.UnixMilli(p.due)
		}
		found = append(found, e)
	}
	return found, nil
}

// holders reads who holds the items.
func (q *Queue) holders(ctx context.Context, session fence.Session, items []Entry) error {
	listed, err := session.Do(ctx, fence.Children(q.taken))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil
	}
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, e := range items {
		at[e.ID] = i
	}
	var reads []fence.Read
	for _, name := range listed.Children {
		if _, known := at[name]; known {
			reads = append(reads, fence.Get(q.taken+"/"+name))
		}
	}
	for i, reply := range session.DoAll(ctx, reads) {
		e := &items[at[strings.TrimPrefix(reads[i].Path(), q.taken+"/")]]
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode):
			continue
		case reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoAuth):
			return reply.Err
		}
		e.Held, e.Holder = true, string(reply.Data)
		if reply.Stat.Alive() {
			e.Session = reply.Stat.EphemeralOwner
		}
	}
	return nil
}

// Payload reads the payload of an item by its id: of one that is free, held, delayed, or a dead
// letter. ErrUnknownItem if there is none.
func (q *Queue) Payload(ctx context.Context, id string) ([]byte, error) {
	if q == nil || q.env == nil {
		return nil, errZero
	}
	if id == "" || strings.Contains(id, "/") || zkapi.CheckPath("/"+id) != nil {
		return nil, ErrUnknownItem
	}
	var data []byte
	err := q.shared.Reading(ctx, "read an item", func(session fence.Session) error {
		for _, folder := range []string{q.entries, q.delayed} {
			seen, err := session.Do(ctx, fence.Get(folder+"/"+id))
			if data = seen.Data; !errors.Is(err, zkapi.ErrNoNode) {
				return err
			}
		}
		var err error
		if _, data, err = q.exhume(ctx, session, id); errors.Is(err, zkapi.ErrNoNode) {
			err = ErrUnknownItem
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	payloads, err := q.layout.decode(data)
	if err != nil || len(payloads) == 0 {
		return nil, err
	}
	return payloads[0], nil
}
