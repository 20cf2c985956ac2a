package serve

import (
	"errors"
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
	node, err := c.member.view.Tree().Node(path)
	if err == nil {
		err = c.permit(node.ACL, need)
	}
	return node, err
}

// watchOf is the path of a read, and whether it sets a watch.
func watchOf(d *jute.Decoder) (path string, watch bool, err error) {
	path, err = pathOf(d)
	if watch = d.Bool(); d.Bad {
		err = errMarshalling
	}
	return path, watch, err
}

func (c *conn) exists(d *jute.Decoder, to *jute.Encoder) error {
	path, watch, err := watchOf(d)
	if err != nil {
		return err
	}
	if strings.IndexByte(path, 0) >= 0 {
		return zkapi.ErrBadArguments
	}
	node, err := c.readable(path, zkapi.PermRead)
	if watch && !errors.Is(err, zkapi.ErrNoAuth) {
		c.member.view.Watches.Set(c, zk.Watch{Path: path, Table: zk.DataWatches}, zk.WatchOnce)
	}
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
	if err := c.encodeData(path, to); err != nil {
		return err
	}
	if watch {
		c.member.view.Watches.Set(c, zk.Watch{Path: path, Table: zk.DataWatches}, zk.WatchOnce)
	}
	return nil
}

func (c *conn) encodeData(path string, to *jute.Encoder) error {
	node, err := c.readable(path, zkapi.PermRead)
	if err == nil {
		to.Buffer(node.Data)
		encodeStat(to, node.Stat)
	}
	return err
}

// children answers with the names of a znode's children, and perhaps with its Stat.
func children(withStat bool) handler {
	return func(c *conn, d *jute.Decoder, to *jute.Encoder) error {
		path, watch, err := watchOf(d)
		if err != nil {
			return err
		}
		if err := c.encodeChildren(path, withStat, to); err != nil {
			return err
		}
		if watch {
			c.member.view.Watches.Set(c, zk.Watch{Path: path, Table: zk.ChildWatches}, zk.WatchOnce)
		}
		return nil
	}
}

func (c *conn) encodeChildren(path string, withStat bool, to *jute.Encoder) error {
	node, err := c.readable(path, zkapi.PermRead)
	if err != nil {
		return err
	}
	to.Strings(node.Children())
	if withStat {
		encodeStat(to, node.Stat)
	}
	return nil
}

func (c *conn) getACL(d *jute.Decoder, to *jute.Encoder) error {
	path, err := pathOf(d)
	if err != nil {
		return err
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
		encodeText(to, a.Scheme)
		encodeText(to, id)
	}
	encodeStat(to, node.Stat)
	return nil
}

func (c *conn) sync(d *jute.Decoder, to *jute.Encoder) error {
	path := text(d)
	if d.Bad {
		return errMarshalling
	}
	encodeText(to, path)
	return nil
}

func (c *conn) countChildren(d *jute.Decoder, to *jute.Encoder) error {
	path, err := pathOf(d)
	if err != nil {
		return err
	}
	if _, err := c.readable(path, zkapi.PermRead); err != nil {
		return err
	}
	below := strings.TrimSuffix(path, "/") + "/"
	n := int32(0)
	for at := range c.member.view.Tree().All() {
		if strings.HasPrefix(at, below) && at != path {
			n++
		}
	}
	to.Int32(n)
	return nil
}

func (c *conn) getEphemerals(d *jute.Decoder, to *jute.Encoder) error {
	prefix := text(d)
	if d.Bad {
		return errMarshalling
	}
	if trimmed := strings.TrimFunc(prefix, func(r rune) bool { return r <= ' ' }); prefix == null || trimmed == "/" || trimmed == "" {
		prefix = "" // all
	}
	var paths []string
	c.member.view.Tree().Owned(func(path string, stat zk.Stat) {
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
		encodeText(to, user)
	}
	return nil
}

// longestAnswer is how long the answer to a multiRead can be. One request could ask for the
// same data tens of thousands of times.
const longestAnswer = 64 << 20

// multiRead answers several reads of one moment: the data or the children of znodes. Each has
// its answer or its refusal. They set no watches, whatever they say.
func (c *conn) multiRead(d *jute.Decoder, to *jute.Encoder) error {
	// A server has begun its answer when it finds a part that it cannot carry out.
	unfinished := func() error {
		partsEnd(to)
		return errMarshalling
	}
	if first, _ := part(&jute.Decoder{Rest: d.Rest}); slices.Contains(partsOfMulti, first) {
		if _, _, _, err := c.decodeParts(d); err != nil {
			return err
		}
		return unfinished()
	}
	var ops []opcode
	var paths []string
	for {
		op, more := part(d)
		if !more {
			break
		}
		if op != opGet && op != opChildren {
			return errMarshalling
		}
		ops, paths = append(ops, op), append(paths, text(d))
		d.Bool() // whether a watch is wished
	}
	if d.Bad {
		return errMarshalling
	}
	for i, op := range ops {
		if paths[i] == null {
			return unfinished()
		}
		if c.readPart(op, paths[i], to); len(to.Bytes) > longestAnswer {
			to.Bytes = nil
			return errMarshalling
		}
	}
	partsEnd(to)
	return nil
}

// readPart encodes the answer to one part of a multiRead.
func (c *conn) readPart(op opcode, path string, to *jute.Encoder) {
	var body jute.Encoder
	var err error
	if op == opGet {
		err = c.encodeData(path, &body)
	} else {
		err = c.encodeChildren(path, false, &body)
	}
	if err != nil {
		partHeader(to, opError, codeOf(err))
		to.Int32(codeOf(err))
		return
	}
	partHeader(to, op, 0)
	to.Bytes = append(to.Bytes, body.Bytes...)
}
