package integration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/txnlog"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestTxnlog_SaysWhatClientsRead writes all there is to write, in the middle of which a
// server is killed while it appends and the leader is cut off with writes that nobody
// else hears of. Then each server's files have to give the tree that a client reads
// from that server, and all of them together the same, transaction by transaction.
func TestTxnlog_SaysWhatClientsRead(t *testing.T) {
	t.Parallel()
	e := ensembletest.Start(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	writeEverything(t, ctx, e)
	breakServers(t, ctx, e)

	served, zxid := readEach(t, ctx, e)
	servers, order := logged(t, ctx, e, zxid)
	if len(order.Uncommitted) == 0 {
		t.Error("the leader that was cut off left no trace; the test is to have one")
	}
	tree := txnlog.NewTree()
	for _, c := range order.Committed {
		tree.Apply(c.Txn)
		if !tree.Agrees(c.Txn) {
			t.Fatalf("after 0x%x the tree is not the one that the leader expected: %+v", c.Zxid, c.Parts)
		}
	}
	want := slices.Collect(tree.Nodes())
	for _, s := range servers {
		compare(t, s.Name+" serves", served[s.Name], want)
		replayed, err := s.Replay(zxid)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, s.Name+" would come back with", slices.Collect(replayed.Nodes()), want)
	}
}

func compare(t *testing.T, who string, got, want []txnlog.Node) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s %d znodes, not %d", who, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s %+v, not %+v", who, got[i], want[i])
		}
	}
}

func open(t *testing.T, ctx context.Context, addresses ...string) zkapi.Session {
	t.Helper()
	driver, err := zkclient.New(zkclient.Config{Servers: addresses, SessionTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s, err := driver.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeEverything has the servers log each kind of transaction, and refuse some.
func writeEverything(t *testing.T, ctx context.Context, e *ensemble.Ensemble) {
	t.Helper()
	out, err := e.Servers[0].CLI(ctx, `create /plain "one"`, `create -c /container "c"`, `create /container/inside "i"`, `create -s /plain/n- "s"`,
		`setAcl /plain world:anyone:cdrwa`, `set /plain "two"`, `create /empty`, `delete /empty`, `create /plain "again"`, `create -e /plain/mine "e"`)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := open(t, ctx, e.Addresses()...)
	defer s.Close(ctx)
	for _, step := range []struct {
		op   zkapi.Op
		want error
	}{
		{zkapi.Create("/eph", []byte("x"), zkapi.Ephemeral), nil},
		{zkapi.Multi(zkapi.Check("/plain", 1), zkapi.Create("/plain/a", nil, zkapi.Persistent), zkapi.Set("/plain", []byte("three"), 1), zkapi.Create("/plain/b", []byte{0, 255}, zkapi.EphemeralSequential)), nil},
		{zkapi.Multi(zkapi.Check("/plain", 2), zkapi.Delete("/plain/a", zkapi.AnyVersion), zkapi.Check("/plain", 7)), zkapi.ErrBadVersion},
		{zkapi.Delete("/nowhere", zkapi.AnyVersion), zkapi.ErrNoNode},
		{zkapi.Delete("/plain/a", 0), nil},
		{zkapi.Multi(zkapi.Create("/plain/a", []byte("anew"), zkapi.Persistent)), nil},
	} {
		if _, err := s.Do(ctx, step.op); !errors.Is(err, step.want) {
			t.Fatalf("%+v: %v", step.op, err)
		}
	}
}

// breakServers kills a server in the middle of an append, and cuts the leader off with
// writes on their way.
func breakServers(t *testing.T, ctx context.Context, e *ensemble.Ensemble) {
	t.Helper()
	leader := e.Leader(ctx)
	if leader == nil {
		t.Fatal("no master leads")
	}
	others := slices.DeleteFunc(slices.Clone(e.Servers), func(s *ensemble.Server) bool { return s == leader })
	writing, stop := context.WithCancel(ctx)
	done := make(chan int)
	go func() { done <- writeOn(writing, open(t, ctx, leader.Address), "/plain/old-") }()
	do := func(action func(context.Context) error) {
		t.Helper()
		if err := action(ctx); err != nil {
			t.Fatal(err)
		}
	}
	late := open(t, ctx, leader.Address)
	do(others[0].Kill)
	do(others[0].Restart)
	do(func(ctx context.Context) error { return e.WaitServing(ctx, 3) })
	do(func(ctx context.Context) error { return leader.Cut(ctx, others...) })
	unheard := make(chan int)
	go func() { unheard <- writeOn(writing, late, "/plain/unheard-") }()
	next := nextLeader(t, ctx, others)
	stop()
	if n := <-done; n < 100 {
		t.Fatalf("only %d writes before the cut", n)
	}
	if n := <-unheard; n > 0 {
		t.Fatalf("%d writes were acknowledged by a leader that was cut off", n)
	}
	fresh, end := context.WithTimeout(ctx, 2*time.Second)
	defer end()
	if n := writeOn(fresh, open(t, ctx, next.Address), "/plain/new-"); n < 100 {
		t.Fatalf("only %d writes after the cut", n)
	}
	do(e.HealAll)
	do(func(ctx context.Context) error { return e.WaitServing(ctx, 3) })
}

// nextLeader waits until one of the servers leads.
func nextLeader(t *testing.T, ctx context.Context, among []*ensemble.Server) *ensemble.Server {
	t.Helper()
	for ctx.Err() == nil {
		for _, s := range among {
			if status, err := s.Status(ctx); err == nil && status.Mode == "leader" {
				return s
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("nobody else leads")
	return nil
}

// writeOn creates znodes, many at a time, until ctx ends, and says how many it has.
func writeOn(ctx context.Context, s zkapi.Session, prefix string) (applied int) {
	for batch := 0; ctx.Err() == nil; batch++ {
		ops := make([]zkapi.Op, 20)
		for i := range ops {
			ops[i] = zkapi.Create(fmt.Sprintf("%s%d-%d", prefix, batch, i), []byte("data"), zkapi.Persistent)
		}
		for _, r := range s.DoAll(ctx, ops) {
			if r.Err == nil {
				applied++
			}
		}
		if s.Done().Fired() {
			break
		}
	}
	_ = s.Close(context.WithoutCancel(ctx))
	return applied
}

// readEach reads the tree from each server alone, all of them after the same zxid.
func readEach(t *testing.T, ctx context.Context, e *ensemble.Ensemble) (map[string][]txnlog.Node, int64) {
	t.Helper()
	sessions := map[string]zkapi.Session{}
	for _, s := range e.Servers {
		sessions[s.Name] = open(t, ctx, s.Address)
	}
	for {
		before := agreed(t, ctx, e)
		served := map[string][]txnlog.Node{}
		for name, s := range sessions {
			served[name] = slices.SortedFunc(walk(t, ctx, s, "/"), func(a, b txnlog.Node) int { return strings.Compare(a.Path, b.Path) })
		}
		if before == agreed(t, ctx, e) {
			return served, before
		}
	}
}

func agreed(t *testing.T, ctx context.Context, e *ensemble.Ensemble) int64 {
	t.Helper()
	if err := e.WaitAgreed(ctx); err != nil {
		t.Fatal(err)
	}
	status, err := e.Servers[0].Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	zxid, err := strconv.ParseInt(status.Zxid, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return zxid
}

func walk(t *testing.T, ctx context.Context, s zkapi.Session, at string) iter.Seq[txnlog.Node] {
	return func(yield func(txnlog.Node) bool) {
		for level := []string{at}; len(level) > 0; level = level[1:] {
			got, err := s.Do(ctx, zkapi.Get(level[0]))
			listed, err2 := s.Do(ctx, zkapi.Children(level[0]))
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			st := got.Stat
			if !yield(txnlog.Node{Path: level[0], Data: string(got.Data), Czxid: st.Czxid, Mzxid: st.Mzxid, Pzxid: st.Pzxid, Version: st.Version, Cversion: st.Cversion, Owner: st.EphemeralOwner}) {
				return
			}
			for _, child := range listed.Children {
				if child != "zookeeper" {
					level = append(level, path.Join(level[0], child))
				}
			}
		}
	}
}

// logged reads the logs of all servers, and merges them into the order of the transactions up to zxid.
func logged(t *testing.T, ctx context.Context, e *ensemble.Ensemble, zxid int64) ([]*txnlog.Server, *txnlog.Order) {
	t.Helper()
	dir := t.TempDir()
	if err := e.SaveEvidence(ctx, dir); err != nil {
		t.Fatal(err)
	}
	var servers []*txnlog.Server
	for _, s := range e.Servers {
		read, err := txnlog.ReadServer(s.Name, filepath.Join(dir, s.Name))
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, read)
	}
	order := txnlog.Merge(servers, zxid, txnlog.FromOne)
	if len(order.Conflicts) > 0 || len(order.Gaps) > 0 {
		t.Errorf("conflicts %v, gaps %x", order.Conflicts, order.Gaps)
	}
	return servers, order
}
