package value_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWrites_HaveAFate: whatever is wrong, the error of a write says what is known about it.
func TestWrites_HaveAFate(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	all := func(w *mishap.World, what string, ctx context.Context, v *value.Values, at string) {
		_, set := v.Set(ctx, at, nil)
		_, compared := v.CompareAndSet(ctx, at, 7, nil)
		_, old := v.CompareAndSet(ctx, at, -2, nil)
		_, added := v.Add(ctx, at, 1)
		_, block := v.Block(ctx, at, 1)
		_, none := v.Block(ctx, at, 0)
		for i, err := range []error{set, compared, old, added, block, none} {
			mishap.Stated(w.T, fmt.Sprintf("%s, write %d", what, i), err)
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		all(w, "nil", w.Ctx, nil, path)
		all(w, "zero", w.Ctx, &value.Values{}, path)
		v := values(w)
		all(w, "in order", w.Ctx, v, path)
		all(w, "no path", w.Ctx, v, "x/")
		all(w, "ctx has ended", ended, v, path)
		w.Do(zkapi.Set(path, []byte("no number"), zkapi.AnyVersion))
		all(w, "no number", w.Ctx, v, path)
		w.Env.Server.Refuse(func(_ int64, op zkapi.Op) error { return zkapi.ErrNoAuth })
		all(w, "refused", w.Ctx, v, path)
		w.Env.Server.Refuse(nil)
		for _, s := range w.Env.Server.Sessions() {
			s.Cut()
		}
		limited, stop := context.WithTimeout(w.Ctx, time.Second)
		defer stop()
		all(w, "no connection", limited, v, path)
		_ = v.Close(w.Ctx)
		all(w, "closed", w.Ctx, v, path)
	})
}
