package ensemble_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestServer_FaultsAndTheirEnd applies the faults of the nemesis to a real ensemble, and
// sees each of them take effect and end.
func TestServer_FaultsAndTheirEnd(t *testing.T) {
	e := ensembletest.Start(t, 3)
	ctx := limited(t)
	leader := e.Leader(ctx)
	if leader == nil {
		t.Fatal("no server leads")
	}
	must(t, leader.Kill(ctx))
	if running, err := leader.Running(ctx); running || err != nil {
		t.Errorf("after kill: running is %v, %v", running, err)
	}
	must(t, e.WaitServing(ctx, 2))
	if _, err := leader.Status(ctx); err == nil {
		t.Error("a killed server answers")
	}
	must(t, leader.Restart(ctx))
	must(t, e.WaitServing(ctx, 3))

	paused := e.Servers[0]
	must(t, paused.Pause(ctx))
	if held, err := paused.Paused(ctx); !held || err != nil {
		t.Errorf("after pause: %v, %v", held, err)
	}
	if _, err := paused.Status(ctx); err == nil {
		t.Error("a paused server answers")
	}
	must(t, paused.Resume(ctx))
	must(t, e.WaitServing(ctx, 3))

	leader = e.Leader(ctx)
	var others []*ensemble.Server
	for _, s := range e.Servers {
		if s != leader {
			others = append(others, s)
		}
	}
	must(t, leader.Cut(ctx, others...))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err := leader.Status(ctx); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an isolated leader goes on serving")
		}
	}
	if n, err := leader.Packets(ctx); n.Dropped() == 0 || err != nil {
		t.Errorf("%+v, %v", n, err)
	}
	must(t, e.HealAll(ctx))
	must(t, e.WaitServing(ctx, 3))
	_, err := leader.CLI(ctx, `create /mark "x"`) // until then the servers may differ
	must(t, err)
	must(t, e.WaitAgreed(ctx))

	dir := t.TempDir()
	must(t, e.SaveEvidence(ctx, dir))
	for _, pattern := range []string{"zk1/server.log", "zk1/data/log/version-2/log.*"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) == 0 {
			t.Errorf("no %s in the evidence", pattern)
		}
	}
}

func TestExpire_EndsASession(t *testing.T) {
	t.Parallel()
	e := ensembletest.Start(t, 1)
	ctx := limited(t)
	proxy, err := ensemble.NewProxy(e.Addresses(), ensemble.Hooks{})
	must(t, err)
	defer proxy.Close()
	driver, err := zkclient.New(zkclient.Config{Servers: proxy.Addresses(), SessionTimeout: 5 * time.Second})
	must(t, err)
	session, err := driver.Open(ctx)
	must(t, err)
	_, err = session.Do(ctx, zkapi.Create("/mine", nil, zkapi.Ephemeral))
	must(t, err)
	seen, ok := proxy.Session()
	if !ok || seen.ID != session.ID() {
		t.Fatalf("the proxy saw session 0x%x, the client has 0x%x", seen.ID, session.ID())
	}
	zxid, err := ensemble.Expire(ctx, e.Servers[0].Address, seen)
	must(t, err)
	if zxid == 0 {
		t.Error("the end of the session has no zxid")
	}
	if alive, err := ensemble.SessionAlive(ctx, e.Servers[0].Address, seen); alive || err != nil {
		t.Errorf("alive is %v, %v", alive, err)
	}
	if _, err := ensemble.Expire(ctx, e.Servers[0].Address, seen); !errors.Is(err, ensemble.ErrSessionGone) {
		t.Errorf("expired twice: %v", err)
	}
	if _, err := driver.Wait(ctx, session.Done()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(session.Cause(), zkclient.ErrExpired) {
		t.Errorf("cause %v", session.Cause())
	}
	again, err := driver.Open(ctx)
	must(t, err)
	defer again.Close(ctx)
	if found, err := again.Do(ctx, zkapi.Exists("/mine")); err != nil || found.Found {
		t.Errorf("the ephemeral outlived its session: %v, %v", found.Found, err)
	}
}

func TestExternal_RefusesServerFaults(t *testing.T) {
	t.Parallel()
	inside := ensembletest.Start(t, 1)
	ctx := limited(t)
	e, err := ensemble.External(ctx, inside.Addresses())
	must(t, err)
	for name, action := range map[string]func(context.Context) error{"kill": e.Servers[0].Kill, "pause": e.Servers[0].Pause, "restart": e.Servers[0].Restart} {
		if err := action(ctx); !errors.Is(err, ensemble.ErrExternal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, e.Stop(ctx))
	if _, err := inside.Servers[0].Status(ctx); err != nil {
		t.Errorf("stopping an external ensemble broke it: %v", err)
	}
}

func TestStart_ErrorsNameInputAndRemedy(t *testing.T) {
	ctx := limited(t)
	_, err := ensemble.External(ctx, []string{"127.0.0.1:1"})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "--connect") {
		t.Errorf("unreachable: %v", err)
	}
	if _, err := ensemble.Start(ctx, ensemble.Config{Servers: 4}); err == nil || !strings.Contains(err.Error(), "1, 3 or 5") {
		t.Errorf("four servers: %v", err)
	}
}

// TestRemoveLeftovers_OfDeadProcesses starts an ensemble in another process and kills
// that process. Its leftovers are found and removed; those of living processes stay.
func TestRemoveLeftovers_OfDeadProcesses(t *testing.T) {
	if os.Getenv("RINGMASTER_LEAVE_BEHIND") != "" {
		t.Skip("this is the other process")
	}
	mine := ensembletest.Start(t, 1)
	ctx := limited(t)
	leaveBehind(t)
	removed, err := ensemble.RemoveLeftovers(ctx)
	must(t, err)
	if removed < 4 { // a container, a network, two volumes
		t.Errorf("%d leftovers were removed", removed)
	}
	if again, err := ensemble.RemoveLeftovers(ctx); again != 0 || err != nil {
		t.Errorf("a second time: %d, %v", again, err)
	}
	if _, err := mine.Servers[0].Status(ctx); err != nil {
		t.Errorf("the resources of a living process were removed: %v", err)
	}
}

func ExampleServerName() {
	fmt.Println(ensemble.ServerName(1))
	// Output: zk1
}
