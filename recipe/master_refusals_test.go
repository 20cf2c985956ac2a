package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// scope is one row of the table of what a refusal may end: whose znode it is that is
// read or written, and what is left alone when the server refuses that.
type scope struct {
	says    string
	kinds   []zkapi.Kind
	path    string // what begins with it is refused
	left    string // what a master leaves alone, as kind and name; empty for nothing
	options []recipe.SubmitOption
	config  recipe.MasterConfig
	before  func(w *world) // made by hand before anything else
}

var (
	reads  = []zkapi.Kind{zkapi.KindGet, zkapi.KindExists, zkapi.KindChildren}
	writes = []zkapi.Kind{zkapi.KindCreate, zkapi.KindDelete, zkapi.KindSet}
	all    = slices.Concat(reads, writes, []zkapi.Kind{zkapi.KindCheck})
)

// ofOthers are the reads and writes of a master that concern one task, one worker, or a
// notice: their refusal ends neither Run nor the term. "bad" is a task, w2 a worker.
var ofOthers = []scope{
	{says: "list an inbox", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/assign/w2", left: "worker w2"},
	{says: "read a worker's claim", kinds: []zkapi.Kind{zkapi.KindGet}, path: "/assign/w2", left: "worker w2"},
	{says: "check that a worker is alive", kinds: []zkapi.Kind{zkapi.KindCheck}, path: "/workers/w2", left: "worker w2"},
	{says: "check a worker's incarnation", kinds: []zkapi.Kind{zkapi.KindCheck}, path: "/assign/w2", left: "worker w2"},
	{says: "assign to a worker", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/assign/w2/", left: "worker w2"},
	{says: "everything about a worker", kinds: all, path: "/assign/w2/", left: "worker w2"},
	{says: "open the inbox of a worker made by hand", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/assign/hand", left: "worker hand",
		before: func(w *world) { w.do(zkapi.Create("/workers/hand", nil, zkapi.Ephemeral)) }},
	{says: "take a task from a worker that is lost", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/assign/lost/", left: "worker lost",
		before: func(w *world) {
			w.do(zkapi.Create("/assign/lost", nil, zkapi.Persistent))
			w.do(zkapi.Create("/assign/lost/task-bad", nil, zkapi.Persistent))
		}},
	{says: "read a task", kinds: []zkapi.Kind{zkapi.KindGet}, path: "/tasks/task-bad", left: "task task-bad"},
	{says: "list what is below a task", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/tasks/task-bad", left: "task task-bad",
		before: func(w *world) { w.do(zkapi.Create("/tasks/task-bad/note", nil, zkapi.Persistent)) }},
	{says: "record an attempt, and fail a task", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/tasks/task-bad/", left: "task task-bad",
		options: []recipe.SubmitOption{recipe.MaxAttempts(1)},
		before:  func(w *world) { w.do(zkapi.Create("/tasks/task-bad/attempt-1", nil, zkapi.Persistent)) }},
	{says: "look at progress", kinds: []zkapi.Kind{zkapi.KindExists, zkapi.KindGet}, path: "/tasks/task-bad/progress", left: "progress task-bad",
		options: []recipe.SubmitOption{recipe.HeartbeatTimeout(time.Second)}},
	{says: "collect a task", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/tasks/task-bad", left: "task task-bad",
		config: recipe.MasterConfig{Retention: time.Second}},
	{says: "look at a task that is to be collected", kinds: []zkapi.Kind{zkapi.KindExists}, path: "/tasks/task-bad/status", left: "task task-bad",
		config: recipe.MasterConfig{Retention: time.Second}},
	{says: "read the backlog's bound", kinds: reads, path: "/backlog", config: recipe.MasterConfig{MaxBacklog: 9}},
	{says: "write the backlog's bound", kinds: writes, path: "/backlog", left: "notice /backlog", config: recipe.MasterConfig{MaxBacklog: 9}},
	{says: "stand in line", kinds: writes, path: "/candidates/", config: recipe.MasterConfig{Queue: true}},
	{says: "look along the line", kinds: reads, path: "/candidates", config: recipe.MasterConfig{Queue: true}},
	{says: "make the line", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/candidates", config: recipe.MasterConfig{Queue: true}},
	{says: "show what is left alone", kinds: writes, path: "/quarantine"},
	{says: "list what clients ask for", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/collect", left: "notice /collect",
		before: func(w *world) { w.asks("task-none") }},
	{says: "read which task a client means", kinds: []zkapi.Kind{zkapi.KindGet}, path: "/collect/", left: "request task-none",
		before: func(w *world) { w.asks("task-none") }},
	{says: "take down a request for what is not there", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/collect/", left: "request task-none",
		before: func(w *world) { w.asks("task-none") }},
}

// asks is what a client does that asks for a task to be removed.
func (w *world) asks(task string) {
	w.do(zkapi.Create("/collect", nil, zkapi.Persistent))
	w.do(zkapi.Create("/collect/"+task, nil, zkapi.Persistent))
	w.do(zkapi.Set("/tasks", []byte(task), zkapi.AnyVersion))
}

// scoped is a world in which one kind of request is refused to everybody but the test.
type scoped struct {
	*world
	refuses atomic.Bool
	said    lockedText
	ended   atomic.Bool
	master  *recipe.Master
}

func (w *scoped) begin(s scope, why error) {
	for _, parent := range []string{"/tasks", "/assign", "/workers"} {
		w.do(zkapi.Create(parent, nil, zkapi.Persistent))
	}
	if s.left == "task task-bad" || s.left == "progress task-bad" || strings.HasSuffix(s.left, " lost") {
		if _, err := w.client().Submit(w.ctx, nil, append(s.options, recipe.ID("bad"))...); err != nil {
			w.t.Fatal(err)
		}
	}
	if s.before != nil {
		s.before(w.world)
	}
	w.refuses.Store(true)
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if w.refuses.Load() && session != w.direct.ID() && slices.Contains(s.kinds, op.Kind) && strings.HasPrefix(op.Path, s.path) {
			return why
		}
		return nil
	})
	s.config.Name = "m1"
	s.config.Logger = slog.New(slog.NewTextHandler(&w.said, nil))
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Log(w.said.String())
		}
	})
	m, err := recipe.NewMaster(w.env, s.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.master = m
	w.work.Go(func() {
		if err := m.Run(w.ctx); w.ctx.Err() == nil {
			w.t.Errorf("Run of the master has ended: %v", err)
		}
		w.ended.Store(true)
	})
}

// leaves reports whether the master leaves alone what is named so.
func (w *scoped) leaves(name string) func() bool {
	return func() bool {
		now, _ := w.master.Snapshot()
		return slices.ContainsFunc(now.Quarantined, func(q recipe.Quarantined) bool { return q.Kind+" "+q.Name == name && q.Reason != "" })
	}
}

// TestRefusal_QuarantinesOnlyItsSubject refuses each of the masters' reads and writes that
// concern one thing alone, for good and with a quota: other tasks are done meanwhile, by
// the same master in the same term; what is left alone is told and shown; and when the
// server refuses no longer, that goes on, too.
func TestRefusal_QuarantinesOnlyItsSubject(t *testing.T) {
	for _, s := range ofOthers {
		for _, why := range []error{zkapi.ErrNoAuth, zkapi.Answer(-125)} {
			t.Run(fmt.Sprintf("%s/%v", s.says, why), func(t *testing.T) {
				inBubble(t, func(below *world) {
					w := &scoped{world: below}
					w.begin(s, why)
					w.worker("w1", w.handler(s))
					if s.path == "/assign/w2" || strings.HasPrefix(s.path, "/assign/w2/") || s.path == "/workers/w2" {
						w.workerMadeByHand("w2")
					}
					if strings.HasPrefix(s.left, "worker") {
						for range 4 {
							w.submit()
						}
					}
					if s.left != "" {
						w.within(20*time.Second, s.left+" is left alone", w.leaves(s.left))
					}
					for range 20 {
						w.await(w.submit())
						time.Sleep(time.Second)
					}
					if s.left != "" && strings.Count(w.said.String(), "is quarantined: the server refuses it") == 0 {
						t.Error("nothing was logged")
					}
					w.refuses.Store(false)
					w.within(2*time.Minute, "nothing is left alone", func() bool {
						now, leads := w.master.Snapshot()
						return leads && len(now.Quarantined) == 0
					})
					w.goesOn(s)
					if now, leads := w.master.Snapshot(); !leads || now.Epoch != 1 || w.ended.Load() {
						t.Errorf("leads is %v, in epoch %d", leads, now.Epoch)
					}
				})
			})
		}
	}
}

// handler executes tasks at once, with two exceptions. Where a master is to look at the
// progress of a task, that one goes on until nothing is refused any more: otherwise it may
// end before a look. Where a master is to give something to a worker, the first tasks go on
// until that worker is left alone: otherwise it may never be the one that has the fewest.
func (w *scoped) handler(s scope) recipe.Handler {
	var left atomic.Bool
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		for w.refuses.Load() && ctx.Err() == nil {
			if strings.HasPrefix(s.left, "worker ") && w.leaves(s.left)() {
				left.Store(true)
			}
			if s.left != "progress "+task.Name && (left.Load() || !strings.HasPrefix(s.left, "worker ")) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		return echo(ctx, task)
	}
}

// workerMadeByHand is one whose znodes the test holds, so that nothing is refused to it.
func (w *scoped) workerMadeByHand(name string) {
	w.do(zkapi.Create("/assign/"+name, nil, zkapi.Persistent))
	w.do(zkapi.Create("/workers/"+name, nil, zkapi.Ephemeral))
}

// goesOn waits for what could not be done while the server refused it.
func (w *scoped) goesOn(s scope) {
	w.t.Helper()
	switch {
	case s.config.Retention > 0:
		w.within(2*time.Minute, "the task is collected", func() bool { return !w.do(zkapi.Exists("/tasks/task-bad")).Found })
	case strings.HasPrefix(s.left, "task") || strings.HasPrefix(s.left, "progress") || strings.HasSuffix(s.left, " lost"):
		w.await("task-bad")
	case strings.HasPrefix(s.path, "/collect"):
		w.within(2*time.Minute, "the request is taken down", func() bool { return len(w.do(zkapi.Children("/collect")).Children) == 0 })
	case strings.HasSuffix(s.left, " w2"):
		for range 20 {
			w.submit()
		}
		w.within(2*time.Minute, "w2 is given tasks", func() bool { return len(w.do(zkapi.Children("/assign/w2")).Children) > 0 })
	case s.config.MaxBacklog > 0:
		w.within(2*time.Minute, "the bound is shown", func() bool { return strings.Contains(string(w.do(zkapi.Get("/backlog")).Data), `"limit":9`) })
	}
}

// TestRefusal_OfItsClaimEndsARole refuses what a role can do nothing without: Run says so.
func TestRefusal_OfItsClaimEndsARole(t *testing.T) {
	for _, s := range []scope{
		{says: "make a parent", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/assign"},
		{says: "list the workers", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/workers"},
		{says: "list the tasks", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/tasks"},
		{says: "take /master", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/master"},
		{says: "raise the epoch", kinds: []zkapi.Kind{zkapi.KindSet}, path: "/assign"},
	} {
		inBubble(t, func(w *world) {
			w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
				if slices.Contains(s.kinds, op.Kind) && op.Path == s.path {
					return zkapi.ErrNoAuth
				}
				return nil
			})
			m, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "m1"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
			defer cancel()
			if err := m.Run(ctx); !errors.Is(err, zkapi.ErrNoAuth) {
				t.Errorf("%s: %v", s.says, err)
			}
		})
	}
}

// lockedText is a log that several write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// clientScope is a row of the table for clients: what is refused, and which of the
// client's calls about task-bad, an earlier one or one that is about to be submitted,
// may end with that.
type clientScope struct {
	says  string
	kinds []zkapi.Kind
	path  string
	ends  string // submit, await, cancel, collect, leader, or empty for none
	done  bool   // the task is executed, and not cancelled before
}

// ofClients are the reads and writes of clients.
var ofClients = []clientScope{
	{says: "create a task", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/tasks/task-bad", ends: "submit"},
	{says: "make what is missing", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/candidates"},
	{says: "look at a task", kinds: []zkapi.Kind{zkapi.KindGet, zkapi.KindExists}, path: "/tasks/task-bad", ends: "collect"},
	{says: "read a status", kinds: reads, path: "/tasks/task-bad/status", ends: "await"},
	{says: "record that a task is cancelled", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/tasks/task-bad/status", ends: "cancel"},
	{says: "ring for the master, who finds out about a cancelled task all the same", kinds: []zkapi.Kind{zkapi.KindSet}, path: "/tasks", ends: "collect"},
	{says: "ask a master to remove a task", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/collect/task-bad", ends: "collect"},
	{says: "delete a task that is collected", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/tasks/task-bad", ends: "collect", done: true},
	{says: "delete what is below it", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/tasks/task-bad/status", ends: "collect", done: true},
	{says: "list what is below it", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/tasks/task-bad", ends: "collect"},
	{says: "read the backlog's bound", kinds: reads, path: "/backlog"},
	{says: "count tasks", kinds: []zkapi.Kind{zkapi.KindExists, zkapi.KindGet}, path: "/tasks"},
	{says: "compare the bound with the epoch, and name who leads", kinds: reads, path: "/assign", ends: "leader"},
	{says: "look who leads", kinds: reads, path: "/master", ends: "leader"},
	{says: "read the mark", kinds: reads, path: "/format"},
	{says: "read what is left alone", kinds: reads, path: "/quarantine"},
}

// callsOf are the calls of a client, by name; each takes the id of a task, which waits for
// an hour unless it is to be done.
func callsOf(c *recipe.Client, done bool) map[string]func(context.Context, string) error {
	return map[string]func(context.Context, string) error{
		"submit": func(ctx context.Context, id string) error {
			options := []recipe.SubmitOption{recipe.ID(id)}
			if !done {
				options = append(options, recipe.NotBefore(time.Now().Add(time.Hour)))
			}
			_, err := c.Submit(ctx, []byte(id), options...)
			return err
		},
		"cancel":  func(ctx context.Context, id string) error { _, err := c.Cancel(ctx, "task-"+id); return err },
		"await":   func(ctx context.Context, id string) error { _, err := c.Await(ctx, "task-"+id); return err },
		"collect": func(ctx context.Context, id string) error { return c.Collect(ctx, "task-"+id) },
		"leader":  func(ctx context.Context, _ string) error { _, err := c.Leader(ctx); return err },
		"look":    func(ctx context.Context, _ string) error { _, err := c.Overview(ctx); return err },
	}
}

// TestRefusal_EndsOnlyOneCallOfAClient: the other calls, about that task and about
// others, are answered on the same session; and that one when the server refuses no
// longer.
func TestRefusal_EndsOnlyOneCallOfAClient(t *testing.T) {
	for _, s := range ofClients {
		for _, why := range []error{zkapi.ErrNoAuth, zkapi.Answer(-125)} {
			t.Run(fmt.Sprintf("%s/%v", s.says, why), func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 9})
					w.worker("w1", echo)
					w.await(w.submit())
					time.Sleep(time.Second)
					c := w.client()
					if _, err := c.Leader(w.ctx); err != nil { // opens the session
						t.Fatal(err)
					}
					sessions := w.env.Server.Sessions()
					mine := sessions[len(sessions)-1].ID()
					var refuses atomic.Bool
					refuses.Store(true)
					w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
						if refuses.Load() && session == mine && slices.Contains(s.kinds, op.Kind) && op.Path == s.path {
							return why
						}
						return nil
					})
					calls := callsOf(c, s.done)
					call := func(name, id string) error {
						ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
						defer cancel()
						return calls[name](ctx, id)
					}
					order := []string{"submit", "cancel", "await", "collect", "leader", "look"}
					if s.done {
						order[1], order[2] = order[2], order[1]
					}
					for _, name := range order {
						err := call(name, "bad")
						waits := s.ends == "await" && (name == "cancel" || name == "collect") // they read it, too
						switch {
						case err == nil && s.ends == name && (s.path != "/assign" || why != zkapi.ErrNoAuth): // which only names who leads
							t.Errorf("%s: it was not refused", name)
						case err != nil && (s.ends != name && !waits || !errors.Is(err, why)):
							t.Errorf("%s: %v", name, err)
						}
						if s.ends == name { // others are served meanwhile, and that one afterwards
							for _, other := range order {
								if err := call(other, "other"); err != nil && other != "leader" && s.path != "/tasks" {
									t.Errorf("%s of another task: %v", other, err)
								}
							}
							refuses.Store(false)
							if err := call(name, "bad"); err != nil {
								t.Errorf("%s, when it is not refused any more: %v", name, err)
							}
							refuses.Store(true)
						}
					}
					if !slices.ContainsFunc(w.env.Server.Sessions(), func(s *zk.Session) bool { return s.ID() == mine }) {
						t.Error("the session was given up")
					}
				})
			})
		}
	}
}

// TestAccess_OnlyAMasterCreatesTheNamespace: with an Access nobody else may create in it, so
// that nobody else can make a /master while none leads. A client that comes first makes the
// namespace with that ACL, and waits for a master to make what is below.
func TestAccess_OnlyAMasterCreatesTheNamespace(t *testing.T) {
	inBubble(t, func(w *world) {
		access := recipe.Access{Master: []string{zkapi.DigestID("m", "")}, Worker: []string{zkapi.DigestID("w", "")}, Client: []string{zkapi.DigestID("c", "")}}
		acls := map[string][]zkapi.ACL{}
		var masters sync.Map // sessions
		w.env.Server.Observe(func(session int64, op zkapi.Op) {
			if _, made := acls[op.Path]; op.Kind == zkapi.KindCreate && !made {
				acls[op.Path] = op.ACL
			}
		})
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error { // as a server does by the ACL of /a/b
			_, master := masters.Load(session)
			below, ok := strings.CutPrefix(op.Path, "/a/b/")
			_, there := acls["/a/b"]
			if op.Kind == zkapi.KindCreate && ok && there && !strings.Contains(below, "/") && !master {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		c, err := recipe.NewClient(w.env, recipe.ClientConfig{Namespace: "/a/b", Access: access})
		if err != nil {
			t.Fatal(err)
		}
		submitted := make(chan error, 1)
		w.work.Go(func() { _, err := c.Submit(w.ctx, nil); submitted <- err })
		time.Sleep(time.Minute)
		w.env.Server.Observe(nil)
		for _, path := range []string{"/a", "/a/b"} {
			if got := acls[path]; len(got) != 3 {
				t.Errorf("%s: %+v", path, got)
			}
			for _, acl := range acls[path] {
				if mine := acl.ID == access.Master[0]; (acl.Perms&zkapi.PermCreate != 0) != mine || acl.Perms&zkapi.PermRead == 0 {
					t.Errorf("%s: %+v", path, acl)
				}
			}
		}
		m, err := recipe.NewMaster(mastersOf{w.env, &masters}, recipe.MasterConfig{Name: "m1", Namespace: "/a/b", Access: access})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = m.Run(w.ctx) })
		if err := <-submitted; err != nil {
			t.Error(err)
		}
	})
}

// mastersOf notes the sessions that a master opens.
type mastersOf struct {
	*zk.Env
	sessions *sync.Map
}

func (e mastersOf) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := e.Env.Open(ctx)
	if err == nil {
		e.sessions.Store(session.ID(), true)
	}
	return session, err
}
