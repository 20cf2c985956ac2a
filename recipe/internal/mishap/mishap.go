// Package mishap lets everything go wrong once, for the tests of recipes whose writes are applied
// once: each request in its turn is lost, or its answer is, and the session ends or lives on.
package mishap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Timeout is that of all sessions.
const Timeout = 4 * time.Second

// World is a ZooKeeper in memory, in virtual time.
type World struct {
	*testing.T
	Env    *zk.Env
	Ctx    context.Context
	direct *zk.Session // for the hands of the test

	mu     sync.Mutex
	closes []func(context.Context) error
	byHand bool
	mishap Mishap
	count  int // of requests
}

// Mishap is what happens to one request.
type Mishap struct {
	At     int // its number; 0 for none
	Loss   zk.Loss
	Expire bool // the session that has sent it ends, too
}

// String names a mishap for a subtest.
func (m Mishap) String() string {
	if m.At == 0 {
		return "nothing"
	}
	what := map[zk.Loss]string{zk.RequestLost: "request", zk.ReplyLost: "reply"}[m.Loss]
	if m.Expire {
		what += "-and-session"
	}
	return fmt.Sprintf("%s-%d", what, m.At)
}

// Run runs a test in which nothing goes wrong by itself.
func Run(t *testing.T, test func(w *World)) { run(t, Mishap{}, test) }

func run(t *testing.T, m Mishap, test func(w *World)) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		w := &World{T: t, Env: &zk.Env{Server: zk.NewServer(Timeout)}, mishap: m}
		ctx, stop := context.WithCancel(t.Context())
		w.Ctx, w.direct = ctx, w.Env.Server.Open()
		w.Env.Server.Lose(w.lose)
		defer stop()
		defer func() {
			w.hands(true)
			for _, c := range w.closes {
				_ = c(context.Background())
			}
		}()
		test(w)
		w.mu.Lock()
		defer w.mu.Unlock()
		requests = w.count
	})
	return requests
}

// Each runs a test once for each request that it makes without a mishap, and for each kind of
// mishap.
func Each(t *testing.T, test func(w *World, m Mishap)) {
	var requests int
	t.Run(Mishap{}.String(), func(t *testing.T) {
		requests = run(t, Mishap{}, func(w *World) { test(w, Mishap{}) })
	})
	for at := 1; at <= requests; at++ {
		for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
			for _, expire := range []bool{false, true} {
				m := Mishap{at, loss, expire}
				t.Run(m.String(), func(t *testing.T) { run(t, m, func(w *World) { test(w, m) }) })
			}
		}
	}
}

// lose has the mishap happen. The server is locked.
func (w *World) lose(zkapi.Op) zk.Loss {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byHand {
		return zk.None
	}
	w.count++
	if w.count != w.mishap.At {
		return zk.None
	}
	if w.mishap.Expire {
		go w.ExpireAll()
	}
	return w.mishap.Loss
}

// ExpireAll ends the sessions of all processes.
func (w *World) ExpireAll() {
	for _, s := range w.Env.Server.Sessions() {
		if s != w.direct {
			s.Expire()
		}
	}
}

// Restore restarts the ensemble from an older tree, and waits until all sessions of before have ended.
func (w *World) Restore(older zk.Tree) {
	w.Helper()
	w.Env.Server.Restore(older)
	if _, err := w.Env.Wait(w.Ctx, w.Env.Timer(2*Timeout)); err != nil {
		w.Fatal(err)
	}
	w.direct = w.Env.Server.Open()
}

// hands says whether requests are those of the test.
func (w *World) hands(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byHand = on
}

// Opened notes a process that is to be closed in the end.
func (w *World) Opened(c interface{ Close(context.Context) error }, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	w.closes = append(w.closes, c.Close)
}

// Do is a request by hand that must succeed. No process may be at work meanwhile.
func (w *World) Do(op zkapi.Op) zkapi.Result {
	w.Helper()
	w.hands(true)
	defer w.hands(false)
	result, err := w.direct.Do(w.Ctx, op)
	if err != nil {
		w.Fatal(err)
	}
	return result
}

// Data is the data of a znode; empty if there is none.
func (w *World) Data(path string) string {
	node, err := w.Env.Server.Tree().Node(path)
	if err != nil {
		return ""
	}
	return string(node.Data)
}

// Below are the names below a znode, and how many lanes there are beside them.
func (w *World) Below(path string) (names []string, lanes int) {
	w.hands(true)
	defer w.hands(false)
	listed, err := w.direct.Do(w.Ctx, zkapi.Children(path))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		w.Fatal(err)
	}
	for _, name := range listed.Children {
		if strings.HasPrefix(name, "lane-") {
			lanes++
		} else {
			names = append(names, name)
		}
	}
	return names, lanes
}

// Fate fails the test unless the error says truly whether a write was applied.
func (w *World) Fate(m Mishap, err error, applied bool) {
	w.Helper()
	Stated(w.T, "the write", err)
	switch fate := zkapi.FateOf(err); {
	case fate == zkapi.Unknown && (m.At == 0 || !m.Expire):
		w.Errorf("the fate is not known although the session lived: %v", err)
	case fate == zkapi.Applied && !applied, fate == zkapi.NotApplied && applied:
		w.Errorf("told %v: %v; it was applied: %v", fate, err, applied)
	}
}

// Stated fails the test unless the error of a write has a fate.
func Stated(t *testing.T, what string, err error) {
	t.Helper()
	if _, stated := errors.AsType[*zkapi.Error](err); err != nil && !stated {
		t.Errorf("%s: the error has no fate: %v", what, err)
	}
}

// Eventually waits for a condition in virtual time.
func (w *World) Eventually(what string, condition func() bool) {
	w.Helper()
	const limit, often = time.Minute, 10 * time.Millisecond
	for end := time.Now().Add(limit); !condition(); {
		if _, err := w.Env.Wait(w.Ctx, w.Env.Timer(often)); err != nil || time.Now().After(end) {
			w.Fatalf("not within %v: %s", limit, what)
		}
	}
}
