package history

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestParseContender_KnowsEveryLayout, and nothing else.
func TestParseContender_KnowsEveryLayout(t *testing.T) {
	for path, want := range map[string]Contender{
		"/locks/a/x-W-0000000001":                {Lock: "/locks/a", Mode: Exclusive, Sequence: 1},
		"/locks/a/x-R-0000000012":                {Lock: "/locks/a", Mode: Shared, Sequence: 12},
		"/locks/a/x-S-0000000003":                {Lock: "/locks/a", Mode: Permit, Sequence: 3},
		"/locks/a/_c_1f-lock-0000000004":         {Lock: "/locks/a", Mode: Exclusive, Sequence: 4},
		"/locks/a/_c_1f-__WRIT__0000000005":      {Lock: "/locks/a", Mode: Exclusive, Sequence: 5},
		"/locks/a/_c_1f-__READ__0000000006":      {Lock: "/locks/a", Mode: Shared, Sequence: 6},
		"/locks/a/1f__lock__0000000007":          {Lock: "/locks/a", Mode: Exclusive, Sequence: 7},
		"/locks/a/1f__rlock__0000000008":         {Lock: "/locks/a", Mode: Shared, Sequence: 8},
		"/locks/a/lock":                          {Lock: "/locks/a", Mode: Exclusive},
		"/locks/a":                               {},
		"/locks/a/note":                          {},
		"/locks/a/b/x-W-0000000001":              {},
		"/ledgers/a/x-W-0000000001":              {},
		"/locks/a/x-W-00000000ab":                {},
		"/locks/a/a-name-without-any-0000000001": {},
	} {
		got, is := ParseContender(path)
		if want.Lock != "" {
			want.Path = path
		}
		if is != (want.Lock != "") || is && got != want {
			t.Errorf("%s: %+v, %v", path, got, is)
		}
	}
}

// TestLedgers_OfEachMode: each is read as it is named, and belongs to its lock.
func TestLedgers_OfEachMode(t *testing.T) {
	for _, mode := range []Mode{Exclusive, Shared, Permit} {
		ledger := LedgerOf("/locks/a-b", mode)
		lock, read, is := ParseLedger(ledger)
		if !is || lock != "/locks/a-b" || read != mode || LockOf(ledger) != "/locks/a-b" {
			t.Errorf("%s: %s, %s, %v", ledger, lock, read, is)
		}
	}
	for path, want := range map[string]string{"/locks": "", "/locks/a": "/locks/a", "/locks/a/x-W-0000000001": "/locks/a", "/ledgers": "", "/ledgers/a": "", "/other/a": ""} {
		if got := LockOf(path); got != want {
			t.Errorf("%s belongs to %q", path, got)
		}
	}
}

// TestChangeOf_FindsWhatAWriteDid: a grant is one write, and its token is the version after it.
func TestChangeOf_FindsWhatAWriteDid(t *testing.T) {
	const mine = "/locks/a/x-W-0000000001"
	set := func(path string, version, got int32) record.Op {
		return record.Op{Kind: "set", Path: path, Version: version, Got: got}
	}
	entry := record.Op{Kind: "set", Path: "/ledgers/a-exclusive", Data: Entry{Token: 7, N: 2}.String()}
	for name, c := range map[string]struct {
		ops                          []record.Op
		joined, granted, left, wrote int
		token                        int32
	}{
		"joins":                      {[]record.Op{{Kind: "create", Path: mine, Ephemeral: true}}, 1, 0, 0, 0, 0},
		"made by hand":               {[]record.Op{{Kind: "create", Path: mine}}, 0, 0, 0, 0, 0},
		"granted, as it was asked":   {[]record.Op{{Kind: "check", Path: mine}, set(mine, 0, 0), set("/locks/a", 6, 0)}, 0, 1, 0, 0, 7},
		"granted alone":              {[]record.Op{{Kind: "check", Path: mine}, set("/locks/a", 6, 0)}, 0, 1, 0, 0, 7},
		"granted, as it was applied": {[]record.Op{{Kind: "check", Path: mine}, set(mine, 0, 1), set("/locks/a", 0, 9)}, 0, 1, 0, 0, 9},
		"granted in the simple form": {[]record.Op{{Kind: "create", Path: "/locks/a/lock", Ephemeral: true}, set("/locks/a", 3, 0)}, 1, 1, 0, 0, 4},
		"set by another":             {[]record.Op{set(mine, -1, 2)}, 0, 0, 0, 0, 0},
		"leaves":                     {[]record.Op{{Kind: "check", Path: mine}, {Kind: "delete", Path: mine}, set("/locks/a", 7, 8)}, 0, 0, 1, 0, 0},
		"writes":                     {[]record.Op{{Kind: "check", Path: mine}, entry}, 0, 0, 0, 1, 0},
	} {
		got := ChangeOf(c.ops)
		if len(got.Joined) != c.joined || len(got.Granted) != c.granted || len(got.Left) != c.left || len(got.Entries) != c.wrote {
			t.Errorf("%s: %+v", name, got)
		}
		if c.granted > 0 && got.Granted[0].Token != c.token {
			t.Errorf("%s: token %d", name, got.Granted[0].Token)
		}
	}
	for data, asks := range map[string]bool{"__REVOKE__": true, "{}": false} {
		got := ChangeOf([]record.Op{{Kind: "set", Path: mine, Data: data}})
		if (len(got.Asked) == 1 && got.Asked[0] == mine) != asks {
			t.Errorf("%s: %v", data, got.Asked)
		}
	}
	grant := Grant{Contender{Path: mine, Lock: "/locks/a"}, 7}
	for ok, ops := range map[bool][]record.Op{
		true:  {{Kind: "check", Path: "/locks/a", Version: 7}, entry},
		false: {{Kind: "check", Path: "/locks/a", Version: 8}, {Kind: "check", Path: "/locks/a/y-W-0000000002"}, entry},
	} {
		if grant.Checks(ops) != ok {
			t.Errorf("%+v: it checks is %v", ops, !ok)
		}
	}
}
