package zkclient

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	inmemory "github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ensembleOfOne is an ensemble that carries out one write after the other.
type ensembleOfOne struct {
	mu      sync.Mutex
	travel  time.Duration // of a request and its answer
	each    time.Duration // of an operation
	free    time.Time     // when the writes so far are carried out
	written int
}

// write returns when a write of so many operations is answered.
func (e *ensembleOfOne) write(n int) {
	e.mu.Lock()
	now := time.Now()
	if e.free.Before(now) {
		e.free = now
	}
	e.free = e.free.Add(time.Duration(n) * e.each)
	e.written += n
	wait := e.free.Add(e.travel).Sub(now)
	e.mu.Unlock()
	time.Sleep(wait)
}

func multiOf(n int) zkapi.Op {
	return zkapi.Multi(slices.Repeat([]zkapi.Op{zkapi.Create("/a", nil, zkapi.Persistent)}, n)...)
}

// TestBulk_LeavesRoomForOthers: one process that has much to write, or five of them, use most of an
// ensemble, and a stranger's single write does not wait behind their queue. That is
// at most twice as long as beside writes of the least window of each.
func TestBulk_LeavesRoomForOthers(t *testing.T) {
	const runs, each, travel = 20 * time.Second, 10 * time.Microsecond, 5 * time.Millisecond
	for _, processes := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			ensemble := &ensembleOfOne{travel: travel, each: each}
			ctx, end := context.WithTimeout(t.Context(), runs)
			defer end()
			var work sync.WaitGroup
			for range processes {
				ensemble.fill(ctx, &work, newPacer(Bulk{}))
			}
			var stranger []time.Duration
			for ctx.Err() == nil {
				asked := time.Now()
				ensemble.write(1)
				stranger = append(stranger, time.Since(asked))
				time.Sleep(10 * time.Millisecond)
			}
			work.Wait()
			slices.Sort(stranger)
			most := 2 * (travel + time.Duration(processes*leastWindow)*each)
			if p99 := stranger[len(stranger)*99/100]; p99 > most {
				t.Errorf("%d processes: one in a hundred of the stranger's writes takes more than %v, and not %v", processes, p99, most)
			}
			if used := float64(ensemble.written) * each.Seconds() / runs.Seconds(); used < 0.6 {
				t.Errorf("%d processes use %.2f of the ensemble", processes, used)
			}
		})
	}
}

// fill has a process write as much as it may.
func (e *ensembleOfOne) fill(ctx context.Context, work *sync.WaitGroup, p *pacer) {
	began := time.Now()
	now := func() time.Duration { return time.Since(began) }
	for range 24 {
		work.Go(func() {
			for ctx.Err() == nil {
				if leave := p.enter(ctx, nil, multiOf(100), now); leave != nil {
					e.write(leave.ops)
					p.leave(leave, nil, now())
				}
			}
		})
	}
}

// TestBulk_KeepsItsBounds: neither more operations nor more bytes are under way than allowed,
// except for one request that is larger by itself. Reads are not held back.
func TestBulk_KeepsItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			says   string
			bounds Bulk
			op     zkapi.Op
			most   int // requests under way
		}{
			{"operations", Bulk{Operations: 250, Fixed: true}, multiOf(100), 2},
			{"operations at first", Bulk{Operations: 900}, multiOf(100), 3},
			{"a request over the bound goes alone", Bulk{Operations: 50}, multiOf(100), 1},
			{"bytes", Bulk{Bytes: 2500, Fixed: true}, zkapi.Create("/a", make([]byte, 1000), zkapi.Persistent), 2},
			{"reads", Bulk{Operations: 1}, zkapi.Get("/a"), 10},
		} {
			p := newPacer(row.bounds)
			now := func() time.Duration { return 0 }
			var mu sync.Mutex
			entered := 0
			ctx, end := context.WithCancel(t.Context())
			for range 10 {
				go func() {
					if leave := p.enter(ctx, nil, row.op, now); leave != nil || written(row.op) == 0 {
						mu.Lock()
						defer mu.Unlock()
						entered++
					}
				}()
			}
			synctest.Wait()
			if entered != row.most {
				t.Errorf("%s: %d requests are under way, not %d", row.says, entered, row.most)
			}
			end()
			synctest.Wait()
			if len(p.waiting) > 0 {
				t.Errorf("%s: %d requests wait whose callers are gone", row.says, len(p.waiting))
			}
		}
	})
}

// TestBulk_IsMetered: not more operations a second go out than allowed.
func TestBulk_IsMetered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(Bulk{PerSecond: 1000})
		began := time.Now()
		now := func() time.Duration { return time.Since(began) }
		time.Sleep(time.Second)
		for range 51 {
			p.leave(p.enter(t.Context(), nil, multiOf(100), now), nil, now())
		}
		if took := now(); took != 6*time.Second {
			t.Errorf("5,100 operations, of which 100 may go at once, take %v", took-time.Second)
		}
		over := make(chan struct{})
		close(over)
		if p.enter(t.Context(), over, multiOf(10000), now); now() > 7*time.Second {
			t.Error("a session that is over waits")
		}
	})
}

func TestNew_RefusesNegativeBulk(t *testing.T) {
	_, err := New(Config{Servers: []string{"a"}, Bulk: Bulk{Operations: -1}})
	if err == nil || !strings.Contains(err.Error(), "Operations:-1") {
		t.Errorf("error %v", err)
	}
}

// TestBulk_WhatIsNotSentCostsNothing: the rest of a DoAll whose session is over, and requests that
// are refused before they are sent, neither use up the bound of a second nor count as quick.
func TestBulk_WhatIsNotSentCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(Bulk{PerSecond: 1000})
		began := time.Now()
		now := func() time.Duration { return time.Since(began) }
		time.Sleep(time.Second)
		over := make(chan struct{})
		close(over)
		for range 600 {
			p.leave(p.enter(t.Context(), over, multiOf(100), now), nil, now())
		}
		short, end := context.WithTimeout(t.Context(), time.Millisecond)
		defer end()
		p.enter(short, nil, multiOf(10000), now)
		at := now()
		one := p.enter(t.Context(), nil, multiOf(1), now)
		if took := now() - at; took > time.Second {
			t.Errorf("the first write after them waits %v", took)
		}
		time.Sleep(5 * time.Millisecond)
		p.leave(one, nil, now())
		notSent := &zkapi.Error{Kind: zkapi.KindMulti, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrTooLarge}
		p.leave(p.enter(t.Context(), nil, multiOf(1), now), notSent, now())
		if least := p.of[1].least; least != 5*time.Millisecond {
			t.Errorf("the quickest write took %v", least)
		}
	})
}

// TestBulk_HoldsBackALargeRequestAlone: a DoAll of one large multi keeps to the bounds, too, and one
// of a small multi is not held back.
func TestBulk_HoldsBackALargeRequestAlone(t *testing.T) {
	s, _, _ := onServe(t, inmemory.Options{}, Config{Bulk: Bulk{PerSecond: 100}})
	set := zkapi.Set("/", nil, zkapi.AnyVersion)
	must := func(ctx context.Context, op zkapi.Op) error { return s.DoAll(ctx, []zkapi.Op{op})[0].Err }
	if err := must(t.Context(), zkapi.Multi(slices.Repeat([]zkapi.Op{set}, 10)...)); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	if err := must(ctx, zkapi.Multi(slices.Repeat([]zkapi.Op{set}, 2000)...)); err == nil {
		t.Error("2,000 operations went out within a moment, and not 100 a second")
	}
	if err := must(t.Context(), zkapi.Multi(set, set)); err != nil {
		t.Errorf("a light request: %v", err)
	}
}
