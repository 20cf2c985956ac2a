package explore

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file and feed.go are the lists that a session follows (zkapi.Op.Followed), if World.Follow
// is set. As in package zkclient, a read of such a list is answered by the client library itself,
// without a request, from what its server has told it. So the answer is as old as the last event
// that has arrived. It takes a request if there is no list yet on this connection, or if the znode
// itself was set since: then its Stat is not known.
//
// Events arrive in their order, and before the answers to later requests, also to those that the
// explorer answers at once (World.Constant). The events of a session's own write arrive with the
// answer. The library keeps the sum of the changes since the last answer, so the number of events
// makes no difference to a state.
//
// Between server and client there are the events of the last write, one for each change, and the
// sum of all before them. Any number of those of the last write may arrive together with that sum,
// before the process goes on. The sum need not arrive without them: then it could have arrived
// before that write, and the state would be the same.

// feed is one list that a session follows, as its client library has it.
type feed struct {
	stat zkapi.Stat // Czxid, Version, Cversion and EphemeralOwner are kept
	news news       // since the last answer
}

// news is the sum of changes of one znode and of what is below it.
type news struct {
	path  string
	sum   zkapi.Partial
	moved int32 // how many children have come or gone
	set   bool  // the znode itself was set
	gone  bool  // the znode itself was deleted: there is nothing else in the sum then
}

// newsOf is a change as the follower of a path hears of it.
func newsOf(c zk.Change, path string) (n news, hears bool) {
	n = news{path: path}
	if c.Path == path {
		n.set, n.gone = c.Kind == zkapi.KindSet, c.Kind == zkapi.KindDelete
		return n, n.set || n.gone
	}
	name, told := c.Below(path)
	if !told {
		return n, false
	}
	if c.Kind != zkapi.KindSet && !strings.Contains(name, "/") {
		n.moved = 1
	}
	var d zkapi.Differences
	d.Add(c.Kind, name)
	n.sum = *d.Partial()
	return n, true
}

// and is the sum of these changes and later ones. A znode that is made again is not followed.
func (n news) and(later news) news {
	switch {
	case n.gone:
		return n
	case later.gone:
		return later
	}
	var d zkapi.Differences
	d.AddAll(n.sum)
	d.AddAll(later.sum)
	return news{path: n.path, sum: *d.Partial(), moved: n.moved + later.moved, set: n.set || later.set}
}

// batch is what arrives at a client library together.
type batch struct {
	fired []zk.Watch // watches that fire once, in order
	news  []news     // by path
}

func (b batch) empty() bool { return len(b.fired)+len(b.news) == 0 }

// and is this batch and a later one as one.
func (b batch) and(later batch) batch {
	b.fired, b.news = slices.Clone(b.fired), slices.Clone(b.news)
	for _, w := range later.fired {
		if at, found := slices.BinarySearchFunc(b.fired, w, compareWatches); !found {
			b.fired = slices.Insert(b.fired, at, w)
		}
	}
	for _, n := range later.news {
		at, found := slices.BinarySearchFunc(b.news, n.path, byPath)
		if found {
			b.news[at] = b.news[at].and(n)
		} else {
			b.news = slices.Insert(b.news, at, n)
		}
	}
	return b
}

func byPath(n news, path string) int { return strings.Compare(n.path, path) }

// feedAt is the place of a feed, or where it would be.
func (l link) feedAt(path string) (int, bool) {
	return slices.BinarySearchFunc(l.feeds, path, func(f feed, path string) int { return byPath(f.news, path) })
}

// quiet reports whether nothing is under way from the server to the process.
func (l link) quiet() bool { return len(l.events)+len(l.latest) == 0 }

// sending is the link whose server has told its client of the changes of one write, or of all that
// it had missed.
func (l link) sending(changes []zk.Change) link {
	var all []batch
	for _, c := range changes {
		one := batch{}
		for _, f := range c.Fires() {
			if at, set := slices.BinarySearchFunc(l.watches, f.Watch, compareWatches); set {
				l.watches = slices.Delete(slices.Clone(l.watches), at, at+1)
				one = one.and(batch{fired: []zk.Watch{f.Watch}})
			}
		}
		for _, f := range l.feeds {
			if n, hears := newsOf(c, f.news.path); hears {
				one.news = append(one.news, n)
			}
		}
		if !one.empty() {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return l
	}
	for _, one := range l.latest {
		l.older = l.older.and(one)
	}
	l.latest = all
	return l
}

// arriving is what arrives if that many of the changes of the last write do.
func (l link) arriving(n int) batch {
	b := l.older
	for _, one := range l.latest[:n] {
		b = b.and(one)
	}
	return b
}

// arrived is the link after the arrival of that many changes of the last write, and the watches
// that fire.
func (l link) arrived(n int) (link, []zk.Watch) {
	b := l.arriving(n)
	l.older, l.latest = batch{}, l.latest[n:]
	l.feeds = slices.Clone(l.feeds)
	fires := slices.Clone(b.fired)
	for _, heard := range b.news {
		fires = append(fires, zk.Watch{Path: heard.path, Table: followed})
		at, follows := l.feedAt(heard.path)
		switch {
		case !follows:
		case heard.gone:
			l.feeds = slices.Delete(l.feeds, at, at+1)
		default:
			f := &l.feeds[at]
			f.news = f.news.and(heard)
			f.stat.Cversion += heard.moved
			f.news.moved = 0 // it is in the Stat
		}
	}
	return l, fires
}

// following is the link whose session has got an answer with all changes of a list.
func (l link) following(path string, stat zkapi.Stat) link {
	f := feed{news: news{path: path}}
	f.stat = zkapi.Stat{Czxid: stat.Czxid, Version: stat.Version, Cversion: stat.Cversion, EphemeralOwner: stat.EphemeralOwner}
	l.feeds = slices.Clone(l.feeds)
	if at, follows := l.feedAt(path); follows {
		l.feeds[at] = f
	} else {
		l.feeds = slices.Insert(l.feeds, at, f)
	}
	return l
}

// unfollowed is the link after the end of a connection: all that was under way is lost, and a
// server does not repeat what a client has missed.
func (l link) unfollowed() link {
	l.feeds, l.older, l.latest = nil, batch{}, nil
	return l
}

// explainEvents says which events arrive.
func (l link) explainEvents(which int) string {
	if !l.follows {
		return l.events[0].Path + " has changed"
	}
	b := l.arriving(which + 1)
	var parts []string
	for _, w := range b.fired {
		parts = append(parts, w.Path+" has changed")
	}
	for _, n := range b.news {
		parts = append(parts, n.describe())
	}
	return strings.Join(parts, ", ")
}

// describe is the sum for people.
func (n news) describe() string {
	text := "below " + n.path
	for _, part := range []struct {
		word  string
		names []string
	}{{"gone", n.sum.Gone}, {"come", n.sum.Come}, {"set", n.sum.Changed}, {"come or gone", n.sum.Below}} {
		if len(part.names) > 0 {
			text += " " + part.word + " " + strings.Join(part.names, " ")
		}
	}
	if n.set || n.gone {
		text = n.path + " was set or deleted, " + text
	}
	return text
}

// encodeFeeds appends what the session follows, and what is under way.
func (l link) encodeFeeds(key []byte) []byte {
	for _, f := range l.feeds {
		key = append(key, 'f')
		for _, n := range []int64{f.stat.Czxid, int64(f.stat.Version), int64(f.stat.Cversion), f.stat.EphemeralOwner} {
			key = binary.AppendVarint(key, n)
		}
		key = f.news.encode(key)
	}
	for _, b := range append([]batch{l.older}, l.latest...) {
		if b.empty() {
			continue
		}
		key = append(key, 'p')
		for _, w := range b.fired {
			key = appendWatch(append(key, 'w'), w)
		}
		for _, n := range b.news {
			key = n.encode(append(key, 'n'))
		}
	}
	if !l.older.empty() {
		key = append(key, 'o')
	}
	return key
}

func (n news) encode(key []byte) []byte {
	key = appendText(key, n.path)
	key = binary.AppendVarint(append(key, flag(n.set)|flag(n.gone)<<1), int64(n.moved))
	for _, names := range [][]string{n.sum.Gone, n.sum.Come, n.sum.Changed, n.sum.Below, n.sum.Made} {
		key = binary.AppendUvarint(key, uint64(len(names)))
		for _, name := range names {
			key = appendText(key, name)
		}
	}
	return key
}
