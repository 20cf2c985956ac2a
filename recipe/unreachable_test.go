package recipe_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// cutOff is an Env that waits for a session as the driver does, and knows why none comes.
type cutOff struct{ zkapi.Env }

func (cutOff) Open(ctx context.Context) (zkapi.Session, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (cutOff) Unreachable() *zkapi.Unreachable {
	return &zkapi.Unreachable{Reason: "zk1:2181: connection refused"}
}

// TestClient_ErrorsSayWhyNothingIsReached: each method's error has the network's reason,
// although the first attempt to open a session is not over.
func TestClient_ErrorsSayWhyNothingIsReached(t *testing.T) {
	inBubble(t, func(w *world) {
		c, err := recipe.NewClient(cutOff{w.env}, recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close(w.ctx) }()
		for name, call := range map[string]func(context.Context) error{
			"Submit":   func(ctx context.Context) error { _, err := c.Submit(ctx, nil); return err },
			"Await":    func(ctx context.Context) error { _, err := c.Await(ctx, "task-a"); return err },
			"Do":       func(ctx context.Context) error { _, err := c.Do(ctx, nil); return err },
			"Cancel":   func(ctx context.Context) error { _, err := c.Cancel(ctx, "task-a"); return err },
			"Collect":  func(ctx context.Context) error { return c.Collect(ctx, "task-a") },
			"Leader":   func(ctx context.Context) error { _, err := c.Leader(ctx); return err },
			"Overview": func(ctx context.Context) error { _, err := c.Overview(ctx); return err },
			"Inspect":  func(ctx context.Context) error { _, err := c.Inspect(ctx, "task-a"); return err },
		} {
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			err := call(ctx)
			cancel()
			why, told := errors.AsType[*zkapi.Unreachable](err)
			if !told || why.Reason != "zk1:2181: connection refused" || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// stalling is a session that loses its connection: from then on each request waits for
// another one.
type stalling struct {
	zkapi.Session
	stalls atomic.Bool
}

func (s *stalling) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if !s.stalls.Load() {
		return s.Session.Do(ctx, op)
	}
	<-ctx.Done()
	return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: errors.Join(zkapi.ErrNotSent, context.Cause(ctx))}
}

func (*stalling) Unreachable() *zkapi.Unreachable {
	return &zkapi.Unreachable{Reason: "zk2:2181: no route to host"}
}

// opens is an Env with one session.
type opens struct {
	zkapi.Env
	session zkapi.Session
}

func (o opens) Open(context.Context) (zkapi.Session, error) { return o.session, nil }

// TestClient_ErrorsSayWhyTheConnectionIsLost is the same with a session that has lost its
// connection: at once, or when it was in use.
func TestClient_ErrorsSayWhyTheConnectionIsLost(t *testing.T) {
	for _, used := range []bool{false, true} {
		inBubble(t, func(w *world) {
			session := &stalling{Session: w.env.Server.Open()}
			c, err := recipe.NewClient(opens{w.env, session}, recipe.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close(w.ctx) }()
			if used {
				if _, err := c.Submit(w.ctx, nil, recipe.ID("a")); err != nil {
					t.Fatal(err)
				}
			}
			session.stalls.Store(true)
			for name, call := range map[string]func(context.Context) error{
				"Submit":   func(ctx context.Context) error { _, err := c.Submit(ctx, nil); return err },
				"Await":    func(ctx context.Context) error { _, err := c.Await(ctx, "task-a"); return err },
				"Cancel":   func(ctx context.Context) error { _, err := c.Cancel(ctx, "task-a"); return err },
				"Overview": func(ctx context.Context) error { _, err := c.Overview(ctx); return err },
			} {
				ctx, cancel := context.WithTimeout(w.ctx, time.Second)
				err := call(ctx)
				cancel()
				if why, told := errors.AsType[*zkapi.Unreachable](err); !told || why.Reason != "zk2:2181: no route to host" {
					t.Errorf("used %v, %s: %v", used, name, err)
				}
			}
		})
	}
}
