package integration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var openToAll = []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}

func (r rawDraw) acl() []zkapi.ACL {
	if r.IntN(5) > 0 || !r.closed {
		return openToAll
	}
	one := func() zkapi.ACL {
		perms := oneOf(r, zkapi.PermAll, zkapi.PermAll, zkapi.PermRead, zkapi.PermRead|zkapi.PermWrite, zkapi.PermAll&^zkapi.PermRead, zkapi.PermAll&^zkapi.PermAdmin, zkapi.PermCreate|zkapi.PermRead, 0, -1, 1<<20)
		return oneOf(r,
			zkapi.ACL{Perms: perms, Scheme: "world", ID: "anyone"},
			zkapi.ACL{Perms: perms, Scheme: "world", ID: "nobody"},
			zkapi.ACL{Perms: perms, Scheme: "auth", ID: ""},
			zkapi.ACL{Perms: perms, Scheme: "auth", ID: "anything"},
			zkapi.ACL{Perms: perms, Scheme: "digest", ID: zkapi.DigestID("u", "p")},
			zkapi.ACL{Perms: perms, Scheme: "digest", ID: oneOf(r, "", "u", "u:", ":p", "u:p:q", "u:p:", "::", ":")},
			zkapi.ACL{Perms: perms, Scheme: "ip", ID: "ADDRESS" + oneOf(r, "", "/32", "/8", "/24", "/0")},
			zkapi.ACL{Perms: perms, Scheme: "ip", ID: oneOf(r, "0.0.0.0/0", "1.2.3.4", "1.2.3", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "::1", "a", "", "01.2.3.4", "+1.2.3.4", "1.2.3.4/+8")},
			zkapi.ACL{Perms: perms, Scheme: oneOf(r, "", "none", "sasl", "x509", "super"), ID: "a"},
		)
	}
	var acl []zkapi.ACL
	for range r.IntN(4) {
		acl = append(acl, one())
	}
	if len(acl) > 0 && r.IntN(4) == 0 {
		acl = append(acl, acl[0])
	}
	return acl
}

func encodeACL(to *jute.Encoder, acl []zkapi.ACL) {
	to.Int32(int32(len(acl)))
	for _, a := range acl {
		to.Int32(int32(a.Perms))
		to.String(a.Scheme)
		to.String(a.ID)
	}
}

func (c *rawClient) encodeACL(to *jute.Encoder, acl []zkapi.ACL) {
	here := slices.Clone(acl)
	for i := range here {
		here[i].ID = strings.ReplaceAll(here[i].ID, "ADDRESS", c.ip)
	}
	encodeACL(to, here)
}

func (r rawDraw) create() rawRequest {
	op := oneOf(r, rawCreate, rawCreate, rawCreate, rawCreate2, rawCreate2, rawCreateContainer, rawCreateTTL)
	path, data, acl := r.path(), r.data(), r.acl()
	flags := oneOf[int32](r, 0, 0, 0, 0, 1, 1, 2, 3)
	ttl := int64(0)
	switch {
	case op == rawCreateTTL:
		// Other flags, and a time that is not positive or too long, make 3.8.0 unusable.
		flags, ttl = oneOf[int32](r, 5, 6), oneOf[int64](r, 1_000_000, 1<<40-1)
	case op == rawCreateContainer && r.IntN(4) > 0:
		flags = 4
	case r.IntN(20) == 0:
		flags = oneOf[int32](r, 4, 5, 6, 7, 9, -1)
	}
	if flags == 2 || flags == 3 || flags == 6 {
		path += oneOf(r, "", "/", "/q-")
	}
	if path == "R" && (flags == 2 || flags == 3 || flags == 6) || foreign(path) && (flags == 2 || flags == 3 || flags == 6 || strings.Contains(path, "none")) {
		path = "R/q-" // nothing is made outside of the root
	}
	return rawRequest{op, fmt.Sprintf("create (%d) %q data %q acl %v flags %d ttl %d", op, path, data, acl, flags, ttl), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Buffer(data)
		c.encodeACL(to, acl)
		to.Int32(flags)
		if op == rawCreateTTL {
			to.Int64(ttl)
		}
	}, false, path != null && (op == rawCreate && flags >= 0 && flags <= 3 || op == rawCreateContainer && flags == 4 || op == rawCreateTTL)}
}

func (r rawDraw) delete() rawRequest {
	path, version := r.path(), r.version()
	if path == "R" {
		path = "R/a"
	}
	return rawRequest{rawDelete, fmt.Sprintf("delete %q version %d", path, version), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Int32(version)
	}, false, path != null}
}

// set leaves the znodes that all sequences share as they are: their versions are never 1<<30.
func (r rawDraw) set() rawRequest {
	path, data, version := r.path(), r.data(), r.version()
	if foreign(path) {
		version = 1 << 30
	}
	return rawRequest{rawSet, fmt.Sprintf("set %q data %q version %d", path, data, version), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Buffer(data)
		to.Int32(version)
	}, false, path != null}
}

func (r rawDraw) check() rawRequest {
	path, version := r.path(), r.version()
	return rawRequest{rawCheck, fmt.Sprintf("check %q version %d", path, version), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Int32(version)
	}, false, path != null}
}

func (r rawDraw) setACL() rawRequest {
	path, acl, version := r.path(), r.acl(), r.version()
	if foreign(path) {
		version = 1 << 30
	}
	return rawRequest{rawSetACL, fmt.Sprintf("set the ACL of %q to %v, version %d", path, acl, version), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		c.encodeACL(to, acl)
		to.Int32(version)
	}, false, path != null}
}

func (r rawDraw) getACL() rawRequest { return r.onePath("the ACL of", rawGetACL) }

func (r rawDraw) onePath(text string, op int32) rawRequest {
	path := r.path()
	if op == rawCountChildren && (path == "/" || path == "") {
		path = "R" // other sequences leave znodes behind
	}
	return rawRequest{op, fmt.Sprintf("%s %q", text, path), func(c *rawClient, to *jute.Encoder) { c.putPath(to, path) }, false, true}
}

func (r rawDraw) read() rawRequest {
	op := oneOf(r, rawExists, rawGet, rawChildren, rawChildren2)
	path, watch := r.path(), r.IntN(2) == 0
	if path == "/" {
		watch = false // other clients are at work there
	}
	name := map[int32]string{rawExists: "exists", rawGet: "get", rawChildren: "children", rawChildren2: "children2"}[op]
	return rawRequest{op, fmt.Sprintf("%s %q watch %v", name, path, watch), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Bool(watch)
	}, op == rawExists && r.closed, true}
}

func (r rawDraw) watch(text string, op int32, kinds ...int32) rawRequest {
	path, kind := r.path(), oneOf(r, kinds...)
	return rawRequest{op, fmt.Sprintf("%s %d on %q", text, kind, path), func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Int32(kind)
	}, op != rawRemoveWatches || kind > 3, true}
}

// multi has parts; rarely one that is no part of a multi.
func (r rawDraw) multi() rawRequest {
	var parts []rawRequest
	for range r.IntN(5) {
		draw := oneOf(r, rawDraw.create, rawDraw.create, rawDraw.delete, rawDraw.set, rawDraw.check)
		if r.IntN(40) == 0 {
			draw = oneOf(r, rawDraw.read, rawDraw.setACL)
		}
		parts = append(parts, draw(r))
	}
	return joined(rawMulti, "multi", parts)
}

func (r rawDraw) multiRead() rawRequest {
	var parts []rawRequest
	for range r.IntN(4) {
		part := r.read()
		for part.op != rawGet && part.op != rawChildren {
			part = r.read()
		}
		if r.IntN(20) == 0 {
			part = oneOf(r, rawDraw.create, rawDraw.delete, rawDraw.read)(r)
		}
		parts = append(parts, part)
	}
	return joined(rawMultiRead, "multi read", parts)
}

func joined(op int32, text string, parts []rawRequest) rawRequest {
	var texts []string
	for _, part := range parts {
		texts = append(texts, part.text)
	}
	return rawRequest{op, text + " [" + strings.Join(texts, "; ") + "]", func(c *rawClient, to *jute.Encoder) {
		for _, part := range parts {
			to.Int32(part.op)
			to.Bool(false)
			to.Int32(-1)
			part.body(c, to)
		}
		to.Int32(-1)
		to.Bool(true)
		to.Int32(-1)
	}, slices.ContainsFunc(parts, func(q rawRequest) bool { return !q.part }), true}
}

func (r rawDraw) setWatches() rawRequest {
	op := oneOf(r, rawSetWatches, rawSetWatches2)
	var lists [5][]string
	for i := range lists {
		for range r.IntN(3) {
			if path := r.path(); path != "/" {
				lists[i] = append(lists[i], path)
			}
		}
	}
	before := oneOf(r, 0, 1, 2, 5, 100)
	return rawRequest{op, fmt.Sprintf("set watches (%d) %q, %d before the last zxid", op, lists, before), func(c *rawClient, to *jute.Encoder) {
		to.Int64(max(c.side.base, c.seen-int64(before)))
		for i, list := range lists {
			if i < 3 || op == rawSetWatches2 {
				to.Int32(int32(len(list)))
				for _, path := range list {
					c.putPath(to, path)
				}
			}
		}
	}, op == rawSetWatches2 && len(lists[3])+len(lists[4]) > 0, true}
}

func (r rawDraw) auth() rawRequest {
	scheme, credentials := oneOf(r, "digest", "digest", "digest", "digest", "ip", "world", "none", ""), oneOf(r, "u:p", "u:p", "v:q", "u", ":", "u:p:q", "")
	return rawRequest{rawAuth, fmt.Sprintf("authenticate as %s %q", scheme, credentials), func(_ *rawClient, to *jute.Encoder) {
		to.Int32(0)
		to.String(scheme)
		to.Buffer([]byte(credentials))
	}, false, true}
}

// odd is a request that no server carries out. A createSession (-10), a deleteContainer (20)
// and SASL (102) are no requests of a client without SASL; they are left out.
func (r rawDraw) odd() rawRequest {
	op := oneOf(r, rawCheck, rawReconfig, 0, 10, 23, 99, 108, -1, -100, 1<<30)
	return rawRequest{op, fmt.Sprintf("request %d", op), func(c *rawClient, to *jute.Encoder) {
		to.String(c.at("R/a"))
		to.Int32(-1)
		to.Int64(-1)
	}, op == rawCheck, true}
}
