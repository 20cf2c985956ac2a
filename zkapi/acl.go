package zkapi

import (
	"crypto"
	"crypto/sha1" // ZooKeeper's digest scheme is made of it
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// DigestID is the identity that a user with that password has in ACLs of the scheme digest:
// user:base64(sha1(user:password)), as ZooKeeper's DigestAuthenticationProvider computes it.
// It is safe to publish: the password cannot be computed from it, though a weak password can
// be guessed.
//
// For servers with another digestAlg than the default use [DigestIDWith].
func DigestID(user, password string) string {
	sum := sha1.Sum([]byte(user + ":" + password))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// digestAlgorithms are the hashes that servers can use, by their names in Java.
var digestAlgorithms = map[string]crypto.Hash{
	"SHA1": crypto.SHA1, "SHA-1": crypto.SHA1, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
	"SHA3-256": crypto.SHA3_256, "SHA3-384": crypto.SHA3_384, "SHA3-512": crypto.SHA3_512,
}

// DigestIDWith is DigestID for servers whose setting
// zookeeper.DigestAuthenticationProvider.digestAlg names that algorithm: SHA1 (the default),
// SHA-256, SHA-384, SHA-512, or SHA3-256 to SHA3-512. It fails for other algorithms. The
// servers compute the identity of a connection themselves, so an identity made with another
// algorithm never matches.
func DigestIDWith(algorithm, user, password string) (string, error) {
	hash, known := digestAlgorithms[strings.ToUpper(algorithm)]
	if !known {
		return "", fmt.Errorf("zkapi: digest algorithm %q: choose one of %s", algorithm, strings.Join(slices.Sorted(maps.Keys(digestAlgorithms)), ", "))
	}
	h := hash.New()
	_, _ = h.Write([]byte(user + ":" + password)) // never fails
	return user + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
