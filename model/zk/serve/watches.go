package serve

import (
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// mode says how long a watch lasts, and which znodes it is for.
type mode = zk.WatchMode

const (
	once       = zk.WatchOnce
	persistent = zk.WatchPersistent
	recursive  = zk.WatchRecursive
)

// watches are the watches of the connections of one server.
type watches struct{ table zk.Watches[*conn] }

func newWatches() *watches { return &watches{} }

func (w *watches) set(c *conn, on zk.Watch, m mode) { w.table.Set(c, on, m) }

// count is how many watches there are; those of one connection on one path and table are one.
func (w *watches) count() int { return w.table.Count() }

// has reports whether a connection has a watch of that mode.
func (w *watches) has(c *conn, on zk.Watch, m mode) bool { return w.table.Has(c, on, m) }

// unset removes a watch of one mode, and reports whether it was there.
func (w *watches) unset(c *conn, on zk.Watch, m mode) bool { return w.table.Unset(c, on, m) }

// drop removes all watches of a connection.
func (w *watches) drop(c *conn) { w.table.Drop(c) }

// fire sends the events of one change to those who may read the znode.
func (w *watches) fire(change zk.Change) {
	w.table.Fire(change, nil, func(c *conn, f zk.Fired, again bool) {
		if !again && c.permit(f.ACL, zkapi.PermRead) == nil {
			c.sendEvent(f.Event, c.member.tree.Zxid())
		}
	})
}
