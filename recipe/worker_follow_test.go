package recipe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// following is an Env whose sessions follow lists of children. Each of them finds the
// differences by a comparison with its last answer.
type following struct {
	*zk.Env
	ctx context.Context // in which it waits for changes
}

func (f *following) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := f.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &follower{Session: session, env: f.Env, ctx: f.ctx, last: map[string]answer{}}, nil
}

// follower is such a session. Each seventh answer is a whole list, as any may be.
type follower struct {
	zkapi.Session
	env *zk.Env
	ctx context.Context

	mu     sync.Mutex
	cursor int64
	last   map[string]answer // by path
}

// answer is one answer to a followed read.
type answer struct {
	cursor   int64
	change   int // of the connection
	stat     zkapi.Stat
	children map[string]zkapi.Stat
	forget   context.CancelFunc
}

func (f *follower) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if !op.Follow {
		return f.Session.Do(ctx, op)
	}
	change, _, _ := f.Connection()
	listed, err := f.Session.Do(ctx, zkapi.Children(op.Path).Watched())
	if err != nil {
		return listed, err
	}
	now := answer{change: change, stat: listed.Stat, children: map[string]zkapi.Stat{}}
	sources := []zkapi.Source{listed.Watch, f.Done()}
	var reads []zkapi.Op
	for _, name := range listed.Children {
		reads = append(reads, zkapi.Exists(op.Path+"/"+name).Watched())
	}
	for n, reply := range f.DoAll(ctx, reads) {
		if reply.Err != nil {
			return zkapi.Result{}, reply.Err
		}
		sources = append(sources, reply.Watch)
		if reply.Found {
			now.children[listed.Children[n]] = reply.Stat
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.last[op.Path]
	if before.forget != nil {
		before.forget()
	}
	f.cursor++
	now.cursor = f.cursor
	waiting, forget := context.WithCancel(f.ctx)
	now.forget = forget
	result := zkapi.Result{Stat: listed.Stat, Cursor: now.cursor, Children: slices.Sorted(maps.Keys(now.children))}
	result.Watch = f.env.Spawn("follow", func() { _, _ = f.env.Wait(waiting, sources...) })
	if op.Since != 0 && op.Since == before.cursor && before.change == change && before.stat.Version == listed.Stat.Version && f.cursor%7 != 0 {
		now.stat = before.stat
		result.Stat, result.Children, result.Partial = before.stat, nil, differences(before.children, now.children)
	}
	f.last[op.Path] = now
	return result, nil
}

func differences(before, now map[string]zkapi.Stat) *zkapi.Partial {
	var p zkapi.Partial
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was := before[name]
		is, found := now[name]
		switch {
		case !found || is.Czxid != was.Czxid:
			p.Gone = append(p.Gone, name)
		case is.Mzxid != was.Mzxid:
			p.Changed = append(p.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if was, found := before[name]; !found || was.Czxid != now[name].Czxid {
			p.Come = append(p.Come, name)
		}
	}
	return &p
}

// bothWays runs a test with workers whose sessions answer with whole lists, and with workers
// whose sessions answer with the differences.
func bothWays(t *testing.T, test func(w *world)) {
	for _, follows := range []bool{false, true} {
		t.Run(fmt.Sprintf("follows %v", follows), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.follows = follows
				test(w)
			})
		})
	}
}

// hand is one change that the test makes as a master would.
type hand struct {
	task string
	does string
	then time.Duration // until the next one
}

// handled plays hands against one worker and returns what it executes at the end, and what the
// tree says that it should.
func handled(t *testing.T, follows bool, hands []hand) (runs, should []string) {
	inBubble(t, func(w *world) {
		w.follows = follows
		for _, path := range []string{"/assign", "/workers", "/tasks"} {
			w.do(zkapi.Create(path, nil, zkapi.Persistent))
		}
		var mu sync.Mutex
		running := map[string]int{}
		w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			what := fmt.Sprint(task.Name, " ", task.Token.Attempt)
			mu.Lock()
			running[what]++
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			if running[what]--; running[what] == 0 {
				delete(running, what)
			}
			return nil, context.Cause(ctx)
		})
		w.within(time.Minute, "it is registered", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		h := handTree{world: w, attempts: map[string]int{}}
		for _, hand := range hands {
			h.play(hand)
			time.Sleep(hand.then)
		}
		time.Sleep(10 * time.Second)
		for _, name := range w.do(zkapi.Children("/assign/w1")).Children {
			var record struct{ Attempt int }
			if err := json.Unmarshal(w.do(zkapi.Get("/assign/w1/"+name)).Data, &record); err != nil {
				t.Fatal(err)
			}
			should = append(should, fmt.Sprint(name, " ", record.Attempt))
		}
		mu.Lock()
		defer mu.Unlock()
		for what, times := range running {
			runs = append(runs, strings.Repeat(what, times))
		}
		slices.Sort(runs)
	})
	return runs, should
}

// handTree is the state of a test that plays hands.
type handTree struct {
	*world
	attempts map[string]int
}

func (h *handTree) play(one hand) {
	h.t.Helper()
	task, assignment := "/tasks/"+one.task, "/assign/w1/"+one.task
	there := h.do(zkapi.Exists(assignment)).Found
	record := func(extra string) []byte {
		return fmt.Appendf(nil, `{"epoch":1,"attempt":%d,"incarnation":1%s}`, h.attempts[one.task], extra)
	}
	var ops []zkapi.Op
	if !h.do(zkapi.Exists(task)).Found {
		data := []byte(nil)
		if strings.HasPrefix(one.task, "r") {
			data = []byte(`#ringmaster {"resident":true} x`)
		}
		ops = append(ops, zkapi.Create(task, data, zkapi.Persistent))
	}
	switch {
	case one.does == "assigns" && !there:
		h.attempts[one.task]++
		ops = append(ops, zkapi.Create(assignment, record(""), zkapi.Persistent))
	case one.does == "deletes" && there:
		ops = append(ops, zkapi.Delete(assignment, zkapi.AnyVersion))
	case one.does == "makes again" && there:
		ops = append(ops, zkapi.Delete(assignment, zkapi.AnyVersion))
		h.attempts[one.task]++
		ops = append(ops, zkapi.Create(assignment, record(""), zkapi.Persistent))
	case one.does == "revokes" && there:
		ops = append(ops, zkapi.Set(assignment, record(`,"revoked":true`), zkapi.AnyVersion))
	case one.does == "takes" && there:
		ops = append(ops, zkapi.Set(assignment, record(`,"taken":true,"reason":"it hangs"`), zkapi.AnyVersion),
			zkapi.Set("/workers/w1", nil, zkapi.AnyVersion))
	}
	if len(ops) == 0 {
		return
	}
	if _, err := h.direct.Do(h.ctx, zkapi.Multi(ops...)); err != nil && !there {
		h.t.Fatal(err) // otherwise the worker was faster
	}
}

// TestWorker_EndsWithTheSameTasksHoweverItReadsItsInbox: whatever a master does, a worker whose
// session tells the differences executes in the end what a worker does that reads whole lists,
// and what the tree says.
func TestWorker_EndsWithTheSameTasksHoweverItReadsItsInbox(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		hands := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) hand {
			return hand{
				task: rapid.SampledFrom([]string{"o1", "o2", "r1", "r2"}).Draw(rt, "task"),
				does: rapid.SampledFrom([]string{"assigns", "assigns", "deletes", "makes again", "revokes", "takes"}).Draw(rt, "does"),
				then: rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 3 * time.Second}).Draw(rt, "then"),
			}
		}), 1, 20).Draw(rt, "hands")
		whole, should := handled(t, false, hands)
		parts, shouldToo := handled(t, true, hands)
		if !slices.Equal(whole, should) || !slices.Equal(parts, shouldToo) || !slices.Equal(whole, parts) {
			rt.Fatalf("with whole lists it executes %q of %q, with differences %q of %q", whole, should, parts, shouldToo)
		}
	})
}
