package explore

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// link is the servers' state of one process: the session that it uses, and the sessions that
// it has left behind.
type link struct {
	opened    int           // sessions so far, over all lives
	lives     int           // of the process
	current   int           // the session that the process uses; 0 for none
	known     bool          // the server has not ended it
	overslept bool          // the process was stopped, and its clock will show it
	stranded  bool          // its server is cut off from the leader
	lagging   uint32        // the tree that its server has, if that lags
	behind    []zk.Change   // that its server has not learned of
	watches   []zk.Watch    // that are set, in order
	events    []zk.Watch    // that have fired and are under way
	orphans   []int         // sessions without an owner that the server has not ended yet
	late      []lateRequest // requests without a waiting process that may still take effect

	// If the session follows lists (follow.go), these are in place of events:
	follows bool
	feeds   []feed  // by path
	older   batch   // what is under way and belongs to earlier writes
	latest  []batch // and what belongs to the last one, change by change
}

// lateRequest is a request whose owner will not get the answer.
type lateRequest struct {
	session int
	op      uint32
}

func (l link) encode() []byte {
	key := []byte{byte(l.opened), byte(l.lives), byte(l.current), flag(l.known) | flag(l.overslept)<<1 | flag(l.stranded)<<2 | flag(l.follows)<<3}
	key = binary.AppendUvarint(key, uint64(l.lagging))
	for _, c := range l.behind {
		key = c.Encode(append(key, 'b'))
	}
	for _, w := range l.watches {
		key = appendWatch(append(key, 'w'), w)
	}
	for _, w := range l.events {
		key = appendWatch(append(key, 'e'), w)
	}
	for _, g := range l.orphans {
		key = append(key, 'g', byte(g))
	}
	for _, z := range l.late {
		key = binary.AppendUvarint(append(key, 'z', byte(z.session)), uint64(z.op))
	}
	return l.encodeFeeds(key)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendWatch(to []byte, w zk.Watch) []byte { return appendText(append(to, byte(w.Table)), w.Path) }

func compareWatches(a, b zk.Watch) int {
	if a.Table != b.Table {
		return int(a.Table) - int(b.Table)
	}
	return strings.Compare(a.Path, b.Path)
}

// granted is the link whose process has a new session.
func (l link) granted() link {
	l.opened++
	l.current, l.known = l.opened, true
	return l.unfollowed()
}

// sees returns the tree that serves a request, if tree is the latest one.
func (l link) sees(tree uint32, op zkapi.Op) uint32 {
	if l.lagging != 0 && !op.Kind.Writes() {
		return l.lagging
	}
	return tree
}

// watching is the link with one more watch.
func (l link) watching(w zk.Watch) link {
	at, found := slices.BinarySearchFunc(l.watches, w, compareWatches)
	if !found {
		l.watches = slices.Insert(slices.Clone(l.watches), at, w)
	}
	return l
}

// changed is the link after a write of any process.
func (l link) changed(changes []zk.Change) link {
	if l.lagging != 0 {
		l.behind = slices.Concat(l.behind, changes)
		return l
	}
	return l.told(changes)
}

// told is the link whose server has learned of changes.
func (l link) told(changes []zk.Change) link {
	if l.follows {
		return l.sending(changes)
	}
	for _, c := range changes {
		for _, f := range c.Fires() {
			l = l.fired(f.Watch)
		}
	}
	return l
}

func (l link) fired(w zk.Watch) link {
	if at, set := slices.BinarySearchFunc(l.watches, w, compareWatches); set {
		l.watches = slices.Delete(slices.Clone(l.watches), at, at+1)
		l.events = append(slices.Clone(l.events), w)
	}
	return l
}

// caughtUp is the link whose server has learned of everything.
func (l link) caughtUp() link {
	behind := l.behind
	l.lagging, l.behind = 0, nil
	if l.stranded { // soon enough: its clock shows nothing
		l.stranded, l.overslept = false, false
	}
	return l.told(behind)
}

// broken returns the link after a reconnect: the watches and the pending requests are gone.
// The next server may lag, even behind a write that was not answered.
func (l link) broken() link {
	l.watches, l.events = nil, nil
	return l.unfollowed()
}

// without is the link whose process does not use its session any more.
func (l link) without() link {
	l.current, l.known, l.stranded, l.lagging, l.behind, l.watches, l.events = 0, false, false, 0, nil, nil, nil
	return l.unfollowed()
}

// left is the link whose process has left its session behind, with requests that
// may be under way.
func (l link) left(underWay []lateRequest) link {
	if l.known {
		l.orphans = append(slices.Clone(l.orphans), l.current)
		l.late = append(slices.Clone(l.late), underWay...)
	}
	return l.without()
}

// ended is the link after the server has ended one of its sessions.
func (l link) ended(number int) link {
	if l.current == number {
		l.known, l.stranded, l.lagging, l.behind, l.watches, l.events = false, false, 0, nil, nil, nil
		l.older, l.latest = batch{}, nil // its owner still answers from its feeds
	}
	l.orphans = slices.DeleteFunc(slices.Clone(l.orphans), func(g int) bool { return g == number })
	l.late = slices.DeleteFunc(slices.Clone(l.late), func(z lateRequest) bool { return z.session == number })
	return l
}
