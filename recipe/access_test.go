package recipe

import (
	"crypto/md5" // these are for the length of their sums
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestAccess_OneIdentityMayPlayAllRoles: what the roles may do adds up, and nobody else may
// do anything.
func TestAccess_OneIdentityMayPlayAllRoles(t *testing.T) {
	me := zkapi.DigestID("me", "secret")
	one := Access{Master: []string{me}, Worker: []string{me}, Client: []string{me}}
	if err := one.check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  []zkapi.ACL
		want zkapi.Perm
	}{
		{"/workers", one.workers(), zkapi.PermRead | zkapi.PermCreate | zkapi.PermDelete},
		{"/tasks", one.tasks(), zkapi.PermRead | zkapi.PermCreate | zkapi.PermDelete | zkapi.PermWrite},
		{"/assign", one.assign(), zkapi.PermAll},
		{"/master", one.master(), zkapi.PermAll},
		{"/assign/<w>", one.inbox(), zkapi.PermAll},
		{"/tasks/<t>", one.task(), zkapi.PermAll},
		{"a status", one.record(), zkapi.PermRead},
	} {
		if want := []zkapi.ACL{{Perms: c.want, Scheme: "digest", ID: me}}; !slices.Equal(c.got, want) {
			t.Errorf("%s: %+v, want %+v", c.what, c.got, want)
		}
	}
}

// TestAccess_TakesDigestsOfAnyHash: the servers may use any hash that their Java has.
func TestAccess_TakesDigestsOfAnyHash(t *testing.T) {
	with := func(hash string) error {
		id := "me:" + hash
		return Access{Master: []string{id}, Worker: []string{id}, Client: []string{id}}.check()
	}
	for _, size := range []int{md5.Size, sha1.Size, sha256.Size224, sha256.Size, sha512.Size384, sha512.Size, 100} {
		if err := with(base64.StdEncoding.EncodeToString(make([]byte, size))); err != nil {
			t.Errorf("a hash of %d bytes: %v", size, err)
		}
	}
	for _, none := range []string{"", "password", "not base64 at all!", "AAAAAAAAAAAAAAAAAAAAAA"} {
		if err := with(none); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v, want %v", none, err, ErrInvalid)
		}
	}
}
