package queue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// view is the lists of a queue, as one session has read them. The one whose turn it is reads them
// again before it relies on them: what has changed comes without the rest, if the session can follow.
type view struct {
	session     fence.Session
	entries     list
	taken       list
	delayed     list
	reconnected zkapi.Source // of the last reading
}

// list is the children of one znode. Those with a place in the queue are in order.
type list struct {
	path   string
	read   func(name string) (place, bool) // nil for names alone
	names  map[string]bool
	places []place
	cursor int64
	watch  zkapi.Source
}

// viewOf is the view of a session, which has read nothing if it is new.
func (q *Queue) viewOf(session fence.Session) *view {
	if q.view == nil || q.view.session != session {
		q.view = &view{
			session: session,
			entries: list{path: q.paths.entries, read: q.place},
			taken:   list{path: q.paths.taken},
			delayed: list{path: q.paths.delayed, read: delayedPlace},
		}
	}
	return q.view
}

// read reads the lists. With fresh, it knows of all that was written before.
func (q *Queue) read(ctx context.Context, v *view, fresh bool) error {
	for made := false; ; made = true {
		_, _, v.reconnected = v.session.Connection()
		if fresh {
			zkapi.Checkpoint(q.env, "sync", ctx, v)
			if _, err := v.session.Do(ctx, fence.Sync(q.paths.entries)); err != nil {
				return err
			}
		}
		zkapi.Checkpoint(q.env, "read the lists", ctx, v, fresh)
		lists := []*list{&v.taken, &v.entries, &v.delayed}
		var reads []fence.Read
		for _, l := range lists {
			reads = append(reads, fence.Children(l.path).Followed(l.cursor))
		}
		var missing error
		for i, reply := range v.session.DoAll(ctx, reads) {
			switch {
			case errors.Is(reply.Err, zkapi.ErrNoNode):
				missing = reply.Err
			case reply.Err != nil:
				return reply.Err
			default:
				lists[i].learn(reply.Result)
			}
		}
		if missing == nil || made {
			return missing
		}
		if err := q.prepare(ctx, v.session); err != nil {
			return err
		}
	}
}

// learn takes an answer over.
func (l *list) learn(r zkapi.Result) {
	l.cursor, l.watch = r.Cursor, r.Watch
	if r.Partial == nil {
		l.names, l.places = map[string]bool{}, nil
		for _, name := range r.Children {
			l.names[name] = true
			if p, ok := l.placeOf(name); ok {
				l.places = append(l.places, p)
			}
		}
		slices.SortFunc(l.places, place.compare)
		return
	}
	for _, name := range r.Partial.Gone {
		if l.names[name] {
			delete(l.names, name)
			if at, found := l.find(name); found {
				l.places = slices.Delete(l.places, at, at+1)
			}
		}
	}
	for _, name := range r.Partial.Come {
		if !l.names[name] {
			l.names[name] = true
			if p, ok := l.placeOf(name); ok {
				at, _ := slices.BinarySearchFunc(l.places, p, place.compare)
				l.places = slices.Insert(l.places, at, p)
			}
		}
	}
}

func (l *list) placeOf(name string) (place, bool) {
	if l.read == nil {
		return place{}, false
	}
	return l.read(name)
}

func (l *list) find(name string) (at int, found bool) {
	p, ok := l.placeOf(name)
	if !ok {
		return 0, false
	}
	return slices.BinarySearchFunc(l.places, p, place.compare)
}

// free are the first n free items, in the order of the queue. Those of Curator's delay queue may be for later:
// next is when the first of them is due.
func (v *view) free(n int, now time.Time, odd func(string) bool) (first []place, next time.Time) {
	for _, p := range v.entries.places {
		if len(first) == n {
			break
		}
		if due := time.UnixMilli(p.due); p.due > 0 && due.After(now) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		if !v.taken.names[p.name] && !odd(p.name) {
			first = append(first, p)
		}
	}
	return first, next
}

// prepare makes the folders of the queue. Repeating it is harmless.
func (q *Queue) prepare(ctx context.Context, session fence.Session) error {
	for _, folder := range q.folders() {
		zkapi.Checkpoint(q.env, "make a folder", ctx, folder)
		if err := obstacle.Ensure(ctx, session, folder, q.config.ACL); err != nil {
			return err
		}
	}
	return nil
}
