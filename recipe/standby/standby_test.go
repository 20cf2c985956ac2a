package standby_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	timeout = 8 * time.Second
	path    = "/standby/billing"
)

var layout = standby.Under(path)

// world is a ZooKeeper in memory in virtual time.
type world struct {
	t      *testing.T
	env    *zk.Env
	ctx    context.Context
	direct *zk.Session // for the hands of the test
	log    *journal
}

// inBubble runs a test in virtual time, and ends every candidate that it has begun.
func inBubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, env: &zk.Env{Server: zk.NewServer(timeout)}, log: &journal{}}
		ctx, stop := context.WithCancel(t.Context())
		defer func() {
			w.env.Server.Lose(nil)
			stop()
			time.Sleep(10 * time.Minute)
		}()
		w.ctx = ctx
		w.direct = w.env.Server.Open()
		test(w)
	})
}

// journal is a log, or what hooks have been called, in order. Tests can search it.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) has(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// take returns what is in it, in one line, and empties it.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := strings.Join(strings.Split(strings.TrimSpace(j.text.String()), "\n"), " ")
	j.text.Reset()
	return text
}

func (w *world) do(op zkapi.Op) zkapi.Result {
	w.t.Helper()
	result, err := w.direct.Do(w.ctx, op)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// data is the data of a znode; "-" if there is none.
func (w *world) data(path string) string {
	node, err := w.env.Server.Tree().Node(path)
	if err != nil {
		return "-"
	}
	return string(node.Data)
}

// makes makes persistent znodes, with those above them.
func (w *world) makes(path, data string) {
	w.t.Helper()
	for i, c := range path {
		if c == '/' && i > 0 {
			_, _ = w.direct.Do(w.ctx, zkapi.Create(path[:i], nil, zkapi.Persistent)) // it may be there
		}
	}
	w.do(zkapi.Create(path, []byte(data), zkapi.Persistent))
}

// member is one process. Its hooks write down that they are called.
type member struct {
	*standby.Candidate
	w      *world
	name   string
	called *journal
	config standby.Config
	stop   context.CancelFunc
	ran    chan error // the result of Run

	mu     sync.Mutex
	active *standby.Active
}

// member makes a process, and does not start it.
func (w *world) member(name string, change ...func(m *member, c *standby.Config)) *member {
	w.t.Helper()
	m := &member{w: w, name: name, called: &journal{}, ran: make(chan error, 1)}
	m.config = standby.Config{
		Layout: layout, Name: name, Data: []byte(name + ":1"), Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		BecomeActive: func(_ context.Context, a *standby.Active) error {
			fmt.Fprintf(m.called, "active %d\n", a.Epoch())
			m.mu.Lock()
			defer m.mu.Unlock()
			m.active = a
			return nil
		},
		BecomeStandby: func(context.Context) error { fmt.Fprintln(m.called, "standby"); return nil },
		Fence: func(_ context.Context, old standby.Breadcrumb) error {
			fmt.Fprintf(m.called, "fence %s\n", old.Data)
			return nil
		},
	}
	for _, f := range change {
		f(m, &m.config)
	}
	var err error
	if m.Candidate, err = standby.New(w.env, m.config); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// start starts a process, and waits until nothing happens any more.
func (w *world) start(name string, change ...func(m *member, c *standby.Config)) *member {
	w.t.Helper()
	m := w.member(name, change...)
	m.run()
	return m
}

func (m *member) run() {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(m.w.ctx)
	go func() { m.ran <- m.Run(ctx) }()
	synctest.Wait()
}

// term is the last Active that it has got.
func (m *member) term() *standby.Active {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active
}

// calls demands that its hooks were called in this order since the last time.
func (m *member) calls(want ...string) {
	m.w.t.Helper()
	if got := m.called.take(); got != strings.Join(want, " ") {
		m.w.t.Errorf("of %s the hooks were called: %q, want %q", m.name, got, want)
	}
}

// session is that of the candidate.
func (m *member) session() *zk.Session {
	m.w.t.Helper()
	for p, at := range m.w.env.Server.Tree().All() {
		if strings.HasPrefix(p, layout.Candidates+"/c-") && string(at.Data) == m.name {
			for _, s := range m.w.env.Server.Sessions() {
				if s.ID() == at.Stat.EphemeralOwner {
					return s
				}
			}
		}
	}
	m.w.t.Fatalf("%s has no session", m.name)
	return nil
}

// group shows the group.
func (w *world) group() *standby.Group {
	w.t.Helper()
	g, err := standby.NewGroup(w.env, standby.GroupConfig{Layout: layout})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = g.Close(context.Background()) })
	return g
}

// status is the group in one line: the active, whether it is ready, the standbys, the breadcrumb.
func (w *world) status() string {
	w.t.Helper()
	now, err := w.group().Status(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var standbys []string
	for _, m := range now.Standbys {
		standbys = append(standbys, m.Name)
	}
	slices.Sort(standbys)
	return fmt.Sprintf("%s %v %v %s", now.Active.Name, now.Ready, standbys, now.Breadcrumb)
}

// is demands a status.
func (w *world) is(want string) {
	w.t.Helper()
	synctest.Wait()
	if got := w.status(); got != want {
		w.t.Errorf("the group is %q, want %q", got, want)
	}
}

// refused holds an error against what it must be: of nothing that was applied.
func refused(t *testing.T, what string, err error, is error) {
	t.Helper()
	if !errors.Is(err, is) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("%s: %v (%v), want %v", what, err, zkapi.FateOf(err), is)
	}
}

// TestRun_KeepsTheOrder: at each hook the tree is as the order says.
func TestRun_KeepsTheOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes(layout.Breadcrumb, "old:1")
		at := func(hook string) string {
			return fmt.Sprintf("%s: lock %s, breadcrumb %s, epoch %d", hook, w.data(layout.Lock), w.data(layout.Breadcrumb), w.do(zkapi.Exists(path)).Stat.Version)
		}
		var seen []string
		m := w.start("a", func(_ *member, c *standby.Config) {
			c.BecomeStandby = func(context.Context) error { seen = append(seen, at("standby")); return nil }
			c.BecomeActive = func(_ context.Context, a *standby.Active) error { seen = append(seen, at("active")); return nil }
			c.Fence = func(_ context.Context, old standby.Breadcrumb) error {
				if string(old.Data) != "old:1" || old.Same || old.Epoch != 1 {
					t.Errorf("Fence gets %+v", old)
				}
				seen = append(seen, at("fence"))
				return nil
			}
		})
		w.is("a true [] a:1")
		m.stop()
		if err := <-m.ran; !errors.Is(err, context.Canceled) || errors.Is(err, standby.ErrNotStandby) {
			t.Errorf("Run: %v", err)
		}
		want := []string{
			"standby: lock -, breadcrumb old:1, epoch 0",
			"fence: lock a:1, breadcrumb old:1, epoch 1",
			"active: lock a:1, breadcrumb a:1, epoch 1",
			"standby: lock a:1, breadcrumb a:1, epoch 1",
		}
		if !slices.Equal(seen, want) {
			t.Errorf("seen is\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
		}
		if after := at(""); after != ": lock -, breadcrumb -, epoch 2" {
			t.Errorf("in the end%s", after)
		}
		w.is(" false [] ")
	})
}

// TestActive_EndsBeforeAnotherCanWin: no write is acknowledged any more. The context ends, and the process
// becomes standby, before the session can end; and the next one fences it.
func TestActive_EndsBeforeAnotherCanWin(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.start("a"), w.start("b")
		time.Sleep(timeout) // heartbeats keep it
		a.calls("standby", "active 1")
		l := a.term()
		if l.Context().Err() != nil || l.Left() < timeout/2 {
			t.Fatalf("it ended with %v; left are %v", context.Cause(l.Context()), l.Left())
		}
		a.session().Cut()
		cut := time.Now()
		<-l.Context().Done()
		if took := time.Since(cut); took > timeout-timeout/4 || l.Left() != 0 {
			t.Errorf("it ended %v after the cut, and %v are left", took, l.Left())
		}
		if cause := context.Cause(l.Context()); !errors.Is(cause, standby.ErrLost) {
			t.Errorf("it ended with %v", cause)
		}
		synctest.Wait()
		a.calls("standby")
		b.calls("standby")
		a.stop() // otherwise it may win again
		time.Sleep(timeout)
		b.calls("fence a:1", "active 2")
		w.is("b true [] b:1")
	})
}

// TestActive_EndsAlthoughAHookHangs: the session is closed when the lease is over, and when another process
// has the right to write, and the connection is there.
func TestActive_EndsAlthoughAHookHangs(t *testing.T) {
	for _, hangs := range []string{"BecomeActive", "BecomeStandby"} {
		for _, deposed := range []bool{false, true} {
			inBubble(t, func(w *world) { w.endsAlthough(hangs, deposed) })
		}
	}
}

func (w *world) endsAlthough(hangs string, deposed bool) {
	release := make(chan struct{})
	defer close(release)
	a := w.start("a", func(m *member, c *standby.Config) {
		active, stand := c.BecomeActive, c.BecomeStandby
		c.BecomeActive = func(ctx context.Context, a *standby.Active) error {
			if _ = active(ctx, a); hangs == "BecomeActive" {
				<-release
			}
			return nil
		}
		c.BecomeStandby = func(ctx context.Context) error {
			if _ = stand(ctx); hangs == "BecomeStandby" && m.term() != nil {
				<-release
			}
			return nil
		}
	})
	b := w.start("b")
	session, epoch := a.session(), 2
	if deposed {
		w.do(zkapi.Set(path, nil, zkapi.AnyVersion))
		epoch++
	} else {
		session.Cut()
	}
	time.Sleep(2 * timeout)
	if !session.Done().Fired() {
		w.t.Errorf("%s hangs: the session is not given up", hangs)
	}
	b.calls("standby", "fence a:1", fmt.Sprintf("active %d", epoch))
	time.Sleep(time.Hour)
	w.is("b true [] b:1") // a does not stand while its hook has not returned
}

// TestRun_LostAnswers: the answer to each request is lost once, or the request, from the start to the end.
// The process is active once, no own breadcrumb is fenced, and nothing is left.
func TestRun_LostAnswers(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		for step, more := 1, true; more; step++ {
			inBubble(t, func(w *world) {
				at := 0
				w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
					if at++; at == step {
						return loss
					}
					return zk.None
				})
				m := w.start("a")
				time.Sleep(2 * time.Second)
				m.stop()
				if err := <-m.ran; !errors.Is(err, context.Canceled) || errors.Is(err, standby.ErrNotStandby) {
					t.Errorf("loss %v, step %d: Run: %v", loss, step, err)
				}
				m.calls("standby", "active 1", "standby")
				if more = at >= step; w.data(layout.Lock) != "-" || w.data(layout.Breadcrumb) != "-" {
					t.Errorf("loss %v, step %d: lock %s, breadcrumb %s", loss, step, w.data(layout.Lock), w.data(layout.Breadcrumb))
				}
			})
			if step > 60 {
				t.Fatal("the requests have no end")
			}
		}
	}
}

// TestClose_InEachState: before Run, while it stands by, and while it is active.
func TestClose_InEachState(t *testing.T) {
	inBubble(t, func(w *world) {
		fresh := w.member("fresh")
		if err := fresh.Close(w.ctx); err != nil {
			t.Errorf("fresh: %v", err)
		}
		if err := fresh.Run(w.ctx); !errors.Is(err, standby.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
		a, b := w.start("a"), w.start("b")
		if err := a.Run(w.ctx); !errors.Is(err, standby.ErrRuns) {
			t.Errorf("a second Run: %v", err)
		}
		for _, m := range []*member{b, a} {
			if err := m.Close(w.ctx); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
			if err := <-m.ran; !errors.Is(err, standby.ErrClosed) {
				t.Errorf("%s: Run: %v", m.name, err)
			}
		}
		if cause := context.Cause(a.term().Context()); !errors.Is(cause, standby.ErrClosed) {
			t.Errorf("the term ended with %v", cause)
		}
		w.is(" false [] ")
	})
}
