package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// counting is an Env that counts sessions, and ends each at once if it is told to.
type counting struct {
	*zk.Env
	opened *atomic.Int64
	ends   bool
}

func (e *counting) Open(ctx context.Context) (zkapi.Session, error) {
	e.opened.Add(1)
	session, err := e.Env.Open(ctx)
	if err == nil && e.ends {
		session.(*zk.Session).Expire()
	}
	return session, err
}

// rolesOf are all the roles on one Env; each runs until ctx ends.
func rolesOf(env zkapi.Env) map[string]func(context.Context) error {
	run := func(make func() (recipe.Role, error)) func(context.Context) error {
		return func(ctx context.Context) error {
			role, err := make()
			if err != nil {
				return err
			}
			return role.Run(ctx)
		}
	}
	return map[string]func(context.Context) error{
		"master": run(func() (recipe.Role, error) {
			return recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Namespace: "/app"})
		}),
		"master in line": run(func() (recipe.Role, error) {
			return recipe.NewMaster(env, recipe.MasterConfig{Name: "m1", Namespace: "/app", Queue: true})
		}),
		"worker": run(func() (recipe.Role, error) {
			return recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Namespace: "/app", Handler: echo})
		}),
		"client": func(ctx context.Context) error {
			c, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: "/app"})
			if err != nil {
				return err
			}
			defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
			_, err = c.Submit(ctx, nil)
			return err
		},
		"client that looks": func(ctx context.Context) error {
			c, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: "/app"})
			if err != nil {
				return err
			}
			defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
			_, err = c.Overview(ctx)
			return err
		},
	}
}

// TestRetry_PausesAfterARefusal has the server refuse everything in the namespace,
// or all writes, or whatever asks for one znode, with refusals that may end at any time;
// or end each session. A role goes on to try for an hour, with few sessions and requests,
// and goes on to work when it is let.
func TestRetry_PausesAfterARefusal(t *testing.T) {
	everything := func(zkapi.Op) bool { return true }
	for _, c := range []struct {
		says      string
		refuses   func(zkapi.Op) bool
		sessions  int64 // in an hour, at most
		requests  int64
		endsEarly bool
	}{
		{says: "everything", refuses: everything, sessions: 1, requests: 4000},
		{says: "writes", refuses: func(op zkapi.Op) bool { return op.Kind.Writes() }, sessions: 1, requests: 4000},
		{says: "the claims", refuses: func(op zkapi.Op) bool { return strings.HasPrefix(op.Path, "/app/assign") }, sessions: 3, requests: 4000},
		{says: "the tasks", refuses: func(op zkapi.Op) bool { return op.Path == "/app/tasks" }, sessions: 3, requests: 8000},
		{says: "no session", refuses: func(zkapi.Op) bool { return false }, sessions: 2400, requests: 10_000, endsEarly: true},
	} {
		for _, why := range []error{zkapi.Answer(-125), zkapi.Answer(-127), zkapi.Answer(-777)} {
			for role := range rolesOf(nil) {
				t.Run(fmt.Sprintf("%s/%v/%s", c.says, why, role), func(t *testing.T) {
					inBubble(t, func(w *world) {
						var opened, asked atomic.Int64
						env := &counting{w.env, &opened, c.endsEarly}
						w.env.Server.Observe(func(int64, zkapi.Op) { asked.Add(1) })
						w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
							if op.Kind != zkapi.KindMulti && strings.HasPrefix(op.Path, "/app") && c.refuses(op) {
								return why
							}
							return nil
						})
						ended := make(chan error, 1)
						w.work.Go(func() { ended <- rolesOf(env)[role](w.ctx) })
						select {
						case err := <-ended:
							if err != nil {
								t.Errorf("it has ended: %v", err)
							}
							return // what it asks for is not refused
						case <-time.After(time.Hour):
						}
						if opened.Load() > c.sessions || asked.Load() > c.requests {
							t.Errorf("%d sessions and %d requests in an hour; %d and %d are enough", opened.Load(), asked.Load(), c.sessions, c.requests)
						}
						w.stop()
						if err := <-ended; !errors.Is(err, context.Canceled) {
							t.Errorf("it has ended with: %v", err)
						}
					})
				})
			}
		}
	}
}
