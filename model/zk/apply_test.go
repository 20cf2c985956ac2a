package zk

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestTree_PermitSeesTheRightZnode has each write of a user who may do nothing, and which
// permission of which znode is asked for: of the parent for create and delete.
func TestTree_PermitSeesTheRightZnode(t *testing.T) {
	locked := []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "digest", ID: "of /p"}}
	own := []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "digest", ID: "of /p/c"}}
	tree := grow(t, NewTree(), zkapi.Create("/p", nil, zkapi.Persistent).WithACL(locked), zkapi.Create("/p/c", nil, zkapi.Persistent).WithACL(own))
	for _, c := range []struct {
		op   zkapi.Op
		need zkapi.Perm
		of   []zkapi.ACL
	}{
		{zkapi.Create("/p/d", nil, zkapi.Persistent), zkapi.PermCreate, locked},
		{zkapi.Delete("/p/c", zkapi.AnyVersion), zkapi.PermDelete, locked},
		{zkapi.Set("/p/c", nil, zkapi.AnyVersion), zkapi.PermWrite, own},
		{zkapi.Check("/p/c", zkapi.AnyVersion), zkapi.PermRead, own},
	} {
		var need zkapi.Perm
		var of []zkapi.ACL
		_, _, _, err := tree.Apply([]Part{{Op: c.op}}, func(acl []zkapi.ACL, perm zkapi.Perm) error {
			need, of = perm, acl
			return zkapi.ErrNoAuth
		})
		if err == nil || !errors.Is(err.Err, zkapi.ErrNoAuth) || need != c.need || !slices.Equal(of, c.of) {
			t.Errorf("%v: %v; asked for %v of %v, want %v of %v", c.op.Kind, err, need, of, c.need, c.of)
		}
	}
}

func TestTree_SetACLCountsItsOwnVersion(t *testing.T) {
	tree := grow(t, NewTree(), zkapi.Create("/a", nil, zkapi.Persistent))
	acl := []zkapi.ACL{{Perms: zkapi.PermRead, Scheme: "world", ID: "anyone"}}
	next, stat, err := tree.SetACL("/a", acl, 0, nil)
	node, _ := next.Node("/a")
	if err != nil || stat.Aversion != 1 || stat.Version != 0 || !slices.Equal(node.ACL, acl) || next.Zxid() != tree.Zxid()+1 {
		t.Errorf("%v, %+v, ACL %v, zxid %d after %d", err, stat, node.ACL, next.Zxid(), tree.Zxid())
	}
	if refused, _, err := next.SetACL("/a", nil, 0, nil); !errors.Is(err, zkapi.ErrBadVersion) || refused.Zxid() != next.Zxid()+1 {
		t.Errorf("with an old version: %v, zxid %d after %d", err, refused.Zxid(), next.Zxid())
	}
	if _, _, err := next.SetACL("/b", nil, 0, nil); !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("of no znode: %v", err)
	}
}

func TestTree_TimesAreThoseOfTheWrites(t *testing.T) {
	tree := grow(t, NewTree().At(time.UnixMilli(5)), zkapi.Create("/a", nil, zkapi.Persistent))
	tree = grow(t, tree.At(time.UnixMilli(7)), zkapi.Set("/a", nil, 0))
	if node, err := tree.Node("/a"); err != nil || node.Stat.Ctime != 5 || node.Stat.Mtime != 7 {
		t.Errorf("%+v, %v; want a creation at 5 and a set at 7", node.Stat, err)
	}
}

// TestTree_OwnedFindsEveryOwner changes trees with owners at several depths: the counts by
// which the walk leaves out the rest must stay right.
func TestTree_OwnedFindsEveryOwner(t *testing.T) {
	tree := grow(t, NewTree(),
		zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Create("/a/b", nil, zkapi.Persistent), zkapi.Create("/a/b/e", nil, zkapi.Ephemeral),
		zkapi.Create("/a/e", nil, zkapi.Ephemeral), zkapi.Create("/plain", nil, zkapi.Persistent), zkapi.Delete("/a/e", 0), zkapi.Set("/a/b/e", nil, 0))
	tree, _, _, err := tree.Apply([]Part{
		{Op: zkapi.Create("/box", nil, zkapi.Ephemeral), Owner: ContainerOwner},
		{Op: zkapi.Create("/box/child", nil, zkapi.Persistent)},
		{Op: zkapi.Create("/box/short", nil, zkapi.Ephemeral), Owner: TTLOwner(time.Second)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	tree.Owned(func(path string, stat Stat) { found = append(found, path+" "+stat.Owner().String()) })
	if want := []string{"/a/b/e ephemeral", "/box container", "/box/short TTL"}; !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
	after, changes := tree.EndSession(0)
	if len(changes) > 0 || after.Count() != tree.Count() {
		t.Errorf("the end of session 0, which nobody has, changed %v", changes)
	}
	if after, _ = tree.EndSession(1); after.Count() != tree.Count()-1 {
		t.Errorf("the end of session 1 left %d of %d znodes", after.Count(), tree.Count())
	}
}

// TestApply_AnswersWithTheMoment: the Stat of a part is that behind the part, not behind the
// whole write.
func TestApply_AnswersWithTheMoment(t *testing.T) {
	parts := []Part{{Op: zkapi.Create("/a", []byte("1"), zkapi.Persistent)}, {Op: zkapi.Create("/a/b", nil, zkapi.Persistent)}, {Op: zkapi.Set("/a", []byte("22"), 0)}}
	_, answers, changes, err := NewTree().Apply(parts, nil)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := answers[0].Stat, answers[2].Stat; first.NumChildren != 0 || first.DataLength != 1 || last.NumChildren != 1 || last.DataLength != 2 {
		t.Errorf("the answers are %+v and %+v", first, last)
	}
	if changes[0].Grown() != 1 || changes[1].Grown() != 0 || changes[2].Grown() != 1 {
		t.Errorf("the changes are %+v", changes)
	}
}
