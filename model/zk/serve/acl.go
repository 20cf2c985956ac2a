package serve

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// identity is who a connection is, in one scheme.
type identity struct{ scheme, id string }

// authenticate adds the identity that credentials show, or returns zkapi.ErrAuthFailed.
func (c *conn) authenticate(scheme string, credentials []byte) error {
	switch scheme {
	case "digest":
		user, password, _ := strings.Cut(string(credentials), ":")
		if id := (identity{scheme, zkapi.DigestID(user, password)}); !slices.Contains(c.ids, id) {
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

// inRange reports whether an address is in a range such as 10.0.0.0/8.
func inRange(address, of string) bool {
	ip, err := netip.ParseAddr(address)
	prefix, bad := netip.ParsePrefix(of)
	return err == nil && bad == nil && prefix.Contains(ip)
}

// settle is the ACL that a znode gets for the one that a client asks for: it replaces the
// scheme auth by the identities of the connection. It fails with zkapi.ErrInvalidACL.
func (c *conn) settle(asked []zkapi.ACL) ([]zkapi.ACL, error) {
	var acl []zkapi.ACL
	add := func(a zkapi.ACL) {
		if !slices.Contains(acl, a) {
			acl = append(acl, a)
		}
	}
	for _, a := range asked {
		switch {
		case a.Scheme == "world" && a.ID == "anyone":
			add(a)
		case a.Scheme == "auth":
			shown := false
			for _, id := range c.ids {
				if id.scheme != "ip" {
					shown = true
					add(zkapi.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if !shown {
				return nil, zkapi.ErrInvalidACL
			}
		case a.Scheme == "digest" && strings.Count(a.ID, ":") == 1, a.Scheme == "ip" && isRange(a.ID):
			add(a)
		default:
			return nil, zkapi.ErrInvalidACL
		}
	}
	if len(acl) == 0 {
		return nil, zkapi.ErrInvalidACL
	}
	return acl, nil
}

// isRange reports whether the id of an ACL is an address or a range of them.
func isRange(id string) bool {
	_, address := netip.ParseAddr(id)
	_, prefix := netip.ParsePrefix(id)
	return address == nil || prefix == nil
}

// open is the ACL of a znode that has none of its own.
var openACL = []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}
