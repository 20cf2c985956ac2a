package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/store/storetest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The holders of other recipes are Writers.
var _ = []store.Writer{(*election.Leadership)(nil), (*lock.Held)(nil), (*lock.Several)(nil)}

// mustOpen opens the store for one more process.
func mustOpen(w *mishap.World) *store.ZooKeeper {
	w.Helper()
	z, err := open(w)
	if err != nil {
		w.Fatal(err)
	}
	return z
}

// must is a change that must be applied.
func must(w *mishap.World, z *store.ZooKeeper, changes ...store.Change) {
	w.Helper()
	if _, err := z.Apply(w.Ctx, changes...); err != nil {
		w.Fatal(err)
	}
}

// large is a value in that many parts.
func large(parts int, of string) []byte {
	return bytes.Repeat([]byte(of), parts*storetest.PartSize)
}

// TestApply_TellsTruly whether a change was applied, whichever request or answer is lost, and if the
// session ends with it.
func TestApply_TellsTruly(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		z, err := open(w)
		if err != nil {
			if !m.Expire {
				w.Fatal(err)
			}
			return
		}
		for i, c := range [][]store.Change{
			{store.Create("apps/a", []byte("1")), store.Create("apps/a/x", []byte("1"))},
			{store.Put("apps/a", []byte("2"), 0)},
			{store.Create("tokens/t_1", nil)},
			{store.Put("apps/a", []byte("3"), store.Any)},
			{store.Put("apps/a", large(3, "4"), 2)},
			{store.Put("apps/a", []byte("5"), 3)},
			{store.Delete("tokens/t_1", 0)},
			{store.Delete("apps/a/x", 0), store.Delete("apps/a", store.Any)},
		} {
			path := strings.NewReplacer("apps", "/store/RMAppRoot", "tokens/t_1", "/store/Secrets/Tokens/HIERARCHIES/2/t/_1").Replace(c[0].Key)
			before := seen(w, path)
			_, err := z.Apply(w.Ctx, c...)
			w.Fate(m, err, seen(w, path) != before)
			if err != nil && !m.Expire {
				w.Fatalf("change %d was given up although the session lived: %v", i, err)
			}
			if err != nil {
				return
			}
		}
	})
}

// seen is what a znode is now.
func seen(w *mishap.World, path string) string {
	node, err := w.Env.Server.Tree().Node(path)
	if err != nil {
		return "absent"
	}
	return fmt.Sprintf("version %d: %s", node.Stat.Version, node.Data)
}

// groups are the values that have parts, or have begun to.
func groups(w *mishap.World) []string {
	names, _ := w.Below("/store/parts")
	return names
}

// TestOpen_RaisesTheEpochOnce, whichever request or answer is lost.
func TestOpen_RaisesTheEpochOnce(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		for want := int32(1); want <= 2; want++ {
			z, err := open(w)
			if m.Expire {
				return // what becomes of the epoch, the next one finds
			}
			if err != nil {
				w.Fatal(err)
			}
			if z.Epoch() != want {
				w.Errorf("epoch %d, not %d", z.Epoch(), want)
			}
		}
	})
}

// TestStore_OfRealHolders: the leader of an election and the holder of a lock are Writers. When the claim is
// lost, the Store writes no more, although no other one was opened.
func TestStore_OfRealHolders(t *testing.T) {
	config := store.Config{Layout: storetest.Layout()}
	mishap.Run(t, func(w *mishap.World) {
		c, err := election.New(w.Env, election.Config{Path: "/election"})
		w.Opened(c, err)
		l, err := c.Campaign(w.Ctx)
		if err != nil {
			w.Fatal(err)
		}
		z, err := store.Open(w.Ctx, w.Env, l, config)
		w.Opened(z, err)
		must(w, z, store.Create("apps/a", nil))
		w.Do(zkapi.Set("/election", nil, zkapi.AnyVersion))
		if _, err := z.Apply(w.Ctx, store.Create("apps/b", nil)); !errors.Is(err, store.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
			w.Errorf("after the leadership was lost: %v", err)
		}
		locks, err := lock.New(w.Env, lock.Config{})
		w.Opened(locks, err)
		held, err := locks.Lock(w.Ctx, "/lock")
		if err != nil {
			w.Fatal(err)
		}
		next, err := store.Open(w.Ctx, w.Env, held, config)
		w.Opened(next, err)
		must(w, next, store.Create("apps/b", nil))
		if err := held.Release(w.Ctx); err != nil {
			w.Fatal(err)
		}
		if _, err := next.Apply(w.Ctx, store.Create("apps/c", nil)); !errors.Is(err, lock.ErrReleased) || zkapi.FateOf(err) != zkapi.NotApplied {
			w.Errorf("after the lock was released: %v", err)
		}
	})
}

// TestParts_AppearTogetherOrNotAtAll: an active is fenced after any number of its writes. The record has the
// value before, or the new one, and the next active deletes what is left.
func TestParts_AppearTogetherOrNotAtAll(t *testing.T) {
	for writes := 0; ; writes++ {
		whole := false
		mishap.Run(t, func(w *mishap.World) {
			z := mustOpen(w)
			must(w, z, store.Create("apps/a", large(2, "a")), store.Create("apps/b", large(3, "b")))
			left := writes
			stale, err := store.Open(w.Ctx, w.Env, until{writer(w), func() bool { left--; return left >= 0 }}, store.Config{Layout: storetest.Layout(), PartSize: storetest.PartSize})
			if err != nil {
				return // it was fenced before it was open
			}
			w.Opened(stale, nil)
			if _, err := stale.Load(w.Ctx); err != nil {
				return
			}
			_, err = stale.Apply(w.Ctx, store.Put("apps/a", large(3, "c"), 0))
			next := mustOpen(w)
			before := groups(w)
			if n, _ := stale.Collect(w.Ctx); n != 0 || len(groups(w)) != len(before) {
				w.Errorf("after %d writes an active that is not the last one has collected %d values of %v", writes, n, before)
			}
			got, bad := next.Get(w.Ctx, "apps/a")
			want := large(2, "a")
			if err == nil {
				want = large(3, "c")
			}
			if bad != nil || !bytes.Equal(got.Data, want) {
				w.Errorf("after %d writes, of which the last one returned %v, the value has %d bytes: %.10q, %v", writes, err, len(got.Data), got.Data, bad)
			}
			if _, err := next.Collect(w.Ctx); err != nil {
				w.Error(err)
			}
			if have := groups(w); len(have) != 2 {
				w.Errorf("after %d writes, 2 values are in parts, and there are parts of %v", writes, have)
			}
			if got, err := next.Get(w.Ctx, "apps/b"); err != nil || !bytes.Equal(got.Data, large(3, "b")) {
				w.Errorf("after %d writes, the other value: %v", writes, err)
			}
			whole = left >= 0
		})
		if whole || t.Failed() {
			return
		}
		if writes > 50 {
			t.Fatal("no number of writes is enough")
		}
	}
}

// until is a Writer that has lost its claim after some writes.
type until struct {
	plain
	more func() bool
}

var errCut = errors.New("no more writes")

// Write implements store.Writer.
func (u until) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if !u.more() {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Index: -1, Fate: zkapi.NotApplied, Err: errCut}
	}
	return u.plain.Write(ctx, ops...)
}

// TestCollect_LeavesWhatIsPointedTo: parts of an earlier epoch stay as long as their record points to them.
// Those that a change has replaced go at once, also if an earlier active wrote them.
func TestCollect_LeavesWhatIsPointedTo(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		z := mustOpen(w)
		must(w, z, store.Create("apps/a", large(2, "a")), store.Create("apps/b", large(2, "b")))
		z = mustOpen(w)
		if n, err := z.Collect(w.Ctx); n != 0 || err != nil {
			w.Errorf("%d values, %v", n, err)
		}
		must(w, z, store.Put("apps/a", []byte("small"), store.Any))
		if have := groups(w); len(have) != 1 {
			w.Errorf("after a value was replaced, there are %v", have)
		}
		must(w, z, store.Put("apps/b", []byte("small"), 0)) // it has not read where the parts are
		if n, err := z.Collect(w.Ctx); n != 1 || err != nil {
			w.Errorf("%d values, %v", n, err)
		}
		if have := groups(w); len(have) != 0 {
			w.Errorf("in the end there are %v", have)
		}
		_, err := z.Apply(w.Ctx, store.Put("apps/a", large(2, "c"), 9))
		if have := groups(w); !errors.Is(err, store.ErrChanged) || len(have) != 1 {
			w.Errorf("%v, and there are %v", err, have)
		}
		if n, err := z.Collect(w.Ctx); n != 1 || err != nil || len(groups(w)) != 0 {
			w.Errorf("%d values that were given up, %v, and there are %v", n, err, groups(w))
		}
	})
}

// TestParts_ThatAreDamaged are found, by every reader.
func TestParts_ThatAreDamaged(t *testing.T) {
	for name, damage := range map[string]func(w *mishap.World, group string){
		"a part is missing": func(w *mishap.World, group string) { w.Do(zkapi.Delete(group+"/0001", zkapi.AnyVersion)) },
		"a part is another one": func(w *mishap.World, group string) {
			w.Do(zkapi.Set(group+"/0001", large(1, "x"), zkapi.AnyVersion))
		},
		"a pointer cannot be read": func(w *mishap.World, _ string) {
			w.Do(zkapi.Set("/store/RMAppRoot/a", []byte("@parts x"), zkapi.AnyVersion))
		},
		"a value begins with an @": func(w *mishap.World, _ string) {
			w.Do(zkapi.Set("/store/RMAppRoot/a", []byte("@home"), zkapi.AnyVersion))
		},
	} {
		t.Run(name, func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				z := mustOpen(w)
				must(w, z, store.Create("apps/a", large(3, "a")))
				damage(w, "/store/parts/"+groups(w)[0])
				if _, err := z.Get(w.Ctx, "apps/a"); !errors.Is(err, store.ErrDamaged) {
					w.Errorf("get: %v", err)
				}
				if _, err := z.Load(w.Ctx); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "apps/a") {
					w.Errorf("load: %v", err)
				}
				must(w, z, store.Put("apps/a", []byte("cured"), store.Any))
			})
		})
	}
}

// TestOpen_RefusesANewerFormat, and one that it cannot read, before it raises the epoch.
func TestOpen_RefusesANewerFormat(t *testing.T) {
	for _, data := range []string{`{"format":2,"types":[]}`, `2.0`, ``} {
		mishap.Run(t, func(w *mishap.World) {
			z := mustOpen(w)
			w.Do(zkapi.Set("/store/version", []byte(data), zkapi.AnyVersion))
			before := seen(w, "/store/epoch")
			if _, err := open(w); !errors.Is(err, store.ErrNewer) || !errors.Is(err, zkapi.ErrIncompatible) {
				w.Errorf("%q: %v", data, err)
			}
			if seen(w, "/store/epoch") != before {
				w.Errorf("%q: the epoch was raised", data)
			}
			must(w, z, store.Create("apps/a", nil)) // it still is the active one
		})
	}
}

// newer is a Writer in whose first raise of the epoch another build makes the store newer.
type newer struct {
	plain
	w    *mishap.World
	done *bool
}

// Write implements store.Writer.
func (n newer) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if !*n.done && len(ops) == 2 {
		*n.done = true
		n.w.Do(zkapi.Set("/store/version", []byte(`{"format":2}`), zkapi.AnyVersion))
	}
	return n.plain.Write(ctx, ops...)
}

// TestOpen_RefusesAFormatThatBecomesNewer between its look and its write.
func TestOpen_RefusesAFormatThatBecomesNewer(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		mustOpen(w)
		before := seen(w, "/store/epoch")
		_, err := store.Open(w.Ctx, w.Env, newer{writer(w), w, new(bool)}, store.Config{Layout: storetest.Layout()})
		if !errors.Is(err, store.ErrNewer) || seen(w, "/store/epoch") != before {
			w.Errorf("%v, and the epoch is %s", err, seen(w, "/store/epoch"))
		}
	})
}

// TestOpen_KeepsTheTypes: those of the store are used without a Layout, new ones are added, and one that was made otherwise is
// refused.
func TestOpen_KeepsTheTypes(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		with := func(types ...store.Type) (*store.ZooKeeper, error) {
			z, err := store.Open(w.Ctx, w.Env, writer(w), store.Config{Layout: store.Layout{Root: "/store", Types: types}})
			if err == nil {
				w.Opened(z, nil)
			}
			return z, err
		}
		if _, err := with(); !errors.Is(err, store.ErrInvalid) {
			w.Errorf("a new store without types: %v", err)
		}
		must(w, mustOpen(w), store.Create("tokens/t_01", []byte("x")))
		z, err := with()
		if err != nil {
			w.Fatal(err)
		}
		if r, err := z.Get(w.Ctx, "tokens/t_01"); err != nil || string(r.Data) != "x" {
			w.Errorf("with the types of the store: %v, %v", r, err)
		}
		for _, other := range []store.Type{{Name: "tokens"}, {Name: "tokens", Path: "Secrets/Tokens", Split: 1}, {Name: "more", Path: "RMAppRoot"}} {
			if _, err := with(other); !errors.Is(err, store.ErrInvalid) {
				w.Errorf("%+v: %v", other, err)
			}
		}
		if z, err = with(store.Type{Name: "more", Split: 1}); err != nil {
			w.Fatal(err)
		}
		must(w, z, store.Create("more/12", nil), store.Create("apps/a", nil))
		if z, err = with(); err != nil {
			w.Fatal(err)
		}
		if all, err := z.Load(w.Ctx); err != nil || len(all) != 3 {
			w.Errorf("%v, %v", all, err)
		}
	})
}

// TestSplit_LeavesNoEmptyLevel: the znode that only splits ids goes with its last record, and comes again.
func TestSplit_LeavesNoEmptyLevel(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		const level = "/store/Secrets/Tokens/HIERARCHIES/2"
		z := mustOpen(w)
		for range 2 {
			must(w, z, store.Create("tokens/token_0001", nil), store.Create("tokens/token_0002", nil))
			must(w, z, store.Delete("tokens/token_0001", 0))
			if names, _ := w.Below(level); len(names) != 1 || names[0] != "token_00" {
				w.Errorf("with one record: %v", names)
			}
			must(w, z, store.Delete("tokens/token_0002", 0))
			if names, _ := w.Below(level); len(names) != 0 {
				w.Errorf("without a record: %v", names)
			}
		}
	})
}

// TestStore_ByHand: records that zkCli has made, changed and deleted are as if a Store had.
func TestStore_ByHand(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		z := mustOpen(w)
		w.Do(zkapi.Create("/store/RMAppRoot/byhand", []byte("hello"), zkapi.Persistent))
		must(w, z, store.Create("apps/a", []byte("1")), store.Create("apps/b", large(2, "b")))
		w.Do(zkapi.Set("/store/RMAppRoot/a", []byte("2"), 0))
		w.Do(zkapi.Set("/store/RMAppRoot/b", []byte("small"), 0))
		all, err := z.Load(w.Ctx)
		if got := fmt.Sprintf("%+v", all); err != nil || len(all) != 3 || string(all[2].Data) != "hello" || string(all[0].Data) != "2" || all[0].Version != 1 || string(all[1].Data) != "small" {
			w.Errorf("%s, %v", got, err)
		}
		if _, err := z.Apply(w.Ctx, store.Put("apps/a", nil, 0)); !errors.Is(err, store.ErrChanged) {
			w.Errorf("a put with an old version: %v", err)
		}
		w.Do(zkapi.Set("/store/epoch", nil, zkapi.AnyVersion))
		if _, err := z.Apply(w.Ctx, store.Put("apps/a", nil, 1)); !errors.Is(err, store.ErrFenced) {
			w.Errorf("after a person has set the epoch's znode: %v", err)
		}
	})
}

// TestView_ReadsWithoutTheEpoch: it needs no types, and leaves the epoch alone.
func TestView_ReadsWithoutTheEpoch(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v, err := store.NewView(w.Env, store.Config{Layout: store.Layout{Root: "/store"}})
		w.Opened(v, err)
		if s, err := v.State(w.Ctx); err != nil || s.Epoch != 0 || len(s.Types) != 0 {
			w.Errorf("no store: %v, %v", s, err)
		}
		z := mustOpen(w)
		must(w, z, store.Create("apps/a", large(2, "a")), store.Create("tokens/t_01", []byte("x")))
		if s, err := v.State(w.Ctx); err != nil || s.Epoch != 1 || len(s.Types) != 2 {
			w.Errorf("%v, %v", s, err)
		}
		if all, err := v.Load(w.Ctx); err != nil || len(all) != 2 || !bytes.Equal(all[0].Data, large(2, "a")) {
			w.Errorf("%d records, %v", len(all), err)
		}
		if r, err := v.Get(w.Ctx, "tokens/t_01"); err != nil || string(r.Data) != "x" {
			w.Errorf("%v, %v", r, err)
		}
		if _, err := v.Get(w.Ctx, "tokens/t_02"); !errors.Is(err, store.ErrAbsent) {
			w.Errorf("%v", err)
		}
		must(w, z, store.Create("apps/b", nil))
	})
}
