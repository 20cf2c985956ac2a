package election_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	timeout = 4 * time.Second
	path    = "/elections/scheduler"
)

// world is a ZooKeeper in memory in virtual time.
type world struct {
	t      *testing.T
	env    *zk.Env
	ctx    context.Context
	direct *zk.Session // for the hands of the test
	log    *journal
}

// inBubble runs a test in virtual time, and closes every candidate that it has made.
func inBubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, env: &zk.Env{Server: zk.NewServer(timeout)}, log: &journal{}}
		w.ctx = t.Context()
		w.direct = w.env.Server.Open()
		test(w)
	})
}

// journal is a log that tests can search.
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

// has reports how often a text is in the log.
func (j *journal) has(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func (w *world) do(op zkapi.Op) zkapi.Result {
	w.t.Helper()
	result, err := w.direct.Do(w.ctx, op)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// config is that of a candidate, changed.
func (w *world) config(name string, change ...func(*election.Config)) election.Config {
	c := election.Config{Path: path, Name: name, Data: []byte(name + ":1"), Logger: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, f := range change {
		f(&c)
	}
	return c
}

func queued(c *election.Config) { c.Queue = true }

func (w *world) candidate(name string, change ...func(*election.Config)) *election.Candidate {
	w.t.Helper()
	c, err := election.New(w.env, w.config(name, change...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		closing, end := context.WithTimeout(context.Background(), time.Minute)
		defer end()
		_ = c.Close(closing)
	})
	return c
}

// campaign is Campaign of a candidate that must be elected.
func (w *world) campaign(c *election.Candidate) *election.Leadership {
	w.t.Helper()
	limited, end := context.WithTimeout(w.ctx, time.Minute)
	defer end()
	l, err := c.Campaign(limited)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// waits has a candidate campaign, and returns its leadership when it has one.
func (w *world) waits(c *election.Candidate) <-chan *election.Leadership {
	led := make(chan *election.Leadership, 1)
	go func() {
		l, _ := c.Campaign(w.ctx) // a test that ends closes the candidate
		led <- l
	}()
	synctest.Wait()
	return led
}

// ownerOf is the session that holds an ephemeral.
func (w *world) ownerOf(path string) *zk.Session {
	w.t.Helper()
	owner := w.do(zkapi.Exists(path)).Stat.EphemeralOwner
	for _, s := range w.env.Server.Sessions() {
		if s.ID() == owner {
			return s
		}
	}
	w.t.Fatalf("no session holds %s", path)
	return nil
}

// left are the znodes of an election that are no parents.
func (w *world) left() []string {
	var names []string
	for p, at := range w.env.Server.Tree().All() {
		if at.Stat.EphemeralOwner != 0 && at.Stat.EphemeralOwner != w.direct.ID() {
			names = append(names, p)
		}
	}
	return names
}

// refused holds an error against what it must be: of nothing that was applied.
func refused(t *testing.T, what string, err error, is error) {
	t.Helper()
	if !errors.Is(err, is) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("%s: %v (%v), want %v", what, err, zkapi.FateOf(err), is)
	}
}

func TestCampaign_LeadsAndResigns(t *testing.T) {
	for _, queue := range []bool{false, true} {
		inBubble(t, func(w *world) {
			a := w.candidate("a", func(c *election.Config) { c.Queue = queue })
			l := w.campaign(a)
			if l.Epoch() != 1 || l.Context().Err() != nil {
				t.Fatalf("epoch %d, %v", l.Epoch(), context.Cause(l.Context()))
			}
			if got := w.do(zkapi.Get(path + "/leader")); string(got.Data) != "a:1" || !got.Stat.Alive() {
				t.Errorf("the leader's znode has %q, %+v", got.Data, got.Stat)
			}
			if got := w.do(zkapi.Get(path)); got.Stat.Version != l.Epoch() || !strings.HasPrefix(string(got.Data), `{"holder":"a","session":"0x`) {
				t.Errorf("the epoch's znode has %q, version %d", got.Data, got.Stat.Version)
			}
			if _, err := a.Campaign(w.ctx); !errors.Is(err, election.ErrStands) {
				t.Errorf("a second campaign: %v", err)
			}
			if err := l.Resign(w.ctx); err != nil {
				t.Fatal(err)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
			if cause := context.Cause(l.Context()); !errors.Is(cause, election.ErrResigned) {
				t.Errorf("the context ended with %v", cause)
			}
			if err := l.Resign(w.ctx); err != nil {
				t.Errorf("again: %v", err)
			}
			if l = w.campaign(a); l.Epoch() != 2 {
				t.Errorf("the next epoch is %d", l.Epoch())
			}
		})
	}
}

// TestCampaign_WaitsForTheLeader: the next candidate leads at once when the leader resigns, and
// otherwise when the leader's session is over.
func TestCampaign_WaitsForTheLeader(t *testing.T) {
	for name, ends := range map[string]func(w *world, l *election.Leadership) error{
		"it resigns":        func(w *world, l *election.Leadership) error { return l.Resign(w.ctx) },
		"its session ends":  func(w *world, _ *election.Leadership) error { w.ownerOf(path + "/leader").Expire(); return nil },
		"its connection is": func(w *world, _ *election.Leadership) error { w.ownerOf(path + "/leader").Cut(); return nil },
	} {
		inBubble(t, func(w *world) {
			first := w.campaign(w.candidate("a"))
			led := w.waits(w.candidate("b"))
			select {
			case <-led:
				t.Fatalf("%s: two lead", name)
			default:
			}
			if w.log.has("another leader leads: standing by") != 1 {
				t.Errorf("%s: the log does not say that it waits", name)
			}
			if err := ends(w, first); err != nil {
				t.Fatal(err)
			}
			second := <-led
			if second == nil || second.Epoch() != 2 {
				t.Fatalf("%s: %v", name, second)
			}
			synctest.Wait() // the first one hears of it at the same moment as the second one
			if first.Context().Err() == nil {
				t.Errorf("%s: the first leader does not know it", name)
			}
			_, err := first.Write(w.ctx, zkapi.Create("/late", nil, zkapi.Persistent))
			if zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("%s: a late write: %v", name, err)
			}
		})
	}
}

// TestCampaign_EndsWithItsContext: it ends at whatever request or wait, and leaves no ephemeral.
func TestCampaign_EndsWithItsContext(t *testing.T) {
	led, gaveUp := 0, 0
	for _, other := range []bool{false, true} {
		for _, queue := range []bool{false, true} {
			for _, loss := range []zk.Loss{zk.None, zk.RequestLost, zk.ReplyLost} {
				for step := 1; ; step++ {
					done := false
					inBubble(t, func(w *world) {
						if other {
							w.campaign(w.candidate("other", func(c *election.Config) { c.Queue = queue }))
						}
						before := len(w.left())
						ctx, end := context.WithCancelCause(w.ctx)
						enough := errors.New("enough")
						at := 0
						w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
							if at++; at != step {
								return zk.None
							}
							end(enough)
							return loss
						})
						c, err := election.New(w.env, w.config("a", func(c *election.Config) { c.Queue = queue }))
						if err != nil {
							t.Fatal(err)
						}
						limited, cancel := context.WithTimeoutCause(ctx, 10*time.Second, enough)
						defer cancel()
						l, err := c.Campaign(limited)
						switch {
						case err == nil: // it was elected before, or just when ctx ended
							if w.env.Server.Lose(nil); at >= step {
								led++
							}
							if err := l.Resign(w.ctx); err != nil {
								t.Fatal(err)
							}
						case !errors.Is(err, enough):
							t.Errorf("other %v, queue %v, loss %v, step %d: %v", other, queue, loss, step, err)
						case at >= step:
							gaveUp++
						}
						done = done || at < step
						w.env.Server.Lose(nil)
						time.Sleep(timeout) // a close that was lost
						if left := w.left(); len(left) != before {
							t.Errorf("other %v, queue %v, loss %v, step %d: left are %v", other, queue, loss, step, left)
						}
						if err := c.Close(w.ctx); err != nil && loss == zk.None {
							t.Errorf("step %d: Close: %v", step, err)
						}
					})
					if done {
						if step < 5 {
							t.Errorf("only %d steps", step)
						}
						break
					}
				}
			}
		}
	}
	if led > gaveUp/4 { // it is rare that a campaign is over before it sees that its ctx has ended
		t.Errorf("%d campaigns went on to lead, %d ended", led, gaveUp)
	}
}
