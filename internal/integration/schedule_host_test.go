package integration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// host is the port of one process on a real ensemble, for programs of an explored
// world: its sessions are those of package zkclient, through a proxy of its own.
// What is frozen in the explorer is frozen here: the clock, the names, the order in
// which threads go on, so that only ZooKeeper and the client can make a difference.
type host struct {
	name      string
	life      int
	namespace string // in front of all paths, so that cases do not meet
	driver    *zkclient.Driver

	threads []*hostThread
	running *hostThread
	asked   []*hostRequest
	session *hostSession // the latest
	clock   time.Time
	names   int
	notes   map[string]string
	leave   *hostSource
	failure any
}

// The explorer's clock: see model/explore/machine.go.
const (
	hostSoon    = 100 * time.Millisecond
	hostSweep   = 2 * time.Second
	hostTimeout = 40 * time.Second // of a session
)

var hostOrigin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

type hostThread struct {
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	ready   bool
	over    bool
	done    *hostSource
	ctx     context.Context
	sources []zkapi.Source
	request *hostRequest
}

// hostRequest is what the program waits to be answered.
type hostRequest struct {
	explore.Asking
	session  *hostSession
	sent     *sending // nil while it is not on its way
	answered bool
	result   zkapi.Result
	opened   *hostSession
	err      error
}

// sending is a request that the client has sent and the proxy holds.
type sending struct {
	held *ensemble.Held
	done chan struct{} // closed when the client has returned
	zkapi.Reply
}

// hostSource is a source of this side: a timer, a signal, or what somebody fires.
type hostSource struct {
	fired  bool
	due    time.Time // of a timer
	timer  *host
	lowers bool         // of a signal
	real   zkapi.Source // of a watch: what must have fired as well
}

func (s *hostSource) Fired() bool {
	if s.timer != nil && !s.due.After(s.timer.clock) {
		s.fired = true
	}
	return s.fired
}

func (s *hostSource) Raise() { s.fired = true }

type abandonedHost struct{}

func newHost(name string, life int, namespace string, driver *zkclient.Driver) *host {
	return &host{name: name, life: life, namespace: namespace, driver: driver, clock: hostOrigin, notes: map[string]string{}, leave: &hostSource{}}
}

func (h *host) begin(program explore.Program) {
	h.spawn(func() { program(context.Background(), h) })
	h.settle()
}

func (h *host) spawn(f func()) *hostThread {
	t := &hostThread{ready: true, done: &hostSource{}}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(abandonedHost); !ok {
					h.failure = p
				}
			}
		}()
		f()
	})
	h.threads = append(h.threads, t)
	return t
}

func (h *host) discard() {
	for _, t := range h.threads {
		if !t.over {
			h.running = t
			t.stop()
		}
	}
}

func (h *host) block() {
	if !h.running.yield(struct{}{}) {
		panic(abandonedHost{})
	}
}

// settle runs threads until none can go on without an answer or an event.
func (h *host) settle() {
	for range 10_000 {
		if t := h.runnable(); t != nil {
			t.ready = false
			h.running = t
			if _, alive := t.next(); !alive {
				t.over, t.ctx, t.sources, t.done.fired = true, nil, nil, true
				h.threads = slices.DeleteFunc(h.threads, func(o *hostThread) bool { return o == t })
			}
			continue
		}
		if !h.wakeSoon() {
			return
		}
	}
	h.failure = "it spins without asking anything"
}

func (h *host) runnable() *hostThread {
	for _, t := range h.threads {
		if t.ready || t.ctx != nil && t.ctx.Err() != nil || slices.ContainsFunc(t.sources, zkapi.Source.Fired) {
			return t
		}
	}
	return nil
}

func (h *host) wakeSoon() bool {
	var first *hostSource
	for _, t := range h.threads {
		for _, s := range t.sources {
			if s, ok := s.(*hostSource); ok && s.timer != nil && !s.Fired() && s.due.Sub(h.clock) <= hostSoon && (first == nil || s.due.Before(first.due)) {
				first = s
			}
		}
	}
	if first == nil {
		return false
	}
	first.fired = true
	return true
}

// Open implements zkapi.Env.
func (h *host) Open(ctx context.Context) (zkapi.Session, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := h.ask(ctx, hostRequest{Asking: explore.Asking{Opens: true}})
	if r.err != nil {
		return nil, r.err
	}
	return r.opened, nil
}

// Wait implements zkapi.Env.
func (h *host) Wait(ctx context.Context, sources ...zkapi.Source) (int, error) {
	t := h.running
	for {
		if ctx.Err() != nil {
			return -1, context.Cause(ctx)
		}
		for i, s := range sources {
			if s.Fired() {
				if s, ok := s.(*hostSource); ok && s.lowers {
					s.fired = false
				}
				return i, nil
			}
		}
		t.ctx, t.sources = ctx, sources
		h.block()
		t.ctx, t.sources = nil, nil
	}
}

// Now implements zkapi.Env.
func (h *host) Now() time.Time { return h.clock }

// Elapsed implements zkapi.Env.
func (h *host) Elapsed() time.Duration { return h.clock.Sub(hostOrigin) }

// Jitter implements zkapi.Env as the explorer does.
func (h *host) Jitter() float64 { return 0.5 }

// Timer implements zkapi.Env.
func (h *host) Timer(d time.Duration) zkapi.Source {
	return &hostSource{due: h.clock.Add(d), fired: d <= 0, timer: h}
}

// Signal implements zkapi.Env.
func (h *host) Signal() zkapi.Signal { return &hostSource{lowers: true} }

// Spawn implements zkapi.Env.
func (h *host) Spawn(_ string, f func()) zkapi.Source {
	return h.spawn(f).done
}

// Unique implements zkapi.Env.
func (h *host) Unique() string {
	h.names++
	return fmt.Sprintf("%s.%d.%d", h.name, h.life, h.names)
}

// Note implements explore.Host.
func (h *host) Note(key, value string) {
	if value == "" {
		delete(h.notes, key)
	} else {
		h.notes[key] = value
	}
}

// Act implements explore.Host.
func (h *host) Act(ctx context.Context, resource string, token int64) error {
	return h.ask(ctx, hostRequest{Asking: explore.Asking{Resource: resource, Token: token}}).err
}

// Leave implements explore.Host.
func (h *host) Leave() zkapi.Source { return h.leave }

// ask waits for the answer to a request, or until ctx ends; then it stays asked.
func (h *host) ask(ctx context.Context, r hostRequest) *hostRequest {
	t := h.running
	h.asked = append(h.asked, &r)
	t.request, t.ctx = &r, ctx
	for !r.answered && ctx.Err() == nil {
		h.block()
	}
	t.request, t.ctx = nil, nil
	if !r.answered {
		err := fmt.Errorf("%w: %w", zkapi.ErrConnectionLoss, context.Cause(ctx))
		if r.Op.Kind != 0 {
			err = &zkapi.Error{Kind: r.Op.Kind, Path: r.Op.Path, Index: -1, Fate: zkapi.Unknown, Err: err}
		}
		return &hostRequest{err: err}
	}
	return &r
}

func (h *host) answer(r *hostRequest) {
	r.answered = true
	h.asked = slices.DeleteFunc(h.asked, func(o *hostRequest) bool { return o == r })
	for _, t := range h.threads {
		if t.request == r {
			t.ready = true
		}
	}
}

// hostSession is a real session whose answers, and watches, come when it is their turn.
type hostSession struct {
	zkapi.Session
	id       int64 // by which the model calls it
	host     *host
	watches  map[model.Watch][]*hostSource
	expected int // changes of the connection, so far
}

// ID implements zkapi.Session.
func (s *hostSession) ID() int64 { return s.id }

// Timeout implements zkapi.Session: it is of the frozen clock, as the timers are.
func (s *hostSession) Timeout() time.Duration { return hostTimeout }

// MaxRequest implements zkapi.Session.
func (s *hostSession) MaxRequest() int { return zkclient.DefaultMaxRequest }

// Do implements zkapi.Session.
func (s *hostSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if ctx.Err() != nil || s.Done().Fired() {
		return s.do(ctx, op)
	}
	r := s.host.ask(ctx, hostRequest{Asking: explore.Asking{Op: op}, session: s})
	return r.result, r.err
}

// do is the request itself, below the namespace. It follows no list: the model has no such
// sessions.
func (s *hostSession) do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	op.Follow, op.Since = false, 0
	result, err := s.Session.Do(ctx, below(s.host.namespace, op))
	result.Path = strings.TrimPrefix(result.Path, s.host.namespace)
	for i := range result.Results {
		result.Results[i].Path = strings.TrimPrefix(result.Results[i].Path, s.host.namespace)
	}
	if e, ok := errors.AsType[*zkapi.Error](err); ok {
		plain := *e
		plain.Path = strings.TrimPrefix(plain.Path, s.host.namespace)
		err = &plain
	}
	return result, err
}

// below is the same request below a namespace.
func below(namespace string, op zkapi.Op) zkapi.Op {
	if op.Kind != zkapi.KindMulti {
		op.Path = namespace + op.Path
	}
	op.Ops = slices.Clone(op.Ops)
	for i := range op.Ops {
		op.Ops[i] = below(namespace, op.Ops[i])
	}
	return op
}

// DoAll implements zkapi.Session as the explorer does: one after the other.
func (s *hostSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}

// Close implements zkapi.Session.
func (s *hostSession) Close(ctx context.Context) error {
	if s.Done().Fired() {
		return s.Session.Close(ctx)
	}
	return s.host.ask(ctx, hostRequest{Asking: explore.Asking{Closes: true}, session: s}).err
}

// over answers what the session was still asked when it ended.
func (s *hostSession) over() {
	for _, r := range slices.Clone(s.host.asked) {
		if r.session != s {
			continue
		}
		r.err = errors.New("the end of the session was not confirmed")
		if r.Op.Kind != 0 {
			r.err = &zkapi.Error{Kind: r.Op.Kind, Path: r.Op.Path, Index: -1, Fate: zkapi.Unknown, Err: s.Cause()}
		}
		s.host.answer(r)
	}
}
