package integration

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// tokens are those under which handlers have run, in the order in which they began.
type tokens struct {
	mu  sync.Mutex
	all []recipe.Token
}

func (k *tokens) handler(_ context.Context, task recipe.Task) (recipe.Result, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, task.Token)
	return recipe.Result(task.Payload), nil
}

// highest is the highest epoch so far. Epochs that do not grow fail the test.
func (k *tokens) highest(t *testing.T) int32 {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.IsSortedFunc(k.all, func(a, b recipe.Token) int { return int(a.Epoch) - int(b.Epoch) }) {
		t.Errorf("a token is lower than one before it: %v", k.all)
	}
	if len(k.all) == 0 {
		return 0
	}
	return k.all[len(k.all)-1].Epoch
}

// TestRestore_EnsembleThatGoesBack stops the servers under a master, a worker and a client that
// run on, and starts them again on an older copy of their disks, and then on empty disks.
func TestRestore_EnsembleThatGoesBack(t *testing.T) {
	onBoth(t, ensemble.Config{Servers: 1}, goesBack)
}

func goesBack(t *testing.T, e driven) {
	env, err := zkclient.New(zkclient.Config{Servers: e.addresses(), SessionTimeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var logs locked
	var k tokens
	g := group{t: t, env: env, handler: k.handler, see: recipe.Observers{Logger: slog.New(slog.NewTextHandler(&logs, nil))}}
	g.start("m1", "w1")
	g.does("one", 30*time.Second)
	e.restarted(t, copied)
	depose(t, e, 3)
	g.does("two", 30*time.Second)
	seen := k.highest(t)
	if seen < 3 {
		t.Fatalf("the epoch is %d", seen)
	}
	for _, c := range []struct {
		name string
		with diskWork
	}{{"restored from an older copy", replaced}, {"wiped", wiped}} {
		t.Run(c.name, func(t *testing.T) {
			before := len(logs.String())
			e.restarted(t, c.with)
			g.does("after it was "+c.name, 60*time.Second)
			now := k.highest(t)
			if now <= seen {
				t.Errorf("the epoch of the token is %d, and %d was seen", now, seen)
			}
			seen = now
			told := logs.String()[before:]
			for _, want := range []string{"the ensemble was wiped, replaced or restored", "the epoch is raised"} {
				if !strings.Contains(told, want) {
					t.Errorf("they do not say %q:\n%s", want, told)
				}
			}
		})
	}
}

// depose makes the active master give up its term, so many times.
func depose(t *testing.T, e driven, times int) {
	t.Helper()
	session := opened(t, zkclient.Config{Servers: e.addresses()})
	for range times {
		before, err := session.Do(t.Context(), zkapi.Exists("/assign"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Do(t.Context(), zkapi.Delete("/master", zkapi.AnyVersion)); err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			now, err := session.Do(t.Context(), zkapi.Exists("/assign"))
			if err == nil && now.Stat.Version > before.Stat.Version {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("nobody is elected: %v", err)
			}
		}
	}
}
