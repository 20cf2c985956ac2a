package barrier_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWrites_HaveAFate: whatever is wrong, the error of a write says what is known about it.
func TestWrites_HaveAFate(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	all := func(w *mishap.World, what string, ctx context.Context, b *barrier.Barriers, at string) {
		_, entered := b.Enter(ctx, at+"-double", 1)
		_, none := b.Enter(ctx, at, 0)
		for i, err := range []error{entered, none, b.Set(ctx, at), b.Lift(ctx, at)} {
			mishap.Stated(w.T, fmt.Sprintf("%s, write %d", what, i), err)
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		all(w, "nil", w.Ctx, nil, path)
		all(w, "zero", w.Ctx, &barrier.Barriers{}, path)
		b := barriers(w)
		in, err := b.Enter(w.Ctx, path+"-2", 1)
		if err != nil {
			t.Fatal(err)
		}
		all(w, "in order", w.Ctx, b, path)
		all(w, "no path", w.Ctx, b, "x/")
		all(w, "ctx has ended", ended, b, path)
		mishap.Stated(t, "leave, ctx has ended", in.Leave(ended))
		_, written := in.Write(ended, zkapi.Create("/x", nil, zkapi.Persistent))
		mishap.Stated(t, "write, ctx has ended", written)
		w.Env.Server.Refuse(func(_ int64, op zkapi.Op) error { return zkapi.ErrNoAuth })
		all(w, "refused", w.Ctx, b, path)
		mishap.Stated(t, "leave, refused", in.Leave(w.Ctx))
		w.Env.Server.Refuse(nil)
		for _, s := range w.Env.Server.Sessions() {
			s.Cut()
		}
		limited, stop := context.WithTimeout(w.Ctx, time.Second)
		defer stop()
		all(w, "no connection", limited, b, path)
		mishap.Stated(t, "leave, no connection", in.Leave(limited))
		_ = b.Close(w.Ctx)
		all(w, "closed", w.Ctx, b, path)
		mishap.Stated(t, "leave, closed", in.Leave(w.Ctx))
	})
}
