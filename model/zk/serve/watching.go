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
			c.watchForever(path, zk.WatchPersistent)
		}
		for _, path := range deep {
			c.watchForever(path, zk.WatchRecursive)
		}
		return nil
	}
}

// rearm sets one watch again, or sends its event.
func (c *conn) rearm(on zk.Watch, missing bool, before int64) {
	if event, fires := c.member.view.Rearm(c, on, missing, before); fires {
		c.sendEvent(event, noZxid)
	}
}

// watchForever sets a persistent watch. One that is recursive tells nothing of children, since
// it has their own events, so it is not in their table.
func (c *conn) watchForever(path string, m zk.WatchMode) {
	c.member.view.Watches.Set(c, zk.Watch{Path: path, Table: zk.DataWatches}, m)
	if m == zk.WatchPersistent {
		c.member.view.Watches.Set(c, zk.Watch{Path: path, Table: zk.ChildWatches}, m)
	}
}

func (c *conn) addWatch(d *jute.Decoder, to *jute.Encoder) error {
	path, kind := text(d), d.Int32()
	switch {
	case d.Bad:
		return errMarshalling
	case kind == 0:
		c.watchForever(path, zk.WatchPersistent)
	case kind == 1:
		c.watchForever(path, zk.WatchRecursive)
	default:
		return errMarshalling
	}
	to.Int32(0)
	return nil
}

// watcher is a watch that a client names: one mode in one table.
type watcher struct {
	table zk.Table
	mode  zk.WatchMode
}

// watchers are the watches of each type that a client can name.
var watchers = map[int32][]watcher{
	1: {{zk.ChildWatches, zk.WatchOnce}},
	2: {{zk.DataWatches, zk.WatchOnce}},
	3: {{zk.ChildWatches, zk.WatchOnce}, {zk.ChildWatches, zk.WatchPersistent}, {zk.DataWatches, zk.WatchOnce}, {zk.DataWatches, zk.WatchPersistent}, {zk.DataWatches, zk.WatchRecursive}},
	4: {{zk.ChildWatches, zk.WatchPersistent}, {zk.DataWatches, zk.WatchPersistent}},
	5: {{zk.DataWatches, zk.WatchRecursive}},
}

// watching makes a handler of a request that names watches by their path and type.
func watching(do func(c *conn, on zk.Watch, m zk.WatchMode) bool) handler {
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

func (c *conn) checkWatch(on zk.Watch, m zk.WatchMode) bool {
	return c.member.view.Watches.Has(c, on, m)
}

func (c *conn) removeWatch(on zk.Watch, m zk.WatchMode) bool {
	return c.member.view.Watches.Unset(c, on, m)
}
