package serve

import (
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// mode says how long a watch lasts, and which znodes it is for.
type mode uint8

const (
	once mode = iota
	persistent
	recursive
	modes
)

// watches are the watches of the connections of one server, in ZooKeeper's two tables.
type watches struct {
	by     map[zk.Watch]map[*conn]*[modes]bool
	deep   int // how many recursive ones there are
	ofConn map[*conn]map[zk.Watch]bool
}

func newWatches() *watches {
	return &watches{by: map[zk.Watch]map[*conn]*[modes]bool{}, ofConn: map[*conn]map[zk.Watch]bool{}}
}

func (w *watches) set(c *conn, on zk.Watch, m mode) {
	if w.by[on] == nil {
		w.by[on] = map[*conn]*[modes]bool{}
	}
	if w.by[on][c] == nil {
		w.by[on][c] = &[modes]bool{}
	}
	if w.ofConn[c] == nil {
		w.ofConn[c] = map[zk.Watch]bool{}
	}
	w.ofConn[c][on] = true
	if m == recursive && !w.by[on][c][recursive] {
		w.deep++
	}
	w.by[on][c][m] = true
}

// count is how many watches there are; those of one connection on one path and table are one.
func (w *watches) count() int {
	n := 0
	for _, on := range w.ofConn {
		n += len(on)
	}
	return n
}

// has reports whether a connection has a watch of that mode.
func (w *watches) has(c *conn, on zk.Watch, m mode) bool { return w.by[on][c] != nil && w.by[on][c][m] }

// unset removes a watch of one mode, and reports whether it was there.
func (w *watches) unset(c *conn, on zk.Watch, m mode) bool {
	set := w.by[on][c]
	if set == nil || !set[m] {
		return false
	}
	set[m] = false
	if m == recursive {
		w.deep--
	}
	if *set == [modes]bool{} {
		delete(w.by[on], c)
		delete(w.ofConn[c], on)
		if len(w.by[on]) == 0 {
			delete(w.by, on)
		}
		if len(w.ofConn[c]) == 0 {
			delete(w.ofConn, c)
		}
	}
	return true
}

// drop removes all watches of a connection.
func (w *watches) drop(c *conn) {
	for on := range w.ofConn[c] {
		for m := range modes {
			w.unset(c, on, m)
		}
	}
}

// fire sends the events of one change to those who may read the znode. A connection gets the
// deletion of a znode once, even if it watches both its data and its children.
func (w *watches) fire(change zk.Change) {
	told := map[*conn]bool{}
	for _, f := range change.Fires() {
		for c := range w.at(f) {
			if (f.Event.Type != zk.NodeDeleted || !told[c]) && c.permit(f.ACL, zkapi.PermRead) == nil {
				c.sendEvent(f.Event, c.member.tree.Zxid())
			}
			told[c] = told[c] || f.Event.Type == zk.NodeDeleted
		}
	}
}

// at are the connections that get an event, whose watches for one event are spent.
func (w *watches) at(f zk.Fired) map[*conn]bool {
	to := map[*conn]bool{}
	for c, set := range w.by[f.Watch] {
		if set[once] || set[persistent] {
			to[c] = true
		}
		w.unset(c, f.Watch, once)
	}
	if w.deep == 0 || f.Event.Type == zk.NodeChildrenChanged {
		return to
	}
	for on := f.Watch; ; on.Path = above(on.Path) {
		for c, set := range w.by[on] {
			if set[recursive] {
				to[c] = true
			}
		}
		if on.Path == "/" {
			return to
		}
	}
}

// above is the path of the parent.
func above(path string) string {
	return path[:max(1, strings.LastIndexByte(path, '/'))]
}
