package stm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWrites_HaveAFate: whatever is wrong, the error of a write says what is known about it.
func TestWrites_HaveAFate(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	all := func(w *mishap.World, what string, ctx context.Context, s *stm.Space, below string) {
		puts := s.Do(ctx, func(tx *stm.Tx) error { return tx.Put(below, []byte("1")) })
		reads := s.Do(ctx, func(tx *stm.Tx) error { _, _, err := tx.Get(below); return err })
		deletes := s.Do(ctx, func(tx *stm.Tx) error { return tx.Delete(below) })
		for i, err := range []error{puts, reads, deletes} {
			if !errors.Is(err, stm.ErrInvalid) || s == nil { // that of the function itself is returned as it is
				mishap.Stated(w.T, fmt.Sprintf("%s, transaction %d", what, i), err)
			}
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		all(w, "nil", w.Ctx, nil, bank+"/a")
		s := space(w)
		all(w, "in order", w.Ctx, s, bank+"/a")
		all(w, "elsewhere", w.Ctx, s, "/x")
		all(w, "ctx has ended", ended, s, bank+"/a")
		w.Env.Server.Refuse(func(_ int64, op zkapi.Op) error { return zkapi.ErrNoAuth })
		all(w, "refused", w.Ctx, s, bank+"/a")
		w.Env.Server.Refuse(nil)
		for _, one := range w.Env.Server.Sessions() {
			one.Cut()
		}
		limited, stop := context.WithTimeout(w.Ctx, time.Second)
		defer stop()
		all(w, "no connection", limited, s, bank+"/a")
		_ = s.Close(w.Ctx)
		all(w, "closed", w.Ctx, s, bank+"/a")
	})
}
