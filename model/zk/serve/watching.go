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
		data, missing, children := d.Strings(), d.Strings(), d.Strings()
		var forever, deep []string
		if withPersistent {
			forever, deep = d.Strings(), d.Strings()
		}
		if d.Bad {
			return errMarshalling
		}
		again := func(paths []string, table zk.Table, missing bool) {
			for _, path := range paths {
				on := zk.Watch{Path: path, Table: table}
				if event, fires := c.member.tree.Rearm(on, missing, before); fires {
					c.sendEvent(event)
				} else {
					c.member.watches.set(c, on, once)
				}
			}
		}
		again(data, zk.DataWatches, false)
		again(missing, zk.DataWatches, true)
		again(children, zk.ChildWatches, false)
		for _, path := range forever {
			c.watchForever(path, persistent)
		}
		for _, path := range deep {
			c.watchForever(path, recursive)
		}
		return nil
	}
}

// watchForever sets a persistent watch. It is in both tables.
func (c *conn) watchForever(path string, m mode) {
	for _, table := range []zk.Table{zk.DataWatches, zk.ChildWatches} {
		c.member.watches.set(c, zk.Watch{Path: path, Table: table}, m)
	}
}

func (c *conn) addWatch(d *jute.Decoder, to *jute.Encoder) error {
	path, kind := d.String(), d.Int32()
	switch {
	case d.Bad:
		return errMarshalling
	case kind == 0:
		c.watchForever(path, persistent)
	case kind == 1:
		c.watchForever(path, recursive)
	default:
		return zkapi.ErrBadArguments
	}
	to.Int32(0)
	return nil
}

// watching makes a handler of a request that names watches by their path and type.
func watching(do func(c *conn, on zk.Watch) bool) handler {
	return func(c *conn, d *jute.Decoder, _ *jute.Encoder) error {
		path, kind := d.String(), d.Int32()
		if d.Bad {
			return errMarshalling
		}
		const (
			ofChildren = 1
			ofData     = 2
			ofAny      = 3
		)
		if kind < ofChildren || kind > ofAny {
			return zkapi.ErrBadArguments
		}
		found := false
		if kind != ofData {
			found = do(c, zk.Watch{Path: path, Table: zk.ChildWatches})
		}
		if kind != ofChildren {
			found = do(c, zk.Watch{Path: path, Table: zk.DataWatches}) || found
		}
		if !found {
			return zkapi.Answer(codeNoWatcher)
		}
		return nil
	}
}

func (c *conn) checkWatch(on zk.Watch) bool { return c.member.watches.has(c, on) }

func (c *conn) removeWatch(on zk.Watch) bool { return c.member.watches.unsetAll(c, on) }
