package zkclient

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// receiver is what every source of this package is underneath: a channel from
// which a receive succeeds once the source has fired.
type receiver interface {
	zkapi.Source
	channel() reflect.Value
}

// latch fires once and stays fired.
type latch struct {
	once sync.Once
	c    chan struct{}
}

func newLatch() *latch { return &latch{c: make(chan struct{})} }

func (l *latch) fire()                  { l.once.Do(func() { close(l.c) }) }
func (l *latch) channel() reflect.Value { return reflect.ValueOf(l.c) }
func (l *latch) Fired() bool {
	select {
	case <-l.c:
		return true
	default:
		return false
	}
}

// timer fires once its time has come. The runtime frees an unfired timer that has no
// references.
type timer struct {
	at time.Time
	c  <-chan time.Time
}

func (t timer) channel() reflect.Value { return reflect.ValueOf(t.c) }
func (t timer) Fired() bool            { return !time.Now().Before(t.at) }

// signal is raised by one goroutine for another.
type signal struct{ c chan struct{} }

func (s signal) channel() reflect.Value { return reflect.ValueOf(s.c) }
func (s signal) Fired() bool            { return len(s.c) > 0 }
func (s signal) Raise() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}

// watch is the library's watch channel: it delivers one event and is closed
// right after it, so a receive always succeeds once it has fired.
type watch struct {
	c    <-chan zk.Event
	seen atomic.Bool // a receive has succeeded
}

func (w *watch) channel() reflect.Value { return reflect.ValueOf(w.c) }
func (w *watch) Fired() bool {
	if w.seen.Load() {
		return true
	}
	select {
	case <-w.c:
		w.seen.Store(true)
		return true
	default:
		return false
	}
}

// watchKey is what a watch is set on, and by which read.
type watchKey struct {
	path string
	kind zkapi.Kind
}

// keptWatch is a watch with the connection that it was set on.
type keptWatch struct {
	*watch
	change int
}

// kept returns the watch that serves already, or nil.
func (s *session) kept(key watchKey) *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.watches[key]
	if !ok || k.change != s.change || k.Fired() {
		return nil
	}
	return k.watch
}

// keep remembers a watch, and now and then forgets the fired ones.
func (s *session) keep(key watchKey, k keptWatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const often = 1024
	if len(s.watches)%often == often-1 {
		maps.DeleteFunc(s.watches, func(_ watchKey, old keptWatch) bool { return old.Fired() })
	}
	s.watches[key] = k
}

// Timer implements zkapi.Env.
func (d *Driver) Timer(after time.Duration) zkapi.Source {
	return timer{at: time.Now().Add(after), c: time.After(after)}
}

// Signal implements zkapi.Env.
func (d *Driver) Signal() zkapi.Signal { return signal{c: make(chan struct{}, 1)} }

// Wait implements zkapi.Env.
func (d *Driver) Wait(ctx context.Context, sources ...zkapi.Source) (int, error) {
	if ctx.Err() != nil {
		return -1, context.Cause(ctx)
	}
	if len(sources) > zkapi.MostAtOnce {
		return zkapi.WaitForMany(ctx, sources, d.Wait)
	}
	cases := make([]reflect.SelectCase, 0, len(sources)+1)
	for i, source := range sources {
		r, ours := source.(receiver)
		if !ours {
			return -1, fmt.Errorf("zkclient: source %d of a wait is %T: give sources of this Driver and of its sessions", i, source)
		}
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: r.channel()})
		if source.Fired() {
			if s, ok := source.(signal); ok {
				<-s.c
			}
			return i, nil
		}
	}
	cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())})
	chosen, _, _ := reflect.Select(cases)
	if chosen == len(sources) {
		return -1, context.Cause(ctx)
	}
	if w, ok := sources[chosen].(*watch); ok {
		w.seen.Store(true)
	}
	return chosen, nil
}
