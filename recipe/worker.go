package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Causes of a handler's context.
var (
	// ErrClaimLost means that the worker's session ended or that another process
	// registered under its name: the task will be given to somebody.
	ErrClaimLost = errors.New("worker's claim is lost")
	// ErrAssignmentLost means that the task was taken away or cancelled.
	ErrAssignmentLost = errors.New("assignment was taken away")
)

// Task is one task to execute.
type Task struct {
	Name    string
	Payload []byte
	// Token is greater for a later execution of the same task. Hand it to every
	// system outside ZooKeeper that the handler changes, and let that system
	// refuse a smaller token than it has seen.
	Token Token
}

// Result is what a handler returns and Client.Await receives.
type Result []byte

// Handler executes one task. Its context ends when the worker's claim or the
// assignment is lost; it should return soon then, because the task may already
// run elsewhere. A nil error records the result and ends the task. An error, or a
// panic, ends this attempt; the task is tried again until its attempts are spent.
type Handler func(ctx context.Context, task Task) (Result, error)

// WorkerConfig describes one worker.
type WorkerConfig struct {
	// Namespace as in MasterConfig.
	Namespace string
	// Name is the worker's own. A process that starts under a name that is in use
	// waits until the other one's session has ended.
	Name string
	// Address is what /workers/<name> shows, by custom host:port.
	Address string
	// Handler executes tasks.
	Handler Handler
	// Concurrency bounds how many handlers run at a time. Default 8.
	Concurrency int
	// Logger receives registrations and losses. Default: none.
	Logger *slog.Logger
}

// MaxResult is the size in bytes of the largest result. A larger one ends the
// attempt with an error.
const MaxResult = 256 << 10

// Worker registers, executes what it is assigned and records each result once.
type Worker struct {
	config WorkerConfig
	env    zkapi.Env
	layout layout
	log    *slog.Logger

	freed zkapi.Signal // raised when a handler has returned

	handlers []zkapi.Source // that may still run; only Run's thread touches them

	mu      sync.Mutex
	running int // handlers, those of lost incarnations included
}

// NewWorker checks config. Nothing happens until Run.
func NewWorker(env zkapi.Env, config WorkerConfig) (*Worker, error) {
	l, err := newLayout(config.Namespace)
	if err != nil {
		return nil, err
	}
	if err := checkName("worker name", config.Name); err != nil {
		return nil, err
	}
	if config.Handler == nil {
		return nil, fmt.Errorf("recipe: worker %q has no Handler", config.Name)
	}
	if config.Concurrency < 0 {
		return nil, fmt.Errorf("recipe: Concurrency %d must not be negative", config.Concurrency)
	}
	if config.Concurrency == 0 {
		config.Concurrency = 8
	}
	return &Worker{
		config: config, env: env, layout: l, log: discardIfNil(config.Logger).With("worker", config.Name), freed: env.Signal(),
	}, nil
}

// Run registers and works, again under a new session whenever one is lost, until
// ctx ends; it returns the cause. Handlers have returned by then; what they had
// not finished is left to others.
func (w *Worker) Run(ctx context.Context) error {
	err := forEachSession(ctx, w.env, w.log, w.serve)
	for _, handler := range w.handlers {
		if _, waiting := w.env.Wait(context.WithoutCancel(ctx), handler); waiting != nil {
			return waiting
		}
	}
	return err
}

// serve is one incarnation of the worker.
func (w *Worker) serve(ctx context.Context, session zkapi.Session) error {
	var held claim
	register := func() error {
		if err := bootstrap(ctx, session, w.layout); err != nil {
			return err
		}
		if err := ensure(ctx, session, w.layout.inbox(w.config.Name)); err != nil {
			return err
		}
		var err error
		held, err = w.register(ctx, session)
		return err
	}
	if err := persist(ctx, w.env, session, register); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "registered", "incarnation", held.version, "session", session.ID())
	i := newIncarnation(ctx, w, held)
	watchdog := w.env.Spawn("claim", i.watchSession)
	i.run()
	i.lose(ErrClaimLost)
	if _, err := w.env.Wait(context.WithoutCancel(ctx), watchdog); err != nil {
		return err
	}
	return context.Cause(i.ctx)
}

// register waits until the worker's name is free and takes it. Whoever holds it
// is never removed: it may be the ghost of this worker's own last session, which
// ends by itself, or another process.
func (w *Worker) register(ctx context.Context, session zkapi.Session) (claim, error) {
	path := w.layout.worker(w.config.Name)
	for {
		_, _, reconnected := session.Connection()
		seen, err := session.Do(ctx, zkapi.Exists(path).Watched())
		if err != nil {
			return claim{}, err
		}
		if seen.Found {
			_, err := w.env.Wait(ctx, seen.Watch, reconnected, session.Done(), w.env.Timer(sweepInterval))
			if err != nil {
				return claim{}, err
			}
			continue
		}
		c, err := take(ctx, w.env, session, w.config.Name, path, w.config.Address, w.layout.inbox(w.config.Name))
		if errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrBadVersion) {
			continue
		}
		return c, err
	}
}

// incarnation is one registration of a worker: one session, one claim. It is the
// only thing that can write as the worker.
type incarnation struct {
	claim
	worker *Worker
	env    zkapi.Env
	ctx    context.Context
	lose   context.CancelCauseFunc

	held   map[string]*execution // by task
	reread bool                  // the inbox may hold what looked like something held
	own    zkapi.Source          // watch on /workers/<w>
	ended  zkapi.Signal          // raised when finished has grown

	mu       sync.Mutex
	finished []*execution
}

// execution is one assignment and what became of it.
type execution struct {
	task     Task
	stat     zkapi.Stat // of the assignment
	started  bool
	settled  bool // its end is recorded, or somebody else's business
	doubtful bool // its end may have been recorded
	moot     bool // the task ended without it
	cancel   context.CancelCauseFunc
	result   Result
	err      error
}

func newIncarnation(ctx context.Context, w *Worker, c claim) *incarnation {
	i := &incarnation{claim: c, worker: w, env: w.env, held: map[string]*execution{}, ended: w.env.Signal()}
	i.ctx, i.lose = context.WithCancelCause(ctx)
	return i
}

// watchSession loses the claim when the session ends.
func (i *incarnation) watchSession(env zkapi.Env) {
	if _, err := env.Wait(i.ctx, i.session.Done()); err == nil {
		i.lose(fmt.Errorf("%w: %w", ErrClaimLost, i.session.Cause()))
	}
}

// confirm checks that /workers/<w> is still this session's. Somebody may have
// deleted it by hand; then nobody would ever assign anything.
func (i *incarnation) confirm() error {
	if i.own != nil && !i.own.Fired() {
		return nil
	}
	seen, err := i.session.Do(i.ctx, zkapi.Exists(i.worker.layout.worker(i.worker.config.Name)).Watched())
	if err != nil {
		return err
	}
	if !seen.Found || seen.Stat.EphemeralOwner != i.session.ID() {
		return fmt.Errorf("%w: the worker's znode is gone or somebody else's", ErrFenced)
	}
	i.own = seen.Watch
	return nil
}

// run works until the claim is lost.
func (i *incarnation) run() {
	var inbox zkapi.Source
	change := -1
	sweep := i.env.Timer(sweepInterval)
	for i.ctx.Err() == nil {
		now, _, reconnected := i.session.Connection()
		if now != change || fired(inbox) || sweep.Fired() {
			if now != change {
				i.own = nil // its watch may have been lost with the connection
			}
			change, inbox, sweep = now, nil, i.env.Timer(sweepInterval)
		}
		err := i.confirm()
		if err == nil && inbox == nil {
			inbox, err = i.readInbox()
		}
		if err == nil {
			err = i.commit()
		}
		if err == nil && i.reread {
			i.reread, inbox = false, nil
			if pause(i.ctx, i.env, i.session) != nil {
				return
			}
			continue
		}
		if err == nil {
			i.start()
			_, err = i.env.Wait(i.ctx, i.ended, i.worker.freed, inbox, i.own, reconnected, sweep)
		}
		switch {
		case errors.Is(err, ErrFenced):
			i.lose(fmt.Errorf("%w: %w", ErrClaimLost, err))
		case err != nil:
			i.worker.log.DebugContext(i.ctx, "step failed", "error", err)
			inbox = nil
			if pause(i.ctx, i.env, i.session) != nil {
				return
			}
		}
	}
}

func fired(watch zkapi.Source) bool { return watch != nil && watch.Fired() }

// readInbox takes over what is assigned: it remembers new assignments and stops
// those that were taken away.
func (i *incarnation) readInbox() (zkapi.Source, error) {
	l, name := i.worker.layout, i.worker.config.Name
	listed, err := i.session.Do(i.ctx, zkapi.Children(l.inbox(name)).Watched())
	if err != nil {
		return nil, err
	}
	if listed.Stat.Version != i.version {
		return nil, fmt.Errorf("%w: incarnation %d has been followed by %d", ErrFenced, i.version, listed.Stat.Version)
	}
	var fresh []string
	var ops []zkapi.Op
	present := map[string]bool{}
	for _, t := range listed.Children {
		present[t] = true
		if i.held[t] == nil {
			fresh = append(fresh, t)
			ops = append(ops, zkapi.Get(l.assignment(name, t)), zkapi.Get(l.task(t)))
		}
	}
	for t, e := range i.held {
		if !present[t] {
			e.cancel(ErrAssignmentLost)
			delete(i.held, t)
		}
	}
	replies := i.session.DoAll(i.ctx, ops)
	for n, t := range fresh {
		assignment, task := replies[2*n], replies[2*n+1]
		if errors.Is(assignment.Err, zkapi.ErrNoNode) || errors.Is(task.Err, zkapi.ErrNoNode) {
			continue // taken away, or collected: the master drops what is left
		}
		if err := errors.Join(assignment.Err, task.Err); err != nil {
			return nil, err
		}
		if err := i.accept(t, assignment.Result, task.Data); err != nil {
			return nil, err
		}
	}
	return listed.Watch, nil
}

// accept remembers an assignment. One that was made for an earlier incarnation
// is given back at once: that incarnation may still be executing it, under the
// very same token. One made by hand says nothing; it is the next attempt.
func (i *incarnation) accept(t string, assignment zkapi.Result, payload []byte) error {
	record := assignmentRecord{Incarnation: i.version}
	if json.Unmarshal(assignment.Data, &record) != nil || record.Attempt == 0 {
		listed, err := i.session.Do(i.ctx, zkapi.Children(i.worker.layout.task(t)))
		if err != nil {
			return err
		}
		_, attempts := taskChildren(listed.Children)
		record = assignmentRecord{Token: Token{Attempt: attempts + 1}, Incarnation: i.version}
	}
	e := &execution{
		task: Task{Name: t, Payload: payload, Token: record.Token}, stat: assignment.Stat,
		cancel: func(error) {},
	}
	i.held[t] = e
	if record.Incarnation != i.version {
		e.started = true
		i.finish(e, nil, errors.New("worker was restarted"))
	}
	return nil
}

// start runs handlers for what waits, oldest first, as many as may run.
func (i *incarnation) start() {
	for _, t := range slices.SortedFunc(maps.Keys(i.held), byAge) {
		e := i.held[t]
		if e.started {
			continue
		}
		if !i.worker.admit() {
			return
		}
		e.started = true
		var ctx context.Context
		ctx, e.cancel = context.WithCancelCause(i.ctx)
		i.worker.keep(i.env.Spawn("handler", func(zkapi.Env) {
			result, err := call(ctx, i.worker.config.Handler, e.task)
			i.worker.leave()
			i.finish(e, result, err)
		}))
	}
}

func (w *Worker) admit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running >= w.config.Concurrency {
		return false
	}
	w.running++
	return true
}

func (w *Worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.freed.Raise()
}

// keep remembers a handler until it has returned.
func (w *Worker) keep(handler zkapi.Source) {
	w.handlers = append(slices.DeleteFunc(w.handlers, zkapi.Source.Fired), handler)
}

// call runs the handler and makes a panic an error: one bad task must not take
// the worker with it.
func call(ctx context.Context, handler Handler, task Task) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	result, err = handler(ctx, task)
	if err == nil && len(result) > MaxResult {
		return nil, fmt.Errorf("%w: result of %d bytes, %d are allowed", zkapi.ErrTooLarge, len(result), MaxResult)
	}
	return result, err
}

func (i *incarnation) finish(e *execution, result Result, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	e.result, e.err = result, err
	i.finished = append(i.finished, e)
	i.ended.Raise()
}
