package ensemble_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// traffic collects the writes that a proxy reads.
type traffic struct {
	mu    sync.Mutex
	wrote []ensemble.Exchange
}

func (a *traffic) hooks() ensemble.Hooks {
	return ensemble.Hooks{Wrote: func(x ensemble.Exchange) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.wrote = append(a.wrote, x)
	}}
}

func (a *traffic) all() []ensemble.Exchange {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.wrote)
}

func driverOf(t *testing.T, proxy *ensemble.Proxy) *zkclient.Driver {
	t.Helper()
	driver, err := zkclient.New(zkclient.Config{Servers: proxy.Addresses(), SessionTimeout: 5 * time.Second})
	must(t, err)
	return driver
}

// TestProxy_RecordsWritesAsTheClientSeesThem compares the writes that the proxy records,
// between the real client and a real server, with the answers that the client gets.
func TestProxy_RecordsWritesAsTheClientSeesThem(t *testing.T) {
	t.Parallel()
	e := ensembletest.Start(t, 1)
	ctx := limited(t)
	var seen traffic
	proxy, err := ensemble.NewProxy(e.Addresses(), seen.hooks())
	must(t, err)
	defer proxy.Close()
	session, err := driverOf(t, proxy).Open(ctx)
	must(t, err)
	writes := []zkapi.Op{
		zkapi.Create("/a", []byte("data"), zkapi.Persistent),
		zkapi.Create("/a", nil, zkapi.Persistent),
		zkapi.Create("/a/s-", nil, zkapi.PersistentSequential),
		zkapi.Create("/e", nil, zkapi.Ephemeral),
		zkapi.Create("/e/x", nil, zkapi.Persistent),
		zkapi.Create("/mine", nil, zkapi.Persistent).WithACL([]zkapi.ACL{{Perms: zkapi.PermRead, Scheme: "world", ID: "anyone"}}),
		zkapi.Create("/mine/x", nil, zkapi.Persistent),
		zkapi.Set("/a", []byte("more"), 0),
		zkapi.Set("/a", []byte("more"), 0),
		zkapi.Set("/none", nil, zkapi.AnyVersion),
		zkapi.Delete("/a", zkapi.AnyVersion),
		zkapi.Multi(zkapi.Check("/a", 1), zkapi.Set("/a", []byte("x"), 1), zkapi.Create("/a/t-", nil, zkapi.EphemeralSequential), zkapi.Delete("/a/s-0000000000", 0)),
		zkapi.Multi(zkapi.Check("/a", 2), zkapi.Check("/a", 1), zkapi.Delete("/a", 7)),
		zkapi.Multi(zkapi.Check("/a", 2), zkapi.Set("/a", nil, 5)),
		zkapi.Multi(),
	}
	last := int64(0)
	for i, op := range writes {
		if _, err := session.Do(ctx, zkapi.Get("/a").Watched()); err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			t.Fatal(err)
		}
		result, err := session.Do(ctx, op)
		all := seen.all()
		if len(all) != i+1 {
			t.Fatalf("%d exchanges after %d writes", len(all), i+1)
		}
		x := all[i]
		if op.Kind == zkapi.KindMulti && len(op.Ops) == 0 {
			x.Request.Op.Ops, x.Result, result = op.Ops, zkapi.Result{}, zkapi.Result{}
		}
		if !reflect.DeepEqual(x.Request.Op, op) || !reflect.DeepEqual(x.Result, result) || !reflect.DeepEqual(x.Err, err) {
			t.Errorf("the proxy saw\n%+v\n%+v\n%v\nand the client\n%+v\n%+v\n%v", x.Request.Op, x.Result, x.Err, op, result, err)
		}
		if x.Zxid <= last || x.Session != session.ID() || x.Sent == 0 || x.Answered < x.Sent {
			t.Errorf("%+v comes after zxid %d", x, last)
		}
		last = x.Zxid
	}
	got, err := session.Do(ctx, zkapi.Get("/a"))
	must(t, err)
	if want := seen.all()[11].Zxid; got.Stat.Mzxid != want {
		t.Errorf("the last change of /a has zxid 0x%x, the proxy saw 0x%x", got.Stat.Mzxid, want)
	}
	must(t, session.Close(ctx))
	all := seen.all()
	if x := all[len(all)-1]; !x.Request.Ends() || x.Zxid <= last || x.Err != nil || x.Answered == 0 {
		t.Errorf("the end of the session was seen as %+v", x)
	}
}

// TestProxy_RecordsUnansweredWrites cuts a participant off with two writes: the servers
// have got one of them and cannot answer it, the other never left the proxy.
func TestProxy_RecordsUnansweredWrites(t *testing.T) {
	t.Parallel()
	e := ensembletest.Start(t, 1)
	ctx := limited(t)
	var seen traffic
	proxy, err := ensemble.NewProxy(e.Addresses(), seen.hooks())
	must(t, err)
	session, err := driverOf(t, proxy).Open(ctx)
	must(t, err)
	create := func(path string) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := session.Do(ctx, zkapi.Create(path, nil, zkapi.Persistent))
		return err
	}
	must(t, e.Servers[0].Pause(ctx))
	if create("/paused") == nil {
		t.Fatal("a paused server answers")
	}
	proxy.Cut()
	if create("/swallowed") == nil {
		t.Fatal("a cut proxy carries a write")
	}
	must(t, e.Servers[0].Resume(ctx))
	must(t, proxy.Close())
	all := seen.all()
	if len(all) == 0 || all[0].Request.Op.Path != "/paused" {
		t.Fatalf("the proxy saw %+v", all)
	}
	for _, x := range all {
		if x.Request.Op.Path == "/swallowed" {
			t.Errorf("a write that never left the proxy was recorded as sent: %+v", x)
		}
	}
}
