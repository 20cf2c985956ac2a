package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These tests make znodes by hand that no process of the recipe makes.

// byHand is one thing that somebody has made, and whatever the roles do about it concerns
// nothing else.
type byHand struct {
	says   string
	names  string         // what one line of the log has to name; empty for what needs no line
	before func(w *world) // the roles begin
	after  func(w *world) // they have begun
	config recipe.MasterConfig
}

// held makes an assignment by hand, of a task that is there.
func held(record string) func(w *world) {
	return func(w *world) {
		w.do(zkapi.Create("/tasks/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/assign/w1/task-bad", []byte(record), zkapi.Persistent))
	}
}

// candidateInFront stands in line before the masters, and every request that names it fails.
func candidateInFront(why error) func(w *world) {
	return func(w *world) {
		w.do(zkapi.Create("/candidates/bad-", nil, zkapi.EphemeralSequential))
		w.locks("/candidates/bad-", why)
	}
}

var madeByHand = []byHand{
	{says: "an inbox that is an ephemeral, of a worker that lives", before: func(w *world) {
		w.do(zkapi.Create("/assign/bad", nil, zkapi.Ephemeral))
		w.do(zkapi.Create("/workers/bad", nil, zkapi.Ephemeral))
	}},
	{says: "an assignment under the highest number for an epoch", after: held(`{"epoch":2147483647,"attempt":1,"incarnation":1}`)},
	{says: "an assignment under an epoch that is too far away", after: held(`{"epoch":536870912,"attempt":1,"incarnation":1}`)},
	{says: "an assignment for an incarnation that is to come", after: held(`{"epoch":1,"attempt":1,"incarnation":57}`)},
	{says: "an assignment under negative numbers", after: held(`{"epoch":-1,"attempt":-1,"incarnation":-5}`)},
	{says: "an attempt under the highest number, of a resident task that fails", after: func(w *world) {
		w.do(zkapi.Create("/tasks/task-bad", []byte(`#ringmaster {"resident":true,"key":"fails"} x`), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-bad/attempt-2147483647", nil, zkapi.Persistent))
	}},
	{says: "an assignment of a task that is not there", after: func(w *world) {
		w.do(zkapi.Create("/assign/w1/task-bad", nil, zkapi.Persistent))
	}},
	{says: "an assignment with children, of a task that is not there", after: func(w *world) {
		w.do(zkapi.Create("/assign/w1/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/assign/w1/task-bad/child", nil, zkapi.Persistent))
	}},
	{says: "an assignment with children, of a task that is cancelled", after: func(w *world) {
		task := w.submit(recipe.Key("stays"))
		time.Sleep(time.Second)
		w.do(zkapi.Create("/assign/w1/"+task+"/child", nil, zkapi.Persistent))
		if _, err := w.client().Cancel(w.ctx, task); err != nil {
			w.t.Error(err)
		}
	}},
	{says: "a notice that is locked, with children", config: recipe.MasterConfig{MaxBacklog: 9}, before: func(w *world) {
		w.do(zkapi.Create("/backlog", nil, zkapi.Persistent))
		w.do(zkapi.Create("/backlog/child", nil, zkapi.Persistent))
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error { // whoever may not read it may delete it all the same
			if session != w.direct.ID() && op.Path == "/backlog" && (op.Kind == zkapi.KindGet || op.Kind == zkapi.KindSet) {
				return zkapi.ErrNoAuth
			}
			return nil
		})
	}},
	{says: "a task under a name that the client library does not take", before: func(w *world) {
		w.do(zkapi.Create("/tasks/bad", nil, zkapi.Persistent))
		w.locks("/tasks/bad", zkapi.ErrInvalidPath)
	}},
	{says: "a worker under a name that the client library does not take", before: func(w *world) {
		w.do(zkapi.Create("/assign/bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/workers/bad", nil, zkapi.Ephemeral))
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session != w.direct.ID() && (strings.HasPrefix(op.Path, "/assign/bad") || strings.HasPrefix(op.Path, "/workers/bad")) {
				return zkapi.ErrInvalidPath
			}
			return nil
		})
	}},
	{says: "an assignment under a name that the client library does not take", after: func(w *world) {
		w.do(zkapi.Create("/assign/w1/bad", nil, zkapi.Persistent))
		w.locks("/assign/w1/bad", zkapi.ErrInvalidPath)
	}},
	{says: "an assignment under a name that is too long for a request", after: func(w *world) {
		w.do(zkapi.Create("/assign/w1/bad", nil, zkapi.Persistent))
		w.locks("/assign/w1/bad", zkapi.ErrTooLarge)
	}},
	{says: "an assignment and a task under a name that is too long for a request", after: func(w *world) {
		w.do(zkapi.Create("/assign/w1/bad", nil, zkapi.Persistent))
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session != w.direct.ID() && strings.HasSuffix(op.Path, "/bad") {
				return zkapi.ErrTooLarge
			}
			return nil
		})
	}},
	{says: "a candidate under a name that the client library does not take", config: recipe.MasterConfig{Queue: true}, before: candidateInFront(zkapi.ErrInvalidPath)},
	{says: "a candidate under a name that is too long for a request", config: recipe.MasterConfig{Queue: true}, before: candidateInFront(zkapi.ErrTooLarge)},
}

// TestRoles_GoOnBesideZnodesMadeByHand: beside each of them, tasks are done at once, in the
// same term and under the same registration, and the roles do not ask the servers over and
// over.
func TestRoles_GoOnBesideZnodesMadeByHand(t *testing.T) {
	for _, h := range madeByHand {
		t.Run(h.says, func(t *testing.T) {
			inBubble(t, func(w *world) { w.goesOn(h) })
		})
	}
}

// goesOn runs a master and a worker beside one thing that was made by hand.
func (w *world) goesOn(h byHand) {
	t := w.t
	w.parents()
	if h.before != nil {
		h.before(w)
	}
	var log journal
	defer func() {
		if t.Failed() {
			text := log.text.String()
			t.Log(text[:min(len(text), 8<<10)])
		}
	}()
	h.config.Name, h.config.Observers = "m1", log.observers()
	m := w.master(h.config)
	w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: log.observers(), Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		switch task.Options.Key {
		case "fails":
			return nil, errors.New("on purpose")
		case "slow":
			time.Sleep(5 * time.Second)
		case "stays":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, nil
	}})
	time.Sleep(3 * time.Second)
	if h.after != nil {
		h.after(w)
	}
	for range 10 {
		began := time.Now()
		w.await(w.submit())
		if took := time.Since(began); took > time.Second {
			t.Errorf("a task took %v", took)
		}
		time.Sleep(3 * time.Second)
	}
	requests := 0
	w.env.Server.Observe(func(int64, zkapi.Op) { requests++ })
	time.Sleep(time.Minute)
	w.env.Server.Observe(nil)
	if most := 1200; requests > most { // 20 in a second
		t.Errorf("%d requests in a minute in which nothing was to be done", requests)
	}
	if now, leads := m.Snapshot(); !leads || now.Epoch != 1 {
		t.Errorf("leads is %v, in epoch %d", leads, now.Epoch)
	}
	if inbox := w.do(zkapi.Get("/assign/w1")); inbox.Stat.Version != 1 {
		t.Errorf("the worker's claim has version %d: %s", inbox.Stat.Version, inbox.Data)
	}
	if h.names == "" {
		return
	}
	if n := log.warnings(h.names); n < 1 || n > 2 { // the master and the worker, once each
		t.Errorf("%d lines name %s:\n%s", n, h.names, log.text.String())
	}
}

// TestAttempts_IgnoreSequentialZnodes: the recipe would look for attempt-40, and not find it.
func TestAttempts_IgnoreSequentialZnodes(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.do(zkapi.Create("/tasks/task-bad", []byte(`#ringmaster {"resident":true} x`), zkapi.Persistent))
		for range 40 {
			w.do(zkapi.Create("/tasks/task-bad/attempt-", nil, zkapi.PersistentSequential))
		}
		m := w.master(recipe.MasterConfig{Name: "m1"})
		var runs atomic.Int32
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			runs.Add(1)
			return nil, errors.New("on purpose")
		})
		time.Sleep(time.Minute)
		if now, _ := m.Snapshot(); len(now.Quarantined) > 0 || runs.Load() < 20 {
			t.Errorf("it ran %d times; left alone is %+v", runs.Load(), now.Quarantined)
		}
	})
}

// TestMaster_CreatesMissingParents: with an Access, nobody else may.
func TestMaster_CreatesMissingParents(t *testing.T) {
	for _, gone := range []string{"/tasks", "/workers"} {
		inBubble(t, func(w *world) {
			access := recipe.Access{Master: []string{zkapi.DigestID("m", "")}, Worker: []string{zkapi.DigestID("w", "")}, Client: []string{zkapi.DigestID("c", "")}}
			var masters sync.Map // sessions
			w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
				_, master := masters.Load(session)
				if op.Kind == zkapi.KindCreate && strings.Count(op.Path, "/") == 1 && !master {
					return zkapi.ErrNoAuth
				}
				return nil
			})
			m, err := recipe.NewMaster(mastersOf{w.env, &masters}, recipe.MasterConfig{Name: "m1", Access: access})
			if err != nil {
				t.Fatal(err)
			}
			w.work.Go(func() { _ = m.Run(w.ctx) })
			w.workerOf(recipe.WorkerConfig{Name: "w1", Access: access, Handler: echo})
			c, err := recipe.NewClient(w.env, recipe.ClientConfig{Access: access})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Do(w.ctx, nil); err != nil {
				t.Fatal(err)
			}
			w.removeAll(gone)
			ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
			defer cancel()
			if _, err := c.Do(ctx, nil); err != nil {
				t.Errorf("after %s was removed: %v", gone, err)
			}
			if now, leads := m.Snapshot(); !leads || now.Epoch != 1 {
				t.Errorf("leads is %v, in epoch %d", leads, now.Epoch)
			}
		})
	}
}

// TestMaster_GoesOnWithoutAParent: it goes on when somebody else has made it.
func TestMaster_GoesOnWithoutAParent(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.await(w.submit())
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate && op.Path == "/tasks" && session != w.direct.ID() {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		w.removeAll("/tasks")
		time.Sleep(time.Minute)
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		w.await(w.submit())
		if now, leads := m.Snapshot(); !leads || now.Epoch != 1 {
			t.Errorf("leads is %v, in epoch %d", leads, now.Epoch)
		}
	})
}

// removeAll deletes a znode with everything below it.
func (w *world) removeAll(path string) {
	w.t.Helper()
	for _, child := range w.do(zkapi.Children(path)).Children {
		w.removeAll(path + "/" + child)
	}
	w.do(zkapi.Delete(path, zkapi.AnyVersion))
}

func TestCollect_NamesTheZnodeInTheWay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		task := w.submit()
		w.await(task)
		child := "/tasks/" + task + "/status/child"
		w.do(zkapi.Create(child, nil, zkapi.Persistent))
		c := w.client()
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		err := c.Collect(ctx, task)
		if !errors.Is(err, recipe.ErrObstructed) || !strings.Contains(err.Error(), "deleteall /tasks/"+task+"/status") || ctx.Err() != nil {
			t.Errorf("%v", err)
		}
		w.do(zkapi.Delete(child, zkapi.AnyVersion))
		if err := c.Collect(w.ctx, task); err != nil {
			t.Error(err)
		}
	})
}

// small is an Env whose sessions take requests of 8 KiB.
type small struct{ zkapi.Env }

type smallSession struct{ zkapi.Session }

const smallRequest = 8 << 10

func (e small) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := e.Env.Open(ctx)
	return smallSession{session}, err
}

func (smallSession) MaxRequest() int { return smallRequest }

func (s smallSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := s.Session.DoAll(ctx, ops)
	for i, op := range ops {
		if op.Size() > smallRequest {
			replies[i] = zkapi.Reply{Err: &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrTooLarge}}
		}
	}
	return replies
}

// TestQuarantine_NoticeFitsIntoOneWrite: a master with much of it tells the rest as a number.
func TestQuarantine_NoticeFitsIntoOneWrite(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		const bad = 40
		for n := range bad {
			w.do(zkapi.Create(fmt.Sprintf("/tasks/task-bad-%s-%d", strings.Repeat("x", 100), n), nil, zkapi.Persistent))
		}
		w.locks("/tasks/task-bad", zkapi.ErrNoAuth)
		m, err := recipe.NewMaster(small{w.env}, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = m.Run(w.ctx) })
		w.worker("w1", echo)
		time.Sleep(10 * time.Second)
		o := w.overview()
		if rows := len(o.Quarantined); rows == 0 || rows == bad || rows+o.MoreQuarantined != bad {
			t.Errorf("%d are shown, and %d more", rows, o.MoreQuarantined)
		}
		for _, q := range o.Quarantined {
			if q.Kind != "task" {
				t.Errorf("%+v", q)
			}
		}
	})
}
