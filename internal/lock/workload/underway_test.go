package workload

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSlow_WriteUnderWayIsFenced: a write is sent while the lock is held, and the server gets it when
// the lock has been given back. Only the server can refuse it.
func TestSlow_WriteUnderWayIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zk.NewServer(4 * time.Second)
		var fenced int
		server.Observe(func(_ int64, op zkapi.Op) {
			for _, part := range op.Ops {
				if part.Path == "/ledger" {
					fenced++
				}
			}
		})
		env := slowed(&zk.Env{Server: server})
		locks, err := lock.New(env, lock.Config{})
		if err != nil {
			t.Fatal(err)
		}
		held, err := locks.Lock(t.Context(), "/locks/a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := held.Write(t.Context(), zkapi.Create("/ledger", nil, zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
		entry, over, errs := zkapi.Set("/ledger", []byte("1"), zkapi.AnyVersion), make(chan struct{}), make(chan error)
		forget := env.expect(entry, over)
		go func() {
			_, err := held.Write(t.Context(), entry)
			errs <- err
		}()
		synctest.Wait()
		if err := held.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if fenced != 1 {
			t.Errorf("the write has arrived too early: %d", fenced)
		}
		close(over)
		if err := <-errs; !errors.Is(err, lock.ErrFenced) || fenced != 2 {
			t.Errorf("%v; %d requests", err, fenced)
		}
		forget()
		if env.until(zkapi.Multi(entry)) != nil {
			t.Error("it is still waited for")
		}
		if err := locks.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
