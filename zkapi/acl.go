package zkapi

import (
	"crypto/sha1" // ZooKeeper's digest scheme is made of it
	"encoding/base64"
)

// Perm is a set of permissions, with ZooKeeper's own bits.
type Perm int32

// The permissions. Create and Delete are about a znode's children.
const (
	PermRead Perm = 1 << iota
	PermWrite
	PermCreate
	PermDelete
	PermAdmin
	PermAll = PermRead | PermWrite | PermCreate | PermDelete | PermAdmin
)

// ACL gives one identity permissions on one znode.
type ACL struct {
	Perms  Perm
	Scheme string // world, auth, digest, x509, ...
	ID     string
}

// DigestID is the identity that a user with that password has in ACLs of the
// scheme digest: user:base64(sha1(user:password)), as ZooKeeper's
// DigestAuthenticationProvider computes it. It can be told; the password cannot
// be read from it, though a weak one can be guessed.
func DigestID(user, password string) string {
	sum := sha1.Sum([]byte(user + ":" + password))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}
