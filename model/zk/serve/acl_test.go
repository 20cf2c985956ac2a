package serve_test

import (
	"errors"
	"fmt"
	"testing"

	lib "github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// TestServe_ACLs has what a real server makes of the ACLs that a client asks for; "" is a
// refusal.
func TestServe_ACLs(t *testing.T) {
	_, address := start(t, serve.Options{})
	c := dial(t, address)
	if err := c.AddAuth("digest", []byte("u:p")); err != nil {
		t.Fatal(err)
	}
	const digest = "31 digest u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=;"
	for asked, want := range map[lib.ACL]string{
		{Perms: 31, Scheme: "world", ID: "anyone"}:  "31 world anyone;",
		{Perms: 31, Scheme: "world", ID: "nobody"}:  "",
		{Perms: 31, Scheme: "auth", ID: "anything"}: digest,
		{Perms: 31, Scheme: "digest", ID: "u"}:      "",
		{Perms: 31, Scheme: "digest", ID: "u:"}:     "",
		{Perms: 31, Scheme: "digest", ID: ":p"}:     "31 digest :p;",
		{Perms: 31, Scheme: "digest", ID: "u:p:"}:   "31 digest u:p:;",
		{Perms: 31, Scheme: "digest", ID: "u:p:q"}:  "",
		{Perms: 31, Scheme: "ip", ID: "1.2.3.4"}:    "31 ip 1.2.3.4;",
		{Perms: 31, Scheme: "ip", ID: "1.2.3.4/32"}: "31 ip 1.2.3.4/32;",
		{Perms: 31, Scheme: "ip", ID: "1.2.3.4/33"}: "",
		{Perms: 31, Scheme: "ip", ID: "1.2.3.256"}:  "",
		{Perms: 31, Scheme: "ip", ID: "::1"}:        "",
		{Perms: 31, Scheme: "sasl", ID: "a"}:        "",
	} {
		// What is asked for twice is there once.
		path, err := c.Create("/acl", nil, 0, []lib.ACL{asked, asked})
		if (err != nil) != (want == "") || err != nil && !errors.Is(err, lib.ErrInvalidACL) {
			t.Errorf("%+v: %v", asked, err)
		}
		if err != nil {
			continue
		}
		acl, _, err := c.GetACL(path)
		got := ""
		for _, a := range acl {
			got += fmt.Sprintf("%d %s %s;", a.Perms, a.Scheme, a.ID)
		}
		if err == nil && got != want || err != nil && !errors.Is(err, lib.ErrNoAuth) { // somebody else's
			t.Errorf("%+v: it is %q, want %q, %v", asked, got, want, err)
		}
		if err := c.Delete(path, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServe_CredentialsWithoutAPassword: a server hashes whatever it gets.
func TestServe_CredentialsWithoutAPassword(t *testing.T) {
	_, address := start(t, serve.Options{})
	c := dial(t, address)
	if err := c.AddAuth("digest", []byte("u")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create("/a", nil, 0, lib.AuthACL(lib.PermAll)); err != nil {
		t.Fatal(err)
	}
	acl, _, err := c.GetACL("/a")
	if want := "u:UeaYkqtJ34XGIwzMV/jh0WBsrMw="; err != nil || len(acl) != 1 || acl[0].ID != want {
		t.Errorf("the ACL is %+v, %v, want one for %s", acl, err, want)
	}
}
