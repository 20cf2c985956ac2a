package zk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Env runs the recipe on a Server with goroutines and the system's clock; inside
// a testing/synctest bubble that clock is virtual.
type Env struct {
	Server *Server
	names  atomic.Int64

	jitters atomic.Int64

	mu       sync.Mutex
	opened   bool // a session, at any time
	restores int  // of the server, when the first one was opened
}

var _ zkapi.Env = (*Env)(nil)

// source fires once, or, with lower, each time it is raised.
type source struct {
	mu    sync.Mutex
	c     chan struct{}
	fired bool
	lower bool
}

func newSource() *source { return &source{c: make(chan struct{})} }

func (s *source) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fired {
		s.fired = true
		close(s.c)
	}
}

// Fired implements zkapi.Source.
func (s *source) Fired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fired
}

// Raise implements zkapi.Signal.
func (s *source) Raise() { s.fire() }

// take reports whether the source has fired, and lowers a signal.
func (s *source) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fired := s.fired
	if fired && s.lower {
		s.fired, s.c = false, make(chan struct{})
	}
	return fired
}

func (s *source) channel() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.c
}

// Open implements zkapi.Env.
func (e *Env) Open(ctx context.Context) (zkapi.Session, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if e.Server == nil {
		return nil, errors.New("zk: Env.Server is nil: give it the result of NewServer")
	}
	session := e.Server.Open()
	e.countRestores(session)
	return session, nil
}

// Wait implements zkapi.Env.
func (e *Env) Wait(ctx context.Context, sources ...zkapi.Source) (int, error) {
	if len(sources) > zkapi.MostAtOnce {
		return zkapi.WaitForMany(ctx, sources, e.Wait)
	}
	for {
		if ctx.Err() != nil {
			return -1, context.Cause(ctx)
		}
		cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}}
		for i, s := range sources {
			own, ours := s.(*source)
			if !ours {
				return -1, fmt.Errorf("zk: source %d of a wait is %T: give sources of this Env and of its sessions", i, s)
			}
			if own.take() {
				return i, nil
			}
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(own.channel())})
		}
		reflect.Select(cases)
	}
}

// Now implements zkapi.Env.
func (e *Env) Now() time.Time { return time.Now() }

// Elapsed implements zkapi.Env.
func (e *Env) Elapsed() time.Duration { return time.Since(time.Unix(0, 0)) }

// Timer implements zkapi.Env.
func (e *Env) Timer(d time.Duration) zkapi.Source {
	s := newSource()
	time.AfterFunc(d, s.fire)
	return s
}

// Signal implements zkapi.Env.
func (e *Env) Signal() zkapi.Signal { return &source{c: make(chan struct{}), lower: true} }

// Spawn implements zkapi.Env.
func (e *Env) Spawn(_ string, f func()) zkapi.Source {
	done := newSource()
	go func() {
		defer done.fire()
		f()
	}()
	return done
}

// Jitter implements zkapi.Env: no two calls in a row return the same, and each run of
// a program is as the last one.
func (e *Env) Jitter() float64 {
	const step = 0.6180339887498949 // of the golden ratio: the numbers spread evenly
	_, fraction := math.Modf(step * float64(e.jitters.Add(1)))
	return fraction
}

// Unique implements zkapi.Env by counting.
func (e *Env) Unique() string { return fmt.Sprintf("u%d", e.names.Add(1)) }
