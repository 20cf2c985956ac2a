package zk

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// grow applies writes that must be taken, in the name of session 1.
func grow(t *testing.T, tree Tree, ops ...zkapi.Op) Tree {
	t.Helper()
	for _, op := range ops {
		next, _, _, err := tree.Write(op, 1)
		if err != nil {
			t.Fatal(err)
		}
		tree = next
	}
	return tree
}

// TestTree_RootCannotBeDeleted checks ZooKeeper's rule for the root: deleting it is a bad
// argument, whatever is below it.
func TestTree_RootCannotBeDeleted(t *testing.T) {
	for _, tree := range []Tree{NewTree(), NewStructuralTree(), grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent))} {
		for _, op := range []zkapi.Op{zkapi.Delete("/", zkapi.AnyVersion), zkapi.Multi(zkapi.Delete("/", 0))} {
			if _, _, _, err := tree.Write(op, 1); !errors.Is(err, zkapi.ErrBadArguments) {
				t.Errorf("%v of the root: %v, want %v", op.Kind, err, zkapi.ErrBadArguments)
			}
		}
	}
}

// TestTree_SequenceCountsCreations checks ZooKeeper's rule for sequential names: the
// number counts the creations below the parent, of any mode, and a deletion does not take
// one back.
func TestTree_SequenceCountsCreations(t *testing.T) {
	tree := grow(t, NewTree(),
		zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Create("/a/x", nil, zkapi.Ephemeral),
		zkapi.Delete("/a/x", 0), zkapi.Create("/a/q-", nil, zkapi.PersistentSequential), zkapi.Create("/a/", nil, zkapi.EphemeralSequential))
	got, err := tree.Read(zkapi.Children("/a"))
	if want := []string{"0000000002", "q-0000000001"}; err != nil || !slices.Equal(got.Children, want) {
		t.Errorf("%q, %v, want %q", got.Children, err, want)
	}
	if got.Stat.Cversion != 4 || got.Stat.NumChildren != 2 {
		t.Errorf("cversion %d of 4 changes, %d children of 2", got.Stat.Cversion, got.Stat.NumChildren)
	}
}

// TestTree_RefusedMultiChangesNothing checks ZooKeeper's rule that a multi is applied
// whole or not at all. A refused multi still takes a zxid.
func TestTree_RefusedMultiChangesNothing(t *testing.T) {
	before := grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent))
	after, _, changes, err := before.Write(zkapi.Multi(zkapi.Create("/a/b", nil, zkapi.Persistent), zkapi.Set("/a", nil, 0), zkapi.Check("/a", 0)), 1)
	if !errors.Is(err, zkapi.ErrBadVersion) || zkapi.FailedIndex(err) != 2 || len(changes) != 0 {
		t.Errorf("%v at %d, %d changes; want %v at 2 and none", err, zkapi.FailedIndex(err), len(changes), zkapi.ErrBadVersion)
	}
	if after.Zxid() != before.Zxid()+1 {
		t.Errorf("zxid %d after %d", after.Zxid(), before.Zxid())
	}
	after.zxid = before.zxid
	if !slices.Equal(after.Encode(nil), before.Encode(nil)) {
		t.Error("the tree has changed")
	}
}

// TestTree_ChecksVersionBeforeChildren checks the order of ZooKeeper's reasons to refuse
// a deletion.
func TestTree_ChecksVersionBeforeChildren(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Create("/a/b", nil, zkapi.Persistent))
	for version, want := range map[int32]error{1: zkapi.ErrBadVersion, -2: zkapi.ErrBadVersion, 0: zkapi.ErrNotEmpty, zkapi.AnyVersion: zkapi.ErrNotEmpty} {
		if _, _, _, err := tree.Write(zkapi.Delete("/a", version), 1); !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
	}
}

// illFormed are paths with the codes that ZooKeeper 3.8.0 has answered, beside /r and the leaf
// /r/a: to a create, a sequential create, a delete, a get, a set and a check.
var illFormed = map[string][6]int32{
	"":                {-8, -8, -8, 0, -8, -8},
	"r":               {-8, -8, -8, -101, -8, -8},
	"/r/":             {-8, 0, -101, -101, -8, -8},
	"/r/a/":           {-8, 0, -101, -101, -8, -8},
	"/r//x":           {-101, -101, -101, -101, -8, -8},
	"/r/a//b":         {-101, -101, -101, -101, -8, -8},
	"/r/.":            {-8, 0, -101, -101, -8, -8},
	"/r/..":           {-8, 0, -101, -101, -8, -8},
	"/r/a/../b":       {-101, -101, -101, -101, -8, -8},
	"/r/\x00":         {-8, -8, -8, -101, -8, -8},
	"/r/\x1e":         {-8, -8, -101, -101, -8, -8},
	"/r/\x7f":         {-8, -8, -101, -101, -8, -8},
	"/r/\u0085":       {-8, -8, -101, -101, -8, -8},
	"/r/\ue000":       {-8, -8, -101, -101, -8, -8},
	"/r/\uf8ff":       {-8, -8, -101, -101, -8, -8},
	"/r/\uf900":       {0, 0, -101, -101, -101, -101},
	"/r/\uffff":       {-8, -8, -101, -101, -8, -8},
	"/r/\U0001f600":   {-8, -8, -101, -101, -8, -8},
	"/r/\u00fc":       {0, 0, -101, -101, -101, -101},
	"/none/x":         {-101, -101, -101, -101, -101, -101},
	"/none/\x7f":      {-101, -101, -101, -101, -8, -8},
	"/r/a/b/../../..": {-101, -101, -101, -101, -8, -8},
}

// TestTree_IllFormedPaths: the server refuses them with its own codes, in its own order, and
// nothing is changed.
func TestTree_IllFormedPaths(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/r", nil, zkapi.Persistent), zkapi.Create("/r/a", []byte("data"), zkapi.Persistent), zkapi.Create("/r/y", nil, zkapi.Persistent))
	for path, codes := range illFormed {
		for i, op := range []zkapi.Op{
			zkapi.Create(path, nil, zkapi.Persistent), zkapi.Create(path, nil, zkapi.PersistentSequential), zkapi.Delete(path, zkapi.AnyVersion),
			zkapi.Get(path), zkapi.Set(path, []byte("other"), zkapi.AnyVersion), zkapi.Check(path, zkapi.AnyVersion),
		} {
			after, err := tree, error(nil)
			if op.Kind == zkapi.KindGet {
				_, err = tree.Read(op)
			} else {
				after, _, _, err = tree.Write(zkapi.Multi(op), 1)
			}
			if want := zkapi.Answer(codes[i]); (err != nil || want != nil) && !errors.Is(err, errors.Unwrap(want)) {
				t.Errorf("%v of %q (mode %v): %v, want %v", op.Kind, path, op.Mode, err, want)
			}
			after.zxid = tree.zxid
			if err != nil && !slices.Equal(after.Encode(nil), tree.Encode(nil)) {
				t.Errorf("%v of %q has changed the tree", op.Kind, path)
			}
		}
	}
	if _, _, _, err := tree.Write(zkapi.Create("/r/b", nil, 9), 1); !errors.Is(err, zkapi.ErrBadArguments) {
		t.Errorf("an unknown mode: %v, want %v", err, zkapi.ErrBadArguments)
	}
	if _, _, err := tree.SetACL("/r/", nil, zkapi.AnyVersion, nil); !errors.Is(err, zkapi.ErrBadArguments) {
		t.Errorf("an ACL for /r/: %v, want %v", err, zkapi.ErrBadArguments)
	}
	if after, changes := tree.EndSession(0); len(changes) > 0 || after.Zxid() != tree.Zxid()+1 {
		t.Errorf("the end of no session has changed %v", changes)
	}
}

// TestTree_IllFormedPathWatched: a watch that is set again does not take /r/ for /r.
func TestTree_IllFormedPathWatched(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/r", nil, zkapi.Persistent))
	if event, fires := tree.Rearm(Watch{"/r/", DataWatches}, false, tree.Zxid()); !fires || event.Type != NodeDeleted {
		t.Errorf("%v, %v", event, fires)
	}
}

// TestSession_SendsNoIllFormedPath: the client library refuses most of those paths itself.
func TestSession_SendsNoIllFormedPath(t *testing.T) {
	session := NewServer(time.Second).Open()
	do(t, session, zkapi.Create("/r", nil, zkapi.Persistent))
	for _, path := range []string{"", "r", "/r/", "/r//x", "/r/.", "/r/../r", "/r/\x00", "/r/\xff", "/r/\uf8ff"} {
		for _, op := range []zkapi.Op{
			zkapi.Create(path, nil, zkapi.Ephemeral), zkapi.Delete(path, 0), zkapi.Set(path, nil, 0), zkapi.Get(path), zkapi.Exists(path), zkapi.Children(path), zkapi.Sync(path),
		} {
			if _, err := session.Do(t.Context(), op); !errors.Is(err, zkapi.ErrInvalidPath) || zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("%v of %q: %v, want %v", op.Kind, path, err, zkapi.ErrInvalidPath)
			}
		}
	}
	if _, err := session.Do(t.Context(), zkapi.Create("/r/\U0001f600", nil, zkapi.Persistent)); !errors.Is(err, zkapi.ErrBadArguments) {
		t.Errorf("what the library sends and the server refuses: %v", err)
	}
	for path, made := range map[string]string{"/r/": "/r/0000000000", "/": "/0000000001"} {
		if got := do(t, session, zkapi.Create(path, nil, zkapi.EphemeralSequential)).Path; got != made {
			t.Errorf("a sequential create of %s makes %s", path, got)
		}
	}
}

// The tests below show what README.md says may differ from ZooKeeper.

func TestDiffers_ACLsAreNotEnforced(t *testing.T) {
	nobody := []zkapi.ACL{{Perms: zkapi.PermRead, Scheme: "digest", ID: "nobody:"}}
	tree := grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent).WithACL(nobody))
	grow(t, tree, zkapi.Set("/a", []byte("by any user"), 0))
}

func TestDiffers_NothingIsTooLarge(t *testing.T) {
	grow(t, NewTree(), zkapi.Create("/a", make([]byte, 2<<20), zkapi.Persistent))
}

func TestDiffers_SessionEndDeletesInOrder(t *testing.T) {
	tree := grow(t, NewTree(),
		zkapi.Create("/b", nil, zkapi.Ephemeral), zkapi.Create("/c", nil, zkapi.Ephemeral), zkapi.Create("/a", nil, zkapi.Ephemeral))
	_, changes := tree.EndSession(1)
	var paths []string
	for _, c := range changes {
		paths = append(paths, c.Path)
	}
	if got := strings.Join(paths, " "); got != "/a /b /c" {
		t.Errorf("deleted in the order %s", got)
	}
}

// TestTree_VersionsPassTheHighestNumber: so the servers count, and -1 fits every version.
func TestTree_VersionsPassTheHighestNumber(t *testing.T) {
	s := NewServer(time.Second)
	session := s.Open()
	do(t, session, zkapi.Create("/a", nil, zkapi.Persistent))
	at := func(version int32) {
		t.Helper()
		if err := s.SetVersion("/a", version); err != nil {
			t.Fatal(err)
		}
	}
	for before, after := range map[int32]int32{1<<31 - 2: 1<<31 - 1, 1<<31 - 1: -1 << 31, -1 << 31: -1<<31 + 1, -2: -1, -1: 0} {
		at(before)
		if got := do(t, session, zkapi.Set("/a", nil, before)).Stat.Version; got != after {
			t.Errorf("after %d comes %d, not %d", before, got, after)
		}
	}
	for version, refused := range map[int32]bool{1<<31 - 1: true, -1 << 31: false, -1: false, 0: true} {
		at(-1 << 31)
		_, err := session.Do(t.Context(), zkapi.Multi(zkapi.Check("/a", version)))
		if errors.Is(err, zkapi.ErrBadVersion) != refused || (err != nil) != refused {
			t.Errorf("the check of %d: %v", version, err)
		}
	}
	if err := s.SetVersion("/b", 1); !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("a znode that is not there: %v", err)
	}
}

// TestDiffers_VersionsPassMinusOne: servers with ZOOKEEPER-4743 go from -2 to 0.
func TestDiffers_VersionsPassMinusOne(t *testing.T) {
	s := NewServer(time.Second)
	session := s.Open()
	do(t, session, zkapi.Create("/a", nil, zkapi.Persistent))
	_ = s.SetVersion("/a", -2)
	if got := do(t, session, zkapi.Set("/a", nil, -2)).Stat.Version; got != zkapi.AnyVersion {
		t.Errorf("after -2 comes %d", got)
	}
}

// TestTree_CheckAnswersNothing has a multi of a check and a set: the set is answered with the
// new Stat, and the check with nothing, as clients see it.
func TestTree_CheckAnswersNothing(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent))
	_, result, _, err := tree.Write(zkapi.Multi(zkapi.Check("/a", 0), zkapi.Set("/a", nil, 0)), 1)
	if err != nil || len(result.Results) != 2 || result.Results[0].Stat != (zkapi.Stat{}) || result.Results[1].Stat.Version != 1 {
		t.Errorf("%+v, %v", result.Results, err)
	}
}
