package harness

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// serverRun is a run of which only the servers are there, and somebody who writes.
func serverRun(t *testing.T) *docker {
	t.Helper()
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 3, SmallLog: 32 << 20})
	r := newDocker(defaults(), "", io.Discard)
	r.ensemble = e
	var err error
	if r.observer, err = r.newObserver(e.Addresses()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.observer.Close(context.Background()) })
	writing, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	t.Cleanup(func() { stop(); <-stopped })
	writer, err := r.newObserver(e.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(stopped)
		_, _ = writer.Do(writing, zkapi.Create("/tasks", nil, zkapi.Persistent))
		for wait(writing, 5*time.Millisecond) {
			_, _ = writer.Do(writing, zkapi.Create("/tasks/task-", []byte("payload"), zkapi.PersistentSequential))
		}
		writer.Close(context.Background())
	}()
	return r
}

// serverFaults are those that the test below inflicts, each for a while that is long
// enough to bite.
var serverFaults = []nemesis.Fault{
	{Kind: nemesis.LagFollower, Duration: time.Second},
	{Kind: nemesis.KillServer, Duration: 200 * time.Millisecond, Pick: 1},
	{Kind: nemesis.SlowDisk, Duration: 2 * time.Second, Pick: 1}, // the one that is just starting
	{Kind: nemesis.PauseServer, Duration: 200 * time.Millisecond, Pick: 2},
	{Kind: nemesis.AsymmetricCut, Duration: 2500 * time.Millisecond},
	{Kind: nemesis.Bridge, Duration: 700 * time.Millisecond},
	{Kind: nemesis.IsolateFollower, Duration: 3 * time.Second},
	{Kind: nemesis.IsolateHolder, Duration: 3 * time.Second},
	{Kind: nemesis.IsolateLeader, Duration: 3 * time.Second},
	{Kind: nemesis.IsolateServer, Role: nemesis.FollowerServer, Duration: 3 * time.Second}, // nobody leads here
	{Kind: nemesis.SplitServers, Duration: 3 * time.Second, Pick: 2},
	{Kind: nemesis.ChangeLeader},
	{Kind: nemesis.FillDisk, Duration: 2 * time.Second},
	{Kind: nemesis.RestartAll, Duration: 200 * time.Millisecond},
	{Kind: nemesis.RollingRestart, Pick: 1},
}

// TestDocker_ServerFaultsAreEffective binds every fault of servers to a real ensemble. Its probe must
// deny it before anything was done, see it bite afterwards, and leave nothing behind.
func TestDocker_ServerFaultsAreEffective(t *testing.T) {
	r := serverRun(t)
	r.hold(t)
	bound := map[nemesis.Kind]bool{nemesis.ExhaustQuota: true} // TestDocker_ExhaustedQuotaIsEffective
	for _, fault := range serverFaults {
		bound[fault.Kind] = true
		t.Run(string(fault.Kind), func(t *testing.T) { r.biting(t, fault) })
	}
	t.Run("no lag", r.noLag)
	for _, e := range nemesis.Catalogue {
		if e.Roles[0].OnServers() && !bound[e.Kind] {
			t.Errorf("%s is not among them", e.Kind)
		}
	}
}

// hold makes a worker with a resident task, whose session is kept alive.
func (r *docker) hold(t *testing.T) {
	t.Helper()
	proxy, err := ensemble.NewProxy(r.ensemble.Addresses(), ensemble.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	r.members = []member{&process{name: "worker-1", proxy: proxy, exited: make(chan struct{})}}
	worker, err := r.newObserver(proxy.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/assign", "/assign/worker-1", "/assign/worker-1/task-" + "resident." + "1"} {
		if _, err := worker.Must(t.Context(), zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
	}
	holding, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	t.Cleanup(func() { stop(); <-stopped; worker.Close(context.Background()) })
	go func() {
		defer close(stopped)
		for wait(holding, 100*time.Millisecond) {
			_, _ = worker.Do(holding, zkapi.Exists("/assign"))
		}
	}()
}

// TestDocker_ExhaustedQuotaIsEffective exhausts a quota, which servers of one profile only enforce.
// What counts is what participants were refused.
func TestDocker_ExhaustedQuotaIsEffective(t *testing.T) {
	profile, err := ensemble.ProfileNamed("quota")
	if err != nil {
		t.Fatal(err)
	}
	r := newDocker(defaults(), "", io.Discard)
	r.namespace = profile.Namespace
	r.ensemble = ensembletest.StartWith(t, ensemble.Config{Servers: 1, Profile: profile})
	if r.dir, _, err = makeFolder(t.TempDir(), 1, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.openJournals(); err != nil {
		t.Fatal(err)
	}
	if r.observer, err = r.newObserver(r.ensemble.Addresses()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.observer.Close(context.Background()) })
	p := &process{name: "client-1", run: r}
	if err := p.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.proxy.Close() })
	client, err := r.newObserver(p.addresses())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(context.Background()) })
	submit := func() error {
		_, err := client.Do(t.Context(), zkapi.Create(r.namespace+"/task-", nil, zkapi.PersistentSequential))
		return err
	}
	if _, err := client.Must(t.Context(), zkapi.Create(r.namespace, nil, zkapi.Persistent)); err != nil {
		t.Fatal(err)
	}
	d, err := r.injector.Bind(t.Context(), nemesis.Fault{Kind: nemesis.ExhaustQuota})
	if err != nil {
		t.Fatal(err)
	}
	if err := submit(); err != nil {
		t.Fatal(err)
	}
	if seen := d.Probe(t.Context()); seen.Effective {
		t.Errorf("before anything was done: %s", seen.Text)
	}
	if err := d.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := submit(); zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("beyond the quota: %v", err)
	}
	if seen := d.Probe(t.Context()); !seen.Effective {
		t.Errorf("it does not bite: %s %v", seen.Text, seen.Figures)
	}
	if err := d.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := submit(); err != nil {
		t.Errorf("after the quota was lifted: %v", err)
	}
}

func (r *docker) biting(t *testing.T, fault nemesis.Fault) {
	tries := 1
	if fault.Kind == nemesis.LagFollower {
		tries = 3 // on a busy machine the follower may lose its patience
	}
	for try := 1; ; try++ {
		seen := r.inflicted(t, fault)
		switch {
		case seen.Effective && len(seen.Figures) > 0:
			return
		case try == tries:
			t.Fatalf("it does not bite: %s %v", seen.Text, seen.Figures)
		}
	}
}

// inflicted is what the probe of a fault has found, after it has denied it once.
func (r *docker) inflicted(t *testing.T, fault nemesis.Fault) nemesis.Finding {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if fault.Kind != nemesis.SlowDisk {
		if err := r.ensemble.WaitServing(ctx, len(r.ensemble.Servers)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := r.injector.Bind(ctx, fault)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Done()
	if seen := d.Probe(ctx); seen.Effective {
		t.Errorf("before anything was done: %s, %v", seen.Text, seen.Figures)
	}
	if _, err := r.injector.Bind(ctx, nemesis.Fault{Kind: nemesis.RestartAll}); err == nil {
		t.Error("another fault takes the server that suffers already")
	}
	if err := d.Apply(ctx); err != nil {
		t.Error(err)
	}
	wait(ctx, fault.Duration)
	seen := d.Probe(ctx)
	t.Logf("%s: %s %v", d.Target, seen.Text, seen.Figures)
	if err := d.Heal(ctx); err != nil {
		t.Error(err)
	}
	return seen
}

// healthy is a bench on which nothing is kept from a server.
type healthy struct{ *docker }

func (h healthy) Ensemble() nemesis.Ensemble { return hearing{realServers{h.docker}} }

type hearing struct{ realServers }

func (h hearing) Servers() []nemesis.Server {
	all := h.realServers.Servers()
	for i, s := range all {
		all[i] = hears{s.(server)}
	}
	return all
}

func (h hearing) Leader(ctx context.Context) (nemesis.Server, bool) {
	leader, leads := h.realServers.Leader(ctx)
	return hears{leader.(server)}, leads
}

type hears struct{ server }

func (hears) Deafen(context.Context, ...nemesis.Server) error { return nil }

// noLag injects a lag where the follower hears of everything.
func (r *docker) noLag(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), healLimit)
	defer cancel()
	d, err := nemesis.NewInjector(healthy{r}).Bind(ctx, nemesis.Fault{Kind: nemesis.LagFollower, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	if seen := d.Probe(ctx); seen.Effective || len(seen.Figures) == 0 {
		t.Errorf("a follower that hears of everything: %s", seen.Text)
	}
	if err := d.Heal(ctx); err != nil {
		t.Error(err)
	}
}

// TestDocker_FindsTheServerOfTheMaster has the server found that the active master is connected to, and
// found again when it has moved to another one.
func TestDocker_FindsTheServerOfTheMaster(t *testing.T) {
	r := serverRun(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	proxy, err := ensemble.NewProxy(r.ensemble.Addresses(), ensemble.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	r.members = []member{&process{name: "somebody", proxy: proxy}, &process{name: "master-1", proxy: proxy}}
	fault := nemesis.Fault{Kind: nemesis.KillServer, Role: nemesis.MastersServer}
	driver, err := zkclient.New(zkclient.Config{Servers: proxy.Addresses(), SessionTimeout: 9 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	session, err := driver.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Do(ctx, zkapi.Create("/master", []byte("master-1:1"), zkapi.Ephemeral)); err != nil {
		t.Fatal(err)
	}
	// its server says so itself
	connected := func(ctx context.Context) string {
		for _, s := range r.ensemble.Servers {
			if text, err := s.FourLetterWord(ctx, "cons"); err == nil && strings.Contains(text, fmt.Sprintf("sid=0x%x,", session.ID())) {
				return s.Name
			}
		}
		return ""
	}
	first := connected(ctx)
	d, err := r.injector.Bind(ctx, fault)
	if err != nil || d.Target != first || first == "" {
		t.Fatalf("the master is connected to %q, aimed at %q, %v", first, d.Target, err)
	}
	if err := d.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	for now := first; now == "" || now == first; now = connected(ctx) {
		if !wait(ctx, 50*time.Millisecond) {
			t.Fatal("it is connected to no other server")
		}
	}
	d.Done()
	again, err := r.injector.Bind(ctx, fault)
	if err != nil || again.Target != connected(ctx) {
		t.Fatalf("moved to %s, aimed at %s, %v", connected(ctx), again.Target, err)
	}
	again.Done()
	if err := proxy.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.injector.Bind(ctx, fault); err == nil || !strings.Contains(err.Error(), "master-1") {
		t.Errorf("connected to nothing: %v", err)
	}
}

// TestDocker_RefusesAFullDiskForALongLog: a volume is made for the load where it is to be filled up, and none
// that could take too much of the machine's memory.
func TestDocker_RefusesAFullDiskForALongLog(t *testing.T) {
	c := defaults()
	c.Nemesis = []nemesis.Kind{nemesis.FillDisk}
	if size := c.smallLog(); size < smallest || size > largest {
		t.Errorf("%d bytes for the default load", size)
	}
	c.Rate = 10000
	if size := c.smallLog(); size != 0 {
		t.Errorf("%d bytes for a large load", size)
	}
	c.Rate, c.Nemesis = 10, []nemesis.Kind{nemesis.KillServer}
	if size := c.smallLog(); size != 0 {
		t.Errorf("%d bytes that nobody fills up", size)
	}
}
