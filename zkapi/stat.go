package zkapi

// Owner says what a znode's EphemeralOwner means. Only an ephemeral of a session
// shows that its creator is alive: every other znode stays when its creator dies.
type Owner uint8

// The owners that a znode can have.
const (
	OwnerNone      Owner = iota // the znode is persistent
	OwnerSession                // the znode is ephemeral: it goes with that session
	OwnerContainer              // the server deletes the znode when it has become empty
	OwnerTTL                    // the server deletes the znode when it has not changed for a while
)

var ownerNames = [...]string{OwnerNone: "persistent", OwnerSession: "ephemeral", OwnerContainer: "container", OwnerTTL: "TTL"}

// String is ZooKeeper's word for a znode with that owner.
func (o Owner) String() string { return ownerNames[o] }

// A server writes its own kinds of znodes into the field where an ephemeral has its
// session. A container has containerOwner. A TTL znode has the top byte 0xFF, two
// bytes 0 that say TTL, and the TTL in milliseconds.
const (
	containerOwner int64  = -1 << 63
	ttlMask        uint64 = 0xFFFF_FF00_0000_0000
	ttlOwner       uint64 = 0xFF00_0000_0000_0000
)

// Owner says what EphemeralOwner means.
//
// A session id begins with the id of the server that granted it, so a TTL znode
// looks like a session of a server with id 255. ZooKeeper allows that id only where
// TTL znodes are switched off. Owner then takes sessions of that server for TTL
// znodes, if the server's machine was started less than five hours before: give
// servers ids up to 254.
func (s Stat) Owner() Owner {
	switch {
	case s.EphemeralOwner == 0:
		return OwnerNone
	case s.EphemeralOwner == containerOwner:
		return OwnerContainer
	case uint64(s.EphemeralOwner)&ttlMask == ttlOwner:
		return OwnerTTL
	}
	return OwnerSession
}

// Alive reports whether the znode is an ephemeral of a session. The zero Stat, that
// of a znode that does not exist, is not.
func (s Stat) Alive() bool { return s.Owner() == OwnerSession }
