package store_test

import (
	"context"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/recipe/store/storetest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// plain is a Writer without a claim: only the epoch of the store fences its writes.
type plain struct{ session zkapi.Session }

// Write implements store.Writer.
func (p plain) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	return p.session.Do(ctx, zkapi.Multi(ops...))
}

// writer is the Writer of one more process.
func writer(w *mishap.World) plain {
	w.Helper()
	s, err := w.Env.Open(w.Ctx)
	if err != nil {
		w.Fatal(err)
	}
	w.Opened(s, nil)
	return plain{s}
}

// open opens the store for one more process.
func open(w *mishap.World) (*store.ZooKeeper, error) {
	w.Helper()
	z, err := store.Open(w.Ctx, w.Env, writer(w), store.Config{Layout: storetest.Layout(), PartSize: storetest.PartSize})
	if err == nil {
		w.Opened(z, nil)
	}
	return z, err
}

func TestZooKeeper_IsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(storetest.Stores)) {
		mishap.Run(t, func(w *mishap.World) {
			test(storetest.Stores{T: w.T, Ctx: w.Ctx, Open: func() (store.Store, error) { return open(w) }})
		})
	})
}

func TestMemory_IsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(storetest.Stores)) {
		m, err := store.NewMemory(storetest.Layout())
		if err != nil {
			t.Fatal(err)
		}
		test(storetest.Stores{T: t, Ctx: t.Context(), Open: func() (store.Store, error) { return m.Open(t.Context()) }})
	})
}
