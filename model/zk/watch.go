package zk

import (
	"encoding/binary"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Table is one of the two tables of watches that a server has. Get and Exists set
// a watch in the table of data, whether or not the znode exists; Children sets one
// in the table of children.
type Table uint8

// The tables.
const (
	DataWatches Table = iota
	ChildWatches
)

// Watch is the event that a session waits for.
type Watch struct {
	Path  string
	Table Table
}

// WatchOf is the watch that a read sets.
func WatchOf(op zkapi.Op) Watch {
	if op.Kind == zkapi.KindChildren {
		return Watch{op.Path, ChildWatches}
	}
	return Watch{op.Path, DataWatches}
}

// EventType is the type of a watch event.
type EventType uint8

// The types, with ZooKeeper's own names.
const (
	NodeCreated EventType = iota + 1
	NodeDeleted
	NodeDataChanged
	NodeChildrenChanged
)

// Event is the message to a session when a watch fires. A watch fires once.
type Event struct {
	Type EventType
	Path string
}

// Fires returns the watches that a change fires, and the event for each session, in
// ZooKeeper's order.
func (c Change) Fires() []Fired {
	switch c.Kind {
	case zkapi.KindCreate:
		return []Fired{
			{Watch{c.Path, DataWatches}, Event{NodeCreated, c.Path}, c.acl},
			{Watch{parentOf(c.Path), ChildWatches}, Event{NodeChildrenChanged, parentOf(c.Path)}, c.above},
		}
	case zkapi.KindDelete:
		return []Fired{
			{Watch{c.Path, DataWatches}, Event{NodeDeleted, c.Path}, c.acl},
			{Watch{c.Path, ChildWatches}, Event{NodeDeleted, c.Path}, c.acl},
			{Watch{parentOf(c.Path), ChildWatches}, Event{NodeChildrenChanged, parentOf(c.Path)}, c.above},
		}
	case zkapi.KindSet:
		return []Fired{{Watch{c.Path, DataWatches}, Event{NodeDataChanged, c.Path}, c.acl}}
	}
	return nil
}

// Fired is a watch and its event.
type Fired struct {
	Watch Watch
	Event Event
	ACL   []zkapi.ACL // of the znode that the event is about; a server tells only those who may read it
}

// Rearm does what a server does when a client sets a watch again after a reconnect. before is
// the zxid that the client saw last. If the znode has changed since, the watch fires at once;
// otherwise it is set. A client that waited for a znode to appear, and missed its creation
// and deletion, gets no event.
//
// missing says that the znode did not exist when the watch was set.
func (t Tree) Rearm(w Watch, missing bool, before int64) (Event, bool) {
	n := t.find(w.Path)
	switch {
	case missing && n != nil:
		return Event{NodeCreated, w.Path}, true
	case missing:
		return Event{}, false
	case n == nil:
		return Event{NodeDeleted, w.Path}, true
	case w.Table == ChildWatches && n.stat.Pzxid > before:
		return Event{NodeChildrenChanged, w.Path}, true
	case w.Table == DataWatches && n.stat.Mzxid > before:
		return Event{NodeDataChanged, w.Path}, true
	}
	return Event{}, false
}

// Encode appends the change in a form that differs for different changes.
func (c Change) Encode(to []byte) []byte {
	return appendString(binary.AppendUvarint(to, uint64(c.Kind)), c.Path)
}
