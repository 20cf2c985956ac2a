package serve

import (
	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// setWatches sets the watches of an earlier connection again, and sends the events that the
// client has missed. The second form of the request has persistent watches, too.
func setWatches(withPersistent bool) handler {
	return func(c *conn, d *jute.Decoder, _ *jute.Encoder) error {
		before := d.Int64()
		data, missing, children := texts(d), texts(d), texts(d)
		var forever, deep []string
		if withPersistent {
			forever, deep = texts(d), texts(d)
		}
		if d.Bad {
			return errMarshalling
		}
		for _, list := range []struct {
			paths   []string
			table   zk.Table
			missing bool
		}{{data, zk.DataWatches, false}, {missing, zk.DataWatches, true}, {children, zk.ChildWatches, false}} {
			for _, path := range list.paths {
				if path == null {
					return errMarshalling
				}
				c.rearm(zk.Watch{Path: path, Table: list.table}, list.missing, before)
			}
		}
		for _, path := range forever {
			c.watchForever(path, persistent)
		}
		for _, path := range deep {
			c.watchForever(path, recursive)
		}
		return nil
	}
}

// rearm sets one watch again, or sends its event.
func (c *conn) rearm(on zk.Watch, missing bool, before int64) {
	if event, fires := c.member.tree.Rearm(on, missing, before); fires {
		c.sendEvent(event, noZxid)
	} else {
		c.member.watches.set(c, on, once)
	}
}

// watchForever sets a persistent watch. One that is recursive tells nothing of children, since
// it has their own events, so it is not in their table.
func (c *conn) watchForever(path string, m mode) {
	c.member.watches.set(c, zk.Watch{Path: path, Table: zk.DataWatches}, m)
	if m == persistent {
		c.member.watches.set(c, zk.Watch{Path: path, Table: zk.ChildWatches}, m)
	}
}

func (c *conn) addWatch(d *jute.Decoder, to *jute.Encoder) error {
	path, kind := text(d), d.Int32()
	switch {
	case d.Bad:
		return errMarshalling
	case kind == 0:
		c.watchForever(path, persistent)
	case kind == 1:
		c.watchForever(path, recursive)
	default:
		return errMarshalling
	}
	to.Int32(0)
	return nil
}

// watcher is a watch that a client names: one mode in one table.
type watcher struct {
	table zk.Table
	mode  mode
}

// watchers are the watches of each type that a client can name.
var watchers = map[int32][]watcher{
	1: {{zk.ChildWatches, once}},
	2: {{zk.DataWatches, once}},
	3: {{zk.ChildWatches, once}, {zk.ChildWatches, persistent}, {zk.DataWatches, once}, {zk.DataWatches, persistent}, {zk.DataWatches, recursive}},
	4: {{zk.ChildWatches, persistent}, {zk.DataWatches, persistent}},
	5: {{zk.DataWatches, recursive}},
}

// watching makes a handler of a request that names watches by their path and type.
func watching(do func(c *conn, on zk.Watch, m mode) bool) handler {
	return func(c *conn, d *jute.Decoder, _ *jute.Encoder) error {
		path, kind := text(d), d.Int32()
		named, known := watchers[kind]
		if d.Bad || !known {
			return errMarshalling
		}
		found := false
		for _, w := range named {
			found = do(c, zk.Watch{Path: path, Table: w.table}, w.mode) || found
		}
		if !found {
			return zkapi.Answer(codeNoWatcher)
		}
		return nil
	}
}

func (c *conn) checkWatch(on zk.Watch, m mode) bool { return c.member.watches.has(c, on, m) }

func (c *conn) removeWatch(on zk.Watch, m mode) bool { return c.member.watches.unset(c, on, m) }
