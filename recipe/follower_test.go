package recipe_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// following is an Env whose sessions follow lists of children. Each of them finds the
// differences by a comparison with its last answer.
type following struct {
	*zk.Env
	ctx   context.Context // in which it waits for changes
	whole int64           // so many answers have one that is a whole list without need; 0: none

	resyncs atomic.Int64 // reads of a whole list that a worker has asked for
}

func (f *following) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := f.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &follower{Session: session, of: f, last: map[string]answer{}}, nil
}

// follower is such a session.
type follower struct {
	zkapi.Session
	of *following

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
	waiting, forget := context.WithCancel(f.of.ctx)
	now.forget = forget
	result := zkapi.Result{Stat: listed.Stat, Cursor: now.cursor, Children: slices.Sorted(maps.Keys(now.children))}
	result.Watch = f.of.Spawn("follow", func() { _, _ = f.of.Wait(waiting, sources...) })
	unasked := f.of.whole > 0 && f.cursor%f.of.whole == 0
	if op.Since == 0 {
		f.of.resyncs.Add(1)
	}
	if op.Since != 0 && op.Since == before.cursor && before.change == change && before.stat.Version == listed.Stat.Version && !unasked {
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
