package serve

import (
	"crypto/sha1" // it is ZooKeeper's default
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// identity is who a connection is, in one scheme.
type identity struct{ scheme, id string }

// authenticate adds the identity that credentials show, or returns zkapi.ErrAuthFailed.
func (c *conn) authenticate(scheme string, credentials []byte) error {
	switch scheme {
	case "digest":
		if credentials == nil {
			break
		}
		if id := (identity{scheme, digestID(string(credentials))}); !slices.Contains(c.ids, id) {
			c.ids = append(c.ids, id)
		}
		return nil
	case "ip":
		return nil // every connection has it from the beginning
	}
	return zkapi.ErrAuthFailed
}

// permit is the zk.Permit of whoever uses the connection.
func (c *conn) permit(acl []zkapi.ACL, need zkapi.Perm) error {
	if acl == nil {
		return nil
	}
	for _, a := range acl {
		if a.Perms&need == 0 {
			continue
		}
		if a.Scheme == "world" && a.ID == "anyone" {
			return nil
		}
		for _, id := range c.ids {
			if id.scheme == a.Scheme && (id.id == a.ID || id.scheme == "ip" && inRange(id.id, a.ID)) {
				return nil
			}
		}
	}
	return zkapi.ErrNoAuth
}

// digestID is the identity that credentials show. They have the form user:password, but a
// server takes any.
func digestID(credentials string) string {
	user, password, both := strings.Cut(credentials, ":")
	if both {
		return zkapi.DigestID(user, password)
	}
	sum := sha1.Sum([]byte(credentials))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// inRange reports whether an address is in a range such as 10.0.0.0/8. Servers know ranges of
// IPv4 only.
func inRange(address, of string) bool {
	ip, _, ok := ipRange(address)
	in, bits, also := ipRange(of)
	mask := ^uint32(0) << (32 - bits)
	return ok && also && ip&mask == in&mask
}

// ipRange reads an address, or a range of them, as Java does.
func ipRange(text string) (ip uint32, bits int, ok bool) {
	address, length, ranged := strings.Cut(text, "/")
	parts := strings.Split(address, ".")
	if len(parts) != 4 {
		return 0, 0, false
	}
	for _, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 255 {
			return 0, 0, false
		}
		ip = ip<<8 | uint32(n)
	}
	bits = 32
	if ranged {
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > 32 {
			return 0, 0, false
		}
		bits = n
	}
	return ip, bits, true
}

// settle is the ACL that a znode gets for the one that a client asks for: it replaces the
// scheme auth by the identities of the connection. It is nil for openACL. It fails with
// zkapi.ErrInvalidACL.
func (c *conn) settle(asked []zkapi.ACL) ([]zkapi.ACL, error) {
	var acl []zkapi.ACL
	for i, a := range asked {
		switch {
		case slices.Contains(asked[:i], a):
		case a.Scheme == "world" && a.ID == "anyone":
			acl = append(acl, a)
		case a.Scheme == "auth":
			shown := false
			for _, id := range c.ids {
				if id.scheme != "ip" {
					shown = true
					acl = append(acl, zkapi.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if !shown {
				return nil, zkapi.ErrInvalidACL
			}
		case a.Scheme == "digest" && len(javaSplit(a.ID, ":")) == 2, a.Scheme == "ip" && isRange(a.ID):
			acl = append(acl, a)
		default:
			return nil, zkapi.ErrInvalidACL
		}
	}
	switch {
	case len(acl) == 0:
		return nil, zkapi.ErrInvalidACL
	case slices.Equal(acl, openACL):
		return nil, nil // as most znodes have it, so that they need no memory for it
	}
	return acl, nil
}

func isRange(id string) bool {
	_, _, ok := ipRange(id)
	return ok
}

// openACL is the ACL of a znode that has none of its own.
var openACL = []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}
