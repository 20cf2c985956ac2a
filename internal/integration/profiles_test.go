package integration

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// hostile are three servers that behave otherwise than kind ones.
type hostile struct {
	driven
	profile ensemble.Profile
}

// config is that of a client of some of them. It asks for the shortest timeout that they grant.
func (e hostile) config(servers ...int) zkclient.Config {
	config := zkclient.Config{SessionTimeout: 2 * e.profile.Tick}
	for _, i := range servers {
		config.Servers = append(config.Servers, e.addresses()[i])
	}
	return config
}

// TestProfiles_HostileServers shows what each of these profiles changes, on one ensemble that has
// the settings of all of them. Servers of model/zk/serve have some of them, and shorter ticks.
func TestProfiles_HostileServers(t *testing.T) {
	t.Parallel()
	t.Run("serve", func(t *testing.T) {
		p := together(t, "as-shipped")
		p.Tick /= 2
		for name, test := range map[string]func(hostile, *testing.T){
			"a server without a leader grants nothing":                  hostile.grantsNothing,
			"as-shipped: a follower answers for a session that is over": hostile.asShipped,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(hostile{startServe(t, ensemble.Config{Servers: 3, Profile: p}), p}, t)
			})
		}
	})
	t.Run("ZooKeeper", func(t *testing.T) {
		p := together(t, "as-shipped", "read-only", "zxid-rollover")
		real := startReal(t, ensemble.Config{Servers: 3, Profile: p})
		e := hostile{real, p}
		t.Run("zxid-rollover: the group goes on", func(t *testing.T) { rollsOver(t, real.Ensemble, p) })
		t.Run("read-only: a server without a leader grants nothing", e.grantsNothing)
		t.Run("as-shipped: a follower answers for a session that is over", e.asShipped)
	})
}

// TestOneName_ConnectsToEachServerInTurn is given one name for all servers, of which the
// system's resolver would give the first address. It runs alone, because it replaces the
// resolver of the process.
func TestOneName_ConnectsToEachServerInTurn(t *testing.T) {
	const servers = 3
	names, err := ensemble.ServeNames(ensemble.LocalAddresses(servers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() })
	// Whoever asks the resolver begins after it was set, and has ended when it is set again.
	system := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = system })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", names.Address())
	}}
	proxy, err := ensemble.NewProxyOfOneName(startServe(t, ensemble.Config{Servers: servers}).addresses(), ensemble.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	session := opened(t, zkclient.Config{Servers: []string{proxy.AtOneName()}, SessionTimeout: 20 * time.Second})
	seen := map[string]bool{}
	for range 10 * servers {
		if session.Done().Fired() {
			t.Fatal(session.Cause())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		_, _ = session.Do(ctx, zkapi.Exists("/")) // the connection may break just then
		cancel()
		if at, up := proxy.ServerOf(session.ID()); up {
			seen[at] = true
		}
		if len(seen) == servers {
			break
		}
		proxy.Break()
	}
	if len(seen) != servers {
		t.Errorf("it has been at %v only", seen)
	}
}

// rollsOver writes until the leader's counter is at its end, twice.
func rollsOver(t *testing.T, e *ensemble.Ensemble, profile ensemble.Profile) {
	env, err := zkclient.New(zkclient.Config{Servers: e.Addresses(), SessionTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var logs locked
	g := group{t: t, env: env, namespace: "/rolls", see: recipe.Observers{Logger: slog.New(slog.NewTextHandler(&logs, nil))}}
	g.start("m1", "w1")
	before := g.does("before", 30*time.Second)
	session, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close(context.Background()) }()
	made, err := session.Do(t.Context(), zkapi.Create("/counted", nil, zkapi.Persistent))
	if err != nil {
		t.Fatal(err)
	}
	const counters = 1 << 32
	at := func() int64 {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			set, err := session.Do(t.Context(), zkapi.Set("/counted", nil, zkapi.AnyVersion))
			if err == nil {
				return set.Stat.Mzxid
			}
			if zkapi.FateOf(err) == zkapi.NotApplied || time.Now().After(deadline) {
				t.Fatalf("%s: %v", made.Path, err)
			}
		}
	}
	first := at()
	if first%counters < profile.FirstCounter() {
		t.Errorf("the counter of 0x%x begins elsewhere", first)
	}
	ops := slices.Repeat([]zkapi.Op{zkapi.Set("/counted", nil, zkapi.AnyVersion)}, 200)
	for last, deadline := first, time.Now().Add(40*time.Second); last/counters < first/counters+2; last = at() {
		if time.Now().After(deadline) {
			t.Fatalf("from 0x%x to 0x%x only", first, last)
		}
		session.DoAll(t.Context(), ops) // those that are lost are lost
	}
	said := 0
	for _, s := range e.Servers {
		n, err := s.Said(t.Context(), "rolled over")
		if err != nil {
			t.Fatal(err)
		}
		said += n
	}
	if said == 0 {
		t.Error("no server says that its counter has rolled over")
	}
	if status := g.does("after", 30*time.Second); status.Token.Epoch != before.Token.Epoch {
		t.Errorf("the epoch of masters is %d, it was %d: a session was lost:\n%s", status.Token.Epoch, before.Token.Epoch, logs.String())
	}
	if strings.Contains(logs.String(), "wiped") {
		t.Errorf("an election of the servers is taken for a restore:\n%s", logs.String())
	}
}

// grantsNothing asks a server that has lost the others for a session.
func (e hostile) grantsNothing(t *testing.T) {
	e.healAll(t)
	alone := others(e, e.leader(t))[0]
	e.cutOff(t, alone)
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		text, err := ask(e.addresses()[alone], "srvr")
		if err == nil && (strings.Contains(text, "read-only") || strings.Contains(text, "not currently serving")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it has a leader, or so it says: %q, %v", text, err)
		}
	}
	env, err := zkclient.New(e.config(alone))
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if session, err := env.Open(short); err == nil {
		_, err = session.Do(short, zkapi.Exists("/"))
		t.Errorf("it has granted 0x%x; a read: %v", session.ID(), err)
	}
	e.healAll(t)
	back, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var session zkapi.Session
	for session == nil && back.Err() == nil {
		if session, err = env.Open(back); err != nil {
			session = nil
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Do(t.Context(), zkapi.Exists("/")); err != nil {
		t.Error(err)
	}
	_ = session.Close(t.Context())
}

// asShipped shows why an owner must not go by the answers to its pings: with a syncLimit of
// more ticks than a session lasts, they go on after its session is over.
func (e hostile) asShipped(t *testing.T) {
	e.healAll(t)
	leader := e.leader(t)
	follower := others(e, leader)[0]
	session, other := opened(t, e.config(follower)), opened(t, e.config(leader))
	if _, err := session.Do(t.Context(), zkapi.Create("/mine", nil, zkapi.Ephemeral)); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	e.cutOff(t, follower)
	for found := true; found; time.Sleep(100 * time.Millisecond) {
		got, err := other.Do(t.Context(), zkapi.Exists("/mine"))
		if err != nil || time.Since(cut) > 20*time.Second {
			t.Fatalf("after %v the session has not ended: %v", time.Since(cut), err)
		}
		found = got.Found
	}
	over := time.Since(cut)
	got, err := session.Do(t.Context(), zkapi.Exists("/mine"))
	if err != nil || !got.Found || session.Done().Fired() {
		t.Errorf("its own server says, %v after the cut: found is %v, %v, %v", over, got.Found, err, session.Cause())
	}
	t.Logf("the session was over %v after the cut", over.Round(100*time.Millisecond))
	ended, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	env, err := zkclient.New(e.config(follower))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Wait(ended, session.Done()); err != nil {
		t.Errorf("it goes on for ever: %v", err)
	}
}
