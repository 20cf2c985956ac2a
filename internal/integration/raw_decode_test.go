package integration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// The numbers of requests in ZooKeeper's protocol.
const (
	rawCreate          int32 = 1
	rawDelete          int32 = 2
	rawExists          int32 = 3
	rawGet             int32 = 4
	rawSet             int32 = 5
	rawGetACL          int32 = 6
	rawSetACL          int32 = 7
	rawChildren        int32 = 8
	rawSync            int32 = 9
	rawPing            int32 = 11
	rawChildren2       int32 = 12
	rawCheck           int32 = 13
	rawMulti           int32 = 14
	rawCreate2         int32 = 15
	rawReconfig        int32 = 16
	rawCheckWatches    int32 = 17
	rawRemoveWatches   int32 = 18
	rawCreateContainer int32 = 19
	rawCreateTTL       int32 = 21
	rawMultiRead       int32 = 22
	rawAuth            int32 = 100
	rawSetWatches      int32 = 101
	rawGetEphemerals   int32 = 103
	rawCountChildren   int32 = 104
	rawSetWatches2     int32 = 105
	rawAddWatch        int32 = 106
	rawWhoAmI          int32 = 107
	rawClose           int32 = -11
)

// describe puts the body of an answer into words that are the same for both servers. What it
// does not understand it shows as it came.
func (c *rawClient) describe(op, code int32, d *jute.Decoder) string {
	all := d.Rest
	text := ""
	if code == 0 {
		text = c.body(op, d)
	}
	if d.Bad {
		return fmt.Sprintf("unreadable %x", all)
	}
	if len(d.Rest) > 0 {
		text += fmt.Sprintf(" and %x", d.Rest)
	}
	return text
}

func (c *rawClient) body(op int32, d *jute.Decoder) string {
	switch op {
	case rawCreate:
		return c.text(d)
	case rawCreate2, rawCreateContainer, rawCreateTTL:
		return c.text(d) + " " + c.stat(d)
	case rawExists, rawSet, rawSetACL, rawCheck:
		return c.stat(d)
	case rawGet:
		data := d.Buffer()
		return fmt.Sprintf("%q nil %v %s", data, data == nil, c.stat(d))
	case rawGetACL:
		return c.acl(d) + " " + c.stat(d)
	case rawChildren:
		return c.names(d)
	case rawChildren2:
		return c.names(d) + " " + c.stat(d)
	case rawSync:
		return c.text(d)
	case rawGetEphemerals:
		return c.names(d)
	case rawCountChildren, rawAddWatch:
		return fmt.Sprint(d.Int32())
	case rawWhoAmI:
		return c.users(d)
	case rawMulti, rawMultiRead:
		return c.parts(d)
	}
	return ""
}

// text is a string; the address of the client, and a string that is null, have names.
func (c *rawClient) text(d *jute.Decoder) string {
	b := d.Buffer()
	if b == nil {
		return "null"
	}
	return strings.ReplaceAll(fmt.Sprintf("%q", b), c.ip, "ADDRESS")
}

// names are several strings. Their order is the server's own. Other sequences are left out.
func (c *rawClient) names(d *jute.Decoder) string {
	n := d.Int32()
	if n < 0 {
		return "null"
	}
	var names []string
	for range n {
		if name := c.text(d); !strings.HasPrefix(name, `"play-`) && !d.Bad {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}

func (c *rawClient) acl(d *jute.Decoder) string {
	var all []string
	for range d.Int32() {
		all = append(all, fmt.Sprintf("%d for %s %s", d.Int32(), c.text(d), c.text(d)))
	}
	slices.Sort(all) // a server expands the scheme auth in an order of its own
	return strings.Join(all, ", ")
}

func (c *rawClient) users(d *jute.Decoder) string {
	var all []string
	for range d.Int32() {
		all = append(all, c.text(d)+" "+c.text(d))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// stat is a Stat without its times. That of the servers' root counts from the begin of the
// sequence.
func (c *rawClient) stat(d *jute.Decoder) string {
	czxid, mzxid, ctime, mtime := d.Int64(), d.Int64(), d.Int64(), d.Int64()
	version, cversion, aversion, owner := d.Int32(), d.Int32(), d.Int32(), d.Int64()
	length, children, pzxid := d.Int32(), d.Int32(), d.Int64()
	if czxid == 0 && pzxid > 0 { // the servers' root
		cversion, children = cversion-c.side.changes, 0
	}
	who, known := c.side.sessions[owner]
	if !known {
		who = fmt.Sprintf("%x", owner)
	}
	return fmt.Sprintf("{czxid %s mzxid %s times %v %v versions %d %d %d owner %s length %d children %d pzxid %s}",
		c.side.zxid(czxid), c.side.zxid(mzxid), ctime > 0, mtime > 0, version, cversion, aversion, who, length, children, c.side.zxid(pzxid))
}

// parts are the answers to the parts of a multi.
func (c *rawClient) parts(d *jute.Decoder) string {
	var all []string
	for !d.Bad {
		op, done, code := d.Int32(), d.Bool(), d.Int32()
		body := ""
		switch {
		case done:
			return fmt.Sprintf("%s end %d %d", strings.Join(all, "; "), op, code)
		case op == -1:
			body = fmt.Sprint("error ", d.Int32())
		case op != rawCheck:
			body = c.body(op, d)
		}
		all = append(all, fmt.Sprintf("%d %d %s", op, code, body))
	}
	return strings.Join(all, "; ")
}
