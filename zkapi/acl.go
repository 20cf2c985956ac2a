package zkapi

import (
	"crypto"
	_ "crypto/md5"
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
	"MD5": crypto.MD5, "SHA": crypto.SHA1, "SHA1": crypto.SHA1,
	"SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
	"SHA-512/224": crypto.SHA512_224, "SHA-512/256": crypto.SHA512_256,
	"SHA3-224": crypto.SHA3_224, "SHA3-256": crypto.SHA3_256, "SHA3-384": crypto.SHA3_384, "SHA3-512": crypto.SHA3_512,
}

// digestAlgorithm finds a hash by its name, with or without capitals and hyphens: SHA-256 is
// sha256, too.
func digestAlgorithm(name string) (crypto.Hash, bool) {
	plain := func(name string) string {
		return strings.NewReplacer("-", "", "_", "", "/", "").Replace(strings.ToUpper(name))
	}
	for known, hash := range digestAlgorithms {
		if plain(known) == plain(name) {
			return hash, true
		}
	}
	return 0, false
}

// DigestIDWith is DigestID for servers whose setting
// zookeeper.DigestAuthenticationProvider.digestAlg names that algorithm: SHA1 (the default),
// SHA-256, SHA-512, SHA3-256 and so on; sha256 is SHA-256. It fails for algorithms that Java
// or Go does not have. The servers compute the identity of a connection themselves, so an
// identity made with another algorithm never matches.
func DigestIDWith(algorithm, user, password string) (string, error) {
	hash, known := digestAlgorithm(algorithm)
	if !known {
		return "", fmt.Errorf("zkapi: digest algorithm %q: choose one of %s", algorithm, strings.Join(slices.Sorted(maps.Keys(digestAlgorithms)), ", "))
	}
	h := hash.New()
	_, _ = h.Write([]byte(user + ":" + password)) // never fails
	return user + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
