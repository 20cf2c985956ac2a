package serve

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// stat encodes what a server says of a znode.
func encodeStat(to *jute.Encoder, s zk.Stat) {
	to.Int64(s.Czxid)
	to.Int64(s.Mzxid)
	to.Int64(s.Ctime)
	to.Int64(s.Mtime)
	to.Int32(s.Version)
	to.Int32(s.Cversion)
	to.Int32(s.Aversion)
	if s.Alive() {
		to.Int64(s.EphemeralOwner)
	} else {
		to.Int64(0) // a server keeps to itself how it marks containers and TTL znodes
	}
	to.Int32(s.DataLength)
	to.Int32(s.NumChildren)
	to.Int64(s.Pzxid)
}

// readable returns the znode at a path if whoever asks has one of the permissions.
func (c *conn) readable(path string, need zkapi.Perm) (zk.Node, error) {
	node, err := c.member.tree.Node(path)
	if err == nil {
		err = c.permit(node.ACL, need)
	}
	return node, err
}

// watchOf is the path of a read, and whether it sets a watch.
func watchOf(d *jute.Decoder) (path string, watch bool, err error) {
	path, watch = d.String(), d.Bool()
	if d.Bad {
		err = errMarshalling
	}
	return path, watch, err
}

func (c *conn) exists(d *jute.Decoder, to *jute.Encoder) error {
	path, watch, err := watchOf(d)
	if err != nil {
		return err
	}
	if watch {
		c.member.watches.set(c, zk.Watch{Path: path, Table: zk.DataWatches}, once)
	}
	node, err := c.member.tree.Node(path)
	if err == nil {
		encodeStat(to, node.Stat)
	}
	return err
}

func (c *conn) get(d *jute.Decoder, to *jute.Encoder) error {
	path, watch, err := watchOf(d)
	if err != nil {
		return err
	}
	node, err := c.readable(path, zkapi.PermRead)
	if err != nil {
		return err
	}
	if watch {
		c.member.watches.set(c, zk.Watch{Path: path, Table: zk.DataWatches}, once)
	}
	to.Buffer(node.Data)
	encodeStat(to, node.Stat)
	return nil
}

// children answers with the names of a znode's children, and perhaps with its Stat.
func children(withStat bool) handler {
	return func(c *conn, d *jute.Decoder, to *jute.Encoder) error {
		path, watch, err := watchOf(d)
		if err != nil {
			return err
		}
		node, err := c.readable(path, zkapi.PermRead)
		if err != nil {
			return err
		}
		if watch {
			c.member.watches.set(c, zk.Watch{Path: path, Table: zk.ChildWatches}, once)
		}
		to.Strings(node.Children())
		if withStat {
			encodeStat(to, node.Stat)
		}
		return nil
	}
}

func (c *conn) getACL(d *jute.Decoder, to *jute.Encoder) error {
	path := d.String()
	if d.Bad {
		return errMarshalling
	}
	node, err := c.readable(path, zkapi.PermRead|zkapi.PermAdmin)
	if err != nil {
		return err
	}
	acl := node.ACL
	if acl == nil {
		acl = openACL
	}
	hide := c.permit(acl, zkapi.PermAdmin) != nil
	to.Int32(int32(len(acl)))
	for _, a := range acl {
		id := a.ID
		if user, _, digest := strings.Cut(id, ":"); digest && a.Scheme == "digest" && hide {
			id = user + ":x"
		}
		to.Int32(int32(a.Perms))
		to.String(a.Scheme)
		to.String(id)
	}
	encodeStat(to, node.Stat)
	return nil
}

func (c *conn) sync(d *jute.Decoder, to *jute.Encoder) error {
	path := d.String()
	if d.Bad {
		return errMarshalling
	}
	to.String(path)
	return nil
}

func (c *conn) countChildren(d *jute.Decoder, to *jute.Encoder) error {
	path := d.String()
	if d.Bad {
		return errMarshalling
	}
	if _, err := c.readable(path, zkapi.PermRead); err != nil {
		return err
	}
	below := strings.TrimSuffix(path, "/") + "/"
	n := int32(0)
	for at := range c.member.tree.All() {
		if strings.HasPrefix(at, below) && at != path {
			n++
		}
	}
	to.Int32(n)
	return nil
}

func (c *conn) getEphemerals(d *jute.Decoder, to *jute.Encoder) error {
	prefix := d.String()
	if d.Bad {
		return errMarshalling
	}
	var paths []string
	c.member.tree.Owned(func(path string, stat zk.Stat) {
		if stat.EphemeralOwner == c.session.id && strings.HasPrefix(path, prefix) {
			paths = append(paths, path)
		}
	})
	slices.Sort(paths)
	to.Strings(paths)
	return nil
}

func (c *conn) whoAmI(_ *jute.Decoder, to *jute.Encoder) error {
	to.Int32(int32(len(c.ids)))
	for _, id := range c.ids {
		user := id.id
		if id.scheme == "digest" {
			user, _, _ = strings.Cut(user, ":")
		}
		to.String(id.scheme)
		to.String(user)
	}
	return nil
}

// multiRead answers several reads of one moment: the data or the children of znodes. Each has
// its answer or its refusal.
func (c *conn) multiRead(d *jute.Decoder, to *jute.Encoder) error {
	for {
		op, more := part(d)
		if !more {
			break
		}
		var body jute.Encoder
		var err error
		switch op {
		case opGet:
			err = c.get(d, &body)
		case opChildren:
			err = children(false)(c, d, &body)
		default:
			return errMarshalling
		}
		if d.Bad {
			return errMarshalling
		}
		if err != nil {
			partHeader(to, opError, codeOf(err))
			to.Int32(codeOf(err))
			continue
		}
		partHeader(to, op, 0)
		to.Bytes = append(to.Bytes, body.Bytes...)
	}
	if d.Bad {
		return errMarshalling
	}
	partsEnd(to)
	return nil
}
