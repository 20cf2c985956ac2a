package history

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestParseZnode_KnowsTheFolders of a queue, and nothing else.
func TestParseZnode_KnowsTheFolders(t *testing.T) {
	for path, want := range map[string]struct {
		folder Folder
		place  Place
		item   string
	}{
		"/queues/a/entries/entry-100-0000000007":         {Line, Place{100, 7}, "/queues/a/entries/entry-100-0000000007"},
		"/queues/a/taken/entry-050-0000000001":           {Claims, Place{50, 1}, "/queues/a/entries/entry-050-0000000001"},
		"/queues/a/delayed/1700000000000-100-0000000000": {Delayed, Place{}, "/queues/a/delayed/1700000000000-100-0000000000"},
		"/queues/a/dead/entry-100-0000000001":            {Dead, Place{}, "/queues/a/dead/entry-100-0000000001"},
		"/queues/a/lanes/u-0":                            {Lanes, Place{}, ""},
		"/queues/a/entries/entry-100-":                   {},
		"/queues/a/entries/entry-x-0000000007":           {},
		"/queues/a/entries/other-100-0000000007":         {},
		"/queues/a/entries":                              {},
		"/queues/a/entries/entry-100-0000000007/below":   {},
		"/queues/a/strange/entry-100-0000000007":         {},
		"/elsewhere/a/entries/entry-100-0000000007":      {},
	} {
		z, is := ParseZnode(path)
		if is != (want.folder != "") || is && (z.Folder != want.folder || z.Place != want.place || z.Queue != "/queues/a") || ItemOf(path) != want.item {
			t.Errorf("%s: %+v, %v, of %q", path, z, is, ItemOf(path))
		}
	}
}

// TestPlace_Before: the priority counts first, then the number.
func TestPlace_Before(t *testing.T) {
	for _, c := range []struct {
		a, b   Place
		before bool
	}{
		{Place{50, 9}, Place{100, 1}, true}, {Place{100, 1}, Place{50, 9}, false}, {Place{100, 1}, Place{100, 2}, true}, {Place{100, 2}, Place{100, 2}, false},
	} {
		if got := c.a.Before(c.b); got != c.before {
			t.Errorf("%v before %v: %v", c.a, c.b, got)
		}
	}
}

// TestLedgers_BelongToTheirQueues: each is read as it is named.
func TestLedgers_BelongToTheirQueues(t *testing.T) {
	queue, is := ParseLedger(LedgerOf("/queues/a"))
	if !is || queue != "/queues/a" {
		t.Errorf("%s, %v", queue, is)
	}
	for _, path := range []string{"/ledgers", "/ledgers/", "/ledgers/a/b", "/queues/a"} {
		if _, is := ParseLedger(path); is {
			t.Errorf("%s is read as a ledger", path)
		}
	}
}

// TestIDOf_IsThatOfThePayload of an item, and nothing else has one.
func TestIDOf_IsThatOfThePayload(t *testing.T) {
	const path = "/queues/a/entries/entry-100-0000000007"
	payload := Item{ID: "x", Poison: true}.String()
	for _, c := range []struct{ path, data, want string }{
		{path, payload, "x"}, {path, "other", ""}, {path, "{}", ""}, {"/queues/a/lanes/u-0", payload, ""}, {"/queues/a", payload, ""},
	} {
		if got := IDOf(c.path, c.data); got != c.want {
			t.Errorf("%s, %s: %q", c.path, c.data, got)
		}
	}
}

// TestChangeOf_FindsWhatAWriteDid: a take raises the version of the item, which is its token.
func TestChangeOf_FindsWhatAWriteDid(t *testing.T) {
	const item, claim, dead = "/queues/a/entries/entry-100-0000000007", "/queues/a/taken/entry-100-0000000007", "/queues/a/dead/entry-100-0000000000"
	op := func(kind, path string) record.Op { return record.Op{Kind: kind, Path: path} }
	set := record.Op{Kind: "set", Path: item, Version: 2, Data: "x"}
	entry := record.Op{Kind: "set", Path: "/ledgers/a", Data: Entry{Item: "x", Token: 3, N: 1}.String()}
	for name, c := range map[string]struct {
		ops                               []record.Op
		made, gone, taken, ended, entries int
		token                             int32
	}{
		"put":                    {[]record.Op{op("create", item)}, 1, 0, 0, 0, 0, 0},
		"taken":                  {[]record.Op{set, op("create", claim)}, 0, 0, 1, 0, 0, 3},
		"taken, as it was done":  {[]record.Op{{Kind: "set", Path: item, Got: 9}, op("create", claim)}, 0, 0, 1, 0, 0, 9},
		"taken by hand":          {[]record.Op{op("create", claim)}, 0, 0, 1, 0, 0, 0},
		"given back":             {[]record.Op{op("delete", claim)}, 0, 0, 0, 1, 0, 0},
		"consumed":               {[]record.Op{op("delete", claim), op("delete", item), entry}, 0, 1, 0, 1, 1, 0},
		"a dead letter":          {[]record.Op{op("create", claim), op("delete", claim), op("delete", item), op("create", dead)}, 1, 1, 0, 0, 0, 0},
		"a write of a consumer":  {[]record.Op{op("check", claim), entry}, 0, 0, 0, 0, 1, 0},
		"nothing that is of use": {[]record.Op{op("set", "/queues/a/lanes/u-0"), op("create", "/queues/a"), {Kind: "set", Path: "/ledgers/a", Data: "x"}}, 0, 0, 0, 0, 0, 0},
	} {
		got := ChangeOf(c.ops)
		if len(got.Made) != c.made || len(got.Gone) != c.gone || len(got.Taken) != c.taken || len(got.Ended) != c.ended || len(got.Entries) != c.entries {
			t.Errorf("%s: %+v", name, got)
		}
		if c.taken > 0 && got.Taken[0].Token != c.token {
			t.Errorf("%s: token %d", name, got.Taken[0].Token)
		}
	}
	z, _ := ParseZnode(claim)
	taken := Taken{z, 3}
	for ok, ops := range map[bool][]record.Op{
		true:  {{Kind: "check", Path: item, Version: 3}, entry},
		false: {{Kind: "check", Path: item, Version: 2}, {Kind: "check", Path: "/queues/a/taken/entry-100-0000000008"}, entry},
	} {
		if taken.Checks(ops) != ok {
			t.Errorf("%+v: it checks is %v", ops, !ok)
		}
	}
}
