package recipe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestReadiness_CountsOnlySessions: a znode that was left by a copy of the tree leads nothing
// and executes nothing, and one that is not shown may be there.
func TestReadiness_CountsOnlySessions(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		defer func() { _ = c.Close(w.ctx) }()
		check := func(when string, want recipe.Readiness) {
			t.Helper()
			if got, err := c.Readiness(w.ctx); err != nil || got != want {
				t.Errorf("%s: %+v, %v", when, got, err)
			}
		}
		check("an empty ensemble", recipe.Readiness{})
		w.parents()
		w.do(zkapi.Create("/master", nil, zkapi.Persistent))
		w.do(zkapi.Create("/workers/a", nil, zkapi.Persistent))
		check("strays", recipe.Readiness{})
		w.worker("w1", echo)
		time.Sleep(time.Second)
		check("a worker", recipe.Readiness{Works: true})
		w.do(zkapi.Delete("/master", zkapi.AnyVersion))
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.within(time.Second, "it leads", leading(m))
		check("both", recipe.Readiness{Leads: true, Works: true})
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if strings.HasPrefix(op.Path, "/master") || op.Path == "/workers" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		check("not shown", recipe.Readiness{Leads: true, Works: true})
	})
}
