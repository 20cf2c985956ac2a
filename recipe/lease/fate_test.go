package lease_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWrites_HaveAFate: whatever is wrong, the error of a write says what is known about it.
func TestWrites_HaveAFate(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	all := func(w *mishap.World, what string, ctx context.Context, l *lease.Leases, at string) {
		_, long := l.Take(ctx, at, 48*time.Hour)
		mishap.Stated(w.T, what+": too long", long)
		held, err := l.Take(ctx, at, d)
		mishap.Stated(w.T, what+": take", err)
		if err == nil {
			mishap.Stated(w.T, what+": release", held.Release(ctx))
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		all(w, "nil", w.Ctx, nil, path)
		all(w, "zero", w.Ctx, &lease.Leases{}, path)
		l := leases(w, "p1")
		all(w, "in order", w.Ctx, l, path)
		all(w, "no path", w.Ctx, l, "x/")
		all(w, "ctx has ended", ended, l, path)
		held := takes(w, l)
		writes := func(what string, ctx context.Context) {
			_, written := held.Write(ctx, zkapi.Create("/x", nil, zkapi.Persistent))
			_, own := held.Write(ctx, zkapi.Set(path, nil, -1))
			for i, err := range []error{written, own, held.Renew(ctx), held.Release(ctx)} {
				mishap.Stated(t, fmt.Sprintf("%s, write %d", what, i), err)
			}
		}
		writes("of a lease, ctx has ended", ended)
		writes("of a lease that is released", w.Ctx)
		w.Env.Server.Refuse(func(_ int64, op zkapi.Op) error { return zkapi.ErrNoAuth })
		all(w, "refused", w.Ctx, l, path)
		writes("of a lease, refused", w.Ctx)
		w.Env.Server.Refuse(nil)
		held = takes(w, l)
		for _, s := range w.Env.Server.Sessions() {
			s.Cut()
		}
		limited, stop := context.WithTimeout(w.Ctx, time.Second)
		defer stop()
		writes("of a lease, no connection", limited)
		_ = l.Close(w.Ctx)
		all(w, "closed", w.Ctx, l, path)
		writes("of a lease, closed", w.Ctx)
	})
}
