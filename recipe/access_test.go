package recipe

import (
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
