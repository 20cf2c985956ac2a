package zk

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// scramble carries out random writes: of every kind, with refusals, owners, ACLs, and times.
func scramble(t Tree, dice *rand.Rand, writes int) Tree {
	one := func() string { return fmt.Sprintf("/%c", 'a'+rune(dice.IntN(4))) }
	path := func() string {
		if dice.IntN(2) == 0 {
			return one()
		}
		return one() + one()
	}
	data := [][]byte{nil, {}, []byte("x"), []byte("longer")}
	acls := [][]zkapi.ACL{nil, {}, {{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}, {{Perms: zkapi.PermRead, Scheme: "ip", ID: "::1"}, {Perms: zkapi.PermAll, Scheme: "digest", ID: "a:b"}}}
	owners := []int64{1, 2, 1 << 60, ContainerOwner, TTLOwner(time.Minute)}
	now := time.UnixMilli(1_700_000_000_000)
	for range writes {
		now = now.Add(time.Duration(dice.IntN(1000)) * time.Millisecond)
		t = t.At(now)
		create := Part{Op: zkapi.Create(path(), data[dice.IntN(len(data))], zkapi.Mode(dice.IntN(4))).WithACL(acls[dice.IntN(len(acls))]), Owner: owners[dice.IntN(len(owners))]}
		set := Part{Op: zkapi.Set(path(), data[dice.IntN(len(data))], zkapi.AnyVersion)}
		switch dice.IntN(8) {
		case 0, 1, 2:
			t, _, _, _ = t.Apply([]Part{create}, nil)
		case 3:
			t, _, _, _ = t.Apply([]Part{set, create}, nil)
		case 4:
			t, _, _, _ = t.Apply([]Part{set}, nil)
		case 5:
			t, _, _, _ = t.Apply([]Part{{Op: zkapi.Delete(path(), zkapi.AnyVersion)}}, nil)
		case 6:
			t, _, _ = t.SetACL(path(), acls[dice.IntN(len(acls))], zkapi.AnyVersion, nil)
		case 7:
			t, _ = t.EndSession(owners[dice.IntN(3)])
		}
	}
	return t
}

// difference says where two trees differ in anything that a znode has, or is empty.
func difference(a, b *znode, at string) string {
	x, y := *a, *b
	x.children, y.children = children{}, children{}
	if !reflect.DeepEqual(x, y) {
		return fmt.Sprintf("%s: %+v, and %+v", at, x, y)
	}
	for c := range a.children.all() {
		other := b.children.find(c.name)
		if other == nil {
			return at + "/" + c.name + " is missing"
		}
		if d := difference(c, other, at+"/"+c.name); d != "" {
			return d
		}
	}
	return ""
}

// TestSave_KeepsEverything compares a tree with what was loaded, and how both go on.
func TestSave_KeepsEverything(t *testing.T) {
	for seed := range uint64(300) {
		for _, empty := range []Tree{NewTree(), NewServerTree(), NewStructuralTree()} {
			dice := rand.New(rand.NewPCG(seed, 0))
			tree := scramble(empty, dice, dice.IntN(200))
			loaded, err := LoadTree(tree.Save(nil))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, step := range []string{"loaded", "after more writes"} {
				if d := difference(tree.root, loaded.root, ""); d != "" || loaded.zxid != tree.zxid || loaded.now != tree.now || loaded.structural != tree.structural {
					t.Fatalf("seed %d, %s: zxid %d, and %d; %s", seed, step, tree.zxid, loaded.zxid, d)
				}
				tree, loaded = scramble(tree, rand.New(rand.NewPCG(seed, 1)), 100), scramble(loaded, rand.New(rand.NewPCG(seed, 1)), 100)
			}
		}
	}
}

// TestSave_KeepsManyChildren has more children than one piece takes.
func TestSave_KeepsManyChildren(t *testing.T) {
	tree := NewTree()
	for range 3*pieceMost + 1 {
		tree, _, _, _ = tree.Apply([]Part{{Op: zkapi.Create("/n", nil, zkapi.PersistentSequential)}}, nil)
	}
	loaded, err := LoadTree(tree.Save(nil))
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(tree.root, loaded.root, ""); d != "" {
		t.Error(d)
	}
	if tree, loaded = scramble(tree, rand.New(rand.NewPCG(1, 1)), 100), scramble(loaded, rand.New(rand.NewPCG(1, 1)), 100); !bytes.Equal(tree.Save(nil), loaded.Save(nil)) {
		t.Error("the same writes have led to another tree")
	}
}

func TestLoadTree_RefusesAPartOfATree(t *testing.T) {
	whole := scramble(NewServerTree(), rand.New(rand.NewPCG(1, 2)), 100).Save(nil)
	for n := range whole {
		if _, err := LoadTree(whole[:n]); !errors.Is(err, ErrNotATree) {
			t.Fatalf("%d of %d bytes: %v, want %v", n, len(whole), err, ErrNotATree)
		}
	}
	if _, err := LoadTree(append(whole, 0)); !errors.Is(err, ErrNotATree) {
		t.Errorf("a byte more: %v, want %v", err, ErrNotATree)
	}
}

// TestLoadTree_RefusesChildrenThatAreNotSorted has names that no lookup would find.
func TestLoadTree_RefusesChildrenThatAreNotSorted(t *testing.T) {
	for _, names := range [][]string{{"b", "a"}, {"a", "a"}, {""}} {
		root := &znode{stat: Stat{Stat: zkapi.Stat{NumChildren: int32(len(names))}}}
		piece := make([]*znode, len(names))
		for i, name := range names {
			piece[i] = &znode{name: name}
		}
		root.children.pieces = [][]*znode{piece}
		if _, err := LoadTree(Tree{root: root}.Save(nil)); !errors.Is(err, ErrNotATree) {
			t.Errorf("%q: %v, want %v", names, err, ErrNotATree)
		}
	}
}

// FuzzLoadTree holds that what can be loaded can be saved and loaded again.
func FuzzLoadTree(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(scramble(NewServerTree(), rand.New(rand.NewPCG(seed, 0)), 30).Save(nil))
	}
	f.Fuzz(func(t *testing.T, from []byte) {
		tree, err := LoadTree(from)
		if err != nil {
			return
		}
		again, err := LoadTree(tree.Save(nil))
		if err != nil || difference(tree.root, again.root, "") != "" {
			t.Errorf("loaded again: %v, %s", err, difference(tree.root, again.root, ""))
		}
	})
}
