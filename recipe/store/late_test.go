package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/store/storetest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// behind is an Env whose sessions read from a server that is behind, for some reads. Syncs do not help: the leader
// that answers them has been replaced.
type behind struct {
	*zk.Env
	tree  *zk.Tree // what the server knows; nil: everything
	reads int      // of that tree, until the server is up to date
}

// Open implements zkapi.Env.
func (b *behind) Open(ctx context.Context) (zkapi.Session, error) {
	s, err := b.Env.Open(ctx)
	return oldReads{s, b}, err
}

type oldReads struct {
	zkapi.Session
	b *behind
}

// Do implements zkapi.Session.
func (o oldReads) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if o.b.tree == nil {
		return o.Session.Do(ctx, op)
	}
	if o.b.reads--; o.b.reads == 0 {
		defer func() { o.b.tree = nil }()
	}
	if op.Kind == zkapi.KindSync {
		return zkapi.Result{}, nil
	}
	result, err := o.b.tree.Read(op)
	if err != nil {
		err = &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	return result, err
}

// DoAll implements zkapi.Session.
func (o oldReads) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = o.Do(ctx, op)
	}
	return replies
}

// hook is a Writer that does something before each of its writes.
type hook struct {
	plain
	before func(ops []zkapi.Op)
}

// Write implements store.Writer.
func (h hook) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	h.before(ops)
	return h.plain.Write(ctx, ops...)
}

// sets reports whether ops set or make a znode.
func sets(ops []zkapi.Op, path string) bool {
	for _, op := range ops {
		if op.Path == path && (op.Kind == zkapi.KindSet || op.Kind == zkapi.KindCreate) {
			return true
		}
	}
	return false
}

// TestLoad_WaitsForItsEpoch: a server that does not know of the new epoch may lack what was written before.
func TestLoad_WaitsForItsEpoch(t *testing.T) {
	for reads := 1; reads < 30; reads++ {
		mishap.Run(t, func(w *mishap.World) {
			z := mustOpen(w)
			must(w, z, store.Create("apps/a", []byte("1")))
			old := w.Env.Server.Tree()
			must(w, z, store.Put("apps/a", []byte("2"), 0), store.Create("apps/b", nil))
			env := &behind{Env: w.Env}
			begins := hook{writer(w), func(ops []zkapi.Op) {
				if sets(ops, "/store/epoch") {
					env.tree, env.reads = &old, reads // the reads that follow
				}
			}}
			next, err := store.Open(w.Ctx, env, begins, store.Config{Layout: storetest.Layout()})
			w.Opened(next, err)
			all, err := next.Load(w.Ctx)
			if err != nil || len(all) != 2 || string(all[0].Data) != "2" {
				w.Errorf("%d old reads: %v, %v", reads, all, err)
			}
		})
	}
}

// TestGet_IsConfirmed: a server that is behind has an old record, or none.
func TestGet_IsConfirmed(t *testing.T) {
	for reads := 1; reads < 20; reads++ {
		mishap.Run(t, func(w *mishap.World) {
			env := &behind{Env: w.Env}
			z, err := store.Open(w.Ctx, env, writer(w), store.Config{Layout: storetest.Layout()})
			w.Opened(z, err)
			for n, key := range []string{"apps/a", "apps/b"} {
				if n == 0 {
					must(w, z, store.Create(key, []byte("1")))
				}
				if _, err := z.Get(w.Ctx, key); (err == nil) != (n == 0) {
					w.Errorf("%s: %v", key, err)
				}
				old := w.Env.Server.Tree()
				must(w, z, store.Put(key, []byte("2"), store.Any))
				env.tree, env.reads = &old, reads
				if r, err := z.Get(w.Ctx, key); err != nil || string(r.Data) != "2" {
					w.Errorf("%d old reads of %s: %s, %v", reads, key, r.Data, err)
				}
				env.tree = nil
			}
		})
	}
}

// TestCollect_LeavesWhatIsBeingWritten: parts that no record points to yet.
func TestCollect_LeavesWhatIsBeingWritten(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		var z *store.ZooKeeper
		collects := hook{writer(w), func(ops []zkapi.Op) {
			if sets(ops, "/store/RMAppRoot/a") { // all parts are there
				if n, err := z.Collect(w.Ctx); n != 0 || err != nil {
					w.Errorf("%d values are collected, %v", n, err)
				}
			}
		}}
		z, err := store.Open(w.Ctx, w.Env, collects, store.Config{Layout: storetest.Layout(), PartSize: storetest.PartSize})
		w.Opened(z, err)
		must(w, z, store.Create("apps/a", large(3, "a")))
		if r, err := z.Get(w.Ctx, "apps/a"); err != nil || !bytes.Equal(r.Data, large(3, "a")) {
			w.Errorf("%d bytes, %v", len(r.Data), err)
		}
	})
}

// late is a Writer one of whose writes is on its way while its caller gives up: it comes before the next one.
type late struct {
	plain
	giveUp func()      // for the write to come
	held   *[]zkapi.Op // on its way
	lose   func() bool // the answer of this write is lost
}

// Write implements store.Writer.
func (l late) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	lost := &zkapi.Error{Kind: zkapi.KindMulti, Index: -1, Fate: zkapi.Unknown, Err: zkapi.ErrConnectionLoss}
	if ctx.Err() != nil {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNotSent}
	}
	if *l.held == nil && string(ops[len(ops)-1].Data) == "late" {
		*l.held = ops
		l.giveUp()
		return zkapi.Result{}, lost
	}
	if len(*l.held) > 0 {
		_, _ = l.plain.Write(ctx, *l.held...) // nothing hears of it
		*l.held = []zkapi.Op{}
	}
	result, err := l.plain.Write(ctx, ops...)
	if l.lose() {
		return zkapi.Result{}, lost
	}
	return result, err
}

// TestApply_AfterADoubt: a write is in doubt, and is applied after its caller has given up. The next one, which was
// made for the record before, is refused, and says so, also if its answer is lost.
func TestApply_AfterADoubt(t *testing.T) {
	for lost := range 4 { // which answer of the second call
		mishap.Run(t, func(w *mishap.World) {
			ctx, giveUp := context.WithCancel(w.Ctx)
			left := -1
			l := late{writer(w), giveUp, new([]zkapi.Op), func() bool { left--; return left == 0 }}
			z, err := store.Open(w.Ctx, w.Env, l, store.Config{Layout: storetest.Layout()})
			w.Opened(z, err)
			must(w, z, store.Create("apps/a", []byte("1")))
			if _, err := z.Apply(ctx, store.Put("apps/a", []byte("late"), 0)); !errors.Is(err, store.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown {
				w.Fatalf("a write that was given up: %v", err)
			}
			left = lost
			if _, err := z.Apply(w.Ctx, store.Put("apps/a", []byte("3"), 0)); !errors.Is(err, store.ErrChanged) || zkapi.FateOf(err) != zkapi.NotApplied {
				w.Errorf("lost answer %d: the next write: %v, and the record is %s", lost, err, w.Data("/store/RMAppRoot/a"))
			}
			must(w, z, store.Put("apps/a", []byte("4"), store.Any))
			if r, err := z.Get(w.Ctx, "apps/a"); err != nil || r.Version != 2 || string(r.Data) != "4" {
				w.Errorf("%v, %v", r, err)
			}
		})
	}
}
