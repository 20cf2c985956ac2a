package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// WorkerConfig describes one worker.
type WorkerConfig struct {
	// Namespace as in MasterConfig.
	Namespace string
	// Access as in MasterConfig.
	Access Access
	// Name is the name of the worker, which must be unique. If the name is in use, the
	// process waits until the other session has ended.
	Name string
	// Address is the data of /workers/<name>, usually host:port.
	Address string
	// Handler executes tasks.
	Handler Handler
	// Concurrency bounds how many handlers run at a time, without those of resident tasks.
	// Default 8.
	Concurrency int
	// Capacity bounds the assignments that the worker holds at a time, running and waiting,
	// without resident tasks. Default and maximum: MasterConfig.TasksPerWorker.
	Capacity int
	// ProgressInterval is how often the progress of one task is published at
	// most. Default 500 ms.
	ProgressInterval time.Duration
	// Unreturned says what happens if the handler of a resident task does not return when its
	// context ends. Default: the worker waits for it.
	Unreturned Unreturned
	// OnMaster, if set, is called with the active master when the worker has
	// registered and whenever it changes, one call at a time; changes meanwhile
	// are coalesced. ctx ends with the registration.
	OnMaster func(ctx context.Context, leader Leader)

	Observers
}

// MaxResult is the size in bytes of the largest result. A larger one ends the
// attempt with an error.
const MaxResult = 256 << 10

// Worker registers, executes its assigned tasks, and records each result once.
type Worker struct {
	config WorkerConfig
	env    zkapi.Env
	layout layout
	life   *lifetime
	log    *slog.Logger

	freed  zkapi.Signal // raised when a handler has returned
	retire zkapi.Signal // raised when the worker is to take no more

	notices obstacle.Notices
	memory  *epoch.Memory

	declares int32 // the epoch that its claim says was seen; only Run's thread touches it
	known    int32 // the highest epoch that was known before the claim was taken; the same

	handlers []zkapi.Source // that may still run; only Run's thread touches them

	patience    context.Context // with handlers that do not return; Abandon ends it
	endPatience context.CancelCauseFunc

	mu        sync.Mutex
	running   int             // handlers, those of lost incarnations included
	residents map[string]bool // resident tasks whose handlers run; false: it is abandoned
	declined  map[string]int  // how often an abandoned one was given back because its handler still runs
	serving   bool            // it is registered, and may hold something
	retiring  bool
	hung      map[string]bool // executions whose handlers should have returned, and have not
}

// NewWorker checks config. Nothing happens until Run.
func NewWorker(env zkapi.Env, config WorkerConfig) (*Worker, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	l, err := newLayout(config.Namespace, config.Access)
	if err != nil {
		return nil, err
	}
	if err := checkName("worker name", config.Name); err != nil {
		return nil, err
	}
	if config.Handler == nil {
		return nil, invalid("worker %q has no Handler", config.Name)
	}
	if err := notNegative(field{"Concurrency", config.Concurrency}, field{"Capacity", config.Capacity}, field{"ProgressInterval", config.ProgressInterval}); err != nil {
		return nil, err
	}
	if config.Concurrency == 0 {
		config.Concurrency = 8
	}
	if config.ProgressInterval == 0 {
		config.ProgressInterval = 500 * time.Millisecond
	}
	config.Observers = config.filled("worker", config.Name)
	if err := config.Unreturned.check(); err != nil {
		return nil, err
	}
	w := &Worker{
		config: config, env: env, layout: l, life: newLifetime(env), log: config.Logger, freed: env.Signal(), retire: env.Signal(),
		residents: map[string]bool{}, declined: map[string]int{}, hung: map[string]bool{}, memory: &epoch.Memory{},
	}
	w.patience, w.endPatience = context.WithCancelCause(context.Background())
	return w, nil
}

// Run registers and works until ctx ends, under a new session whenever one is lost; it
// returns the cause. The handlers' contexts end with ctx. The session is kept until the
// handlers have returned, so that no other worker begins a resident task before (see
// WorkerConfig.Unreturned). For ordinary tasks it is kept no longer than the session's
// timeout. Unfinished tasks are left to other workers. When Run returns, all handlers have
// returned except abandoned ones. To let the handlers finish, use Close.
//
// Run returns earlier only when the ensemble refuses it for good: see
// zkapi.Permanent.
func (w *Worker) Run(ctx context.Context) error {
	ctx, err := w.life.begin(ctx)
	if err != nil {
		return err
	}
	defer w.life.finish()
	err = eachSession("worker", w.env, w.config.Observers, w.life, w.memory).Run(ctx, w.serve)
	for _, handler := range w.handlers {
		zkapi.Checkpoint(w.env, "end of handlers", err)
		if _, waiting := w.env.Wait(w.patience, handler); waiting != nil {
			return waiting
		}
	}
	if errors.Is(err, sessions.ErrStop) {
		return ErrClosed
	}
	return err
}

// Close lets the worker finish its tasks and leave. It takes no more tasks, and its resident
// tasks move to other workers. If ctx ends first, the contexts of the handlers end, and each
// task is left to other workers when its handler has returned. Then Run returns, and then
// Close. A nil error means that the ensemble has confirmed the end of the session;
// ErrCloseUnconfirmed means that the worker's name may stay in use until the session's
// timeout. A closed Worker cannot Run again.
//
// Close does not return while a handler runs, whether or not ctx has ended, unless
// WorkerConfig.Unreturned says otherwise. Abandon, from another goroutine, ends that.
func (w *Worker) Close(ctx context.Context) error {
	if !w.life.close() {
		return w.life.wait(ctx, w.env)
	}
	w.mu.Lock()
	w.retiring = true
	serving := w.serving
	w.mu.Unlock()
	w.retire.Raise()
	if !serving { // there is nothing to finish
		w.life.end(ErrClosed)
	}
	err := w.life.wait(ctx, w.env)
	if ctx.Err() == nil {
		return err
	}
	w.life.end(ErrClosed)
	return w.life.wait(context.WithoutCancel(ctx), w.env)
}

// serves notes whether the worker is registered.
func (w *Worker) serves(now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving = now
}

func (w *Worker) isRetiring() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.retiring
}

// serve is one incarnation of the worker.
func (w *Worker) serve(ctx context.Context, session fence.Session) (served bool, err error) {
	if w.isRetiring() {
		return false, sessions.ErrStop // the session that held something is over already
	}
	var held claim
	var at time.Duration
	again := retry.New(w.env, w.config.Observers.shared(), "registration")
	register := func() error {
		if err := bootstrap(ctx, w.env, session, w.layout, "worker", w.notices.Reporter(ctx, w.log)); err != nil {
			return err
		}
		if err := w.layout.ensure(ctx, session, parent{path: w.layout.inbox(w.config.Name), acl: w.layout.access.inbox()}); err != nil {
			return w.layout.explained(ctx, session, w.layout.assign(), err)
		}
		if _, err := w.layout.readFormat(ctx, session); err != nil {
			return err
		}
		var err error
		if held, at, err = w.register(ctx, session, again); err != nil {
			return err
		}
		return w.layout.mine(ctx, session, w.layout.worker(w.config.Name))
	}
	if err := w.notices.Unobstructed(ctx, w.env, w.log, again, session, register); err != nil {
		return false, err
	}
	w.log.InfoContext(ctx, "registered", "incarnation", held.Version, "session", observe.SessionText(session.ID()))
	i := newIncarnation(ctx, w, held, at)
	threads := []zkapi.Source{w.env.Spawn("claim", i.keepClaim), w.env.Spawn("heartbeat", i.heartbeat)}
	if w.config.OnMaster != nil {
		threads = append(threads, w.env.Spawn("master", func() {
			f := followed{env: w.env, obs: w.config.Observers, session: session, layout: w.layout}
			f.leader(i.ctx, func(leader Leader) bool { w.config.OnMaster(i.ctx, leader); return true })
		}))
	}
	w.serves(true)
	err = i.run()
	w.serves(false)
	i.lose(ErrClaimLost)
	for _, thread := range threads[:2] { // which rely on the claim
		zkapi.Checkpoint(w.env, "end of claim", i, err)
		if _, waiting := w.env.Wait(context.WithoutCancel(ctx), thread); waiting != nil {
			return true, waiting
		}
	}
	i.letGo()
	i.quarantine.clearMetrics()
	zkapi.Checkpoint(w.env, "end of incarnation", i, err)
	if err := sessions.Close(ctx, session); err != nil { // before anything else is waited for: it holds the name
		w.log.InfoContext(ctx, "the session may last until its timeout", "error", err)
	}
	for _, thread := range threads[2:] {
		zkapi.Checkpoint(w.env, "end of threads", i, err)
		if _, waiting := w.env.Wait(context.WithoutCancel(ctx), thread); waiting != nil {
			return true, waiting
		}
	}
	if err != nil {
		return true, err
	}
	return true, context.Cause(i.ctx)
}

// register waits until the worker's name is free and takes it. It never removes the znode of
// the present holder: that may be this worker's own last session, which ends by itself, or
// another process. A hidden znode under the name is reported and waited for like any other.
// register returns the claim, and when the write that took it was sent, by Env.Elapsed.
func (w *Worker) register(ctx context.Context, session fence.Session, again *retry.Step) (claim, time.Duration, error) {
	path := w.layout.worker(w.config.Name)
	var other int64 // session that is known to hold the name
	name := retry.NewTold(w.env, w.config.Observers.shared(), waitForName)
	defer name.GiveUp()
	for {
		if w.isRetiring() {
			return claim{}, 0, sessions.ErrStop
		}
		_, _, reconnected := session.Connection()
		zkapi.Checkpoint(w.env, "register", session, reconnected)
		seen, hidden := fence.Look(ctx, session, fence.Exists(path).Watched())
		if hidden != nil && !zkapi.Permanent(hidden) {
			return claim{}, 0, hidden
		}
		if seen.Found {
			name.Begin()
			if !seen.Stat.Alive() {
				w.notices.Report(ctx, w.log, w.layout.workerProblem(w.config.Name, seen.Stat), seen.Stat)
			} else if other != seen.Stat.EphemeralOwner {
				other = seen.Stat.EphemeralOwner
				name.Tell(ctx, "the name is in use: waiting until that session ends; if another process runs, give this one a name of its own", "held_by", observe.SessionText(other))
			}
			zkapi.Checkpoint(w.env, "wait for the name", session)
			_, err := w.env.Wait(ctx, fence.Sources(w.retire, seen.Watch, reconnected, session.Done(), w.env.Timer(resyncInterval))...)
			if err != nil {
				return claim{}, 0, err
			}
			continue
		}
		if err := w.remember(ctx, session); err != nil {
			return claim{}, 0, err
		}
		if err := w.raiseInbox(ctx, session); err != nil {
			return claim{}, 0, err
		}
		sent := w.env.Elapsed()
		c, err := w.acquire(ctx, session)
		if hidden != nil && errors.Is(err, zkapi.ErrNodeExists) {
			if err := again.Wait(ctx, session, fmt.Errorf("%w; %v", err, hidden)); err != nil {
				return claim{}, 0, err
			}
			continue
		}
		if errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrBadVersion) {
			continue
		}
		if err == nil {
			name.Over(ctx)
			err = w.aboveFloor(ctx, session, c)
		}
		return c, sent, err
	}
}

// acquire makes one attempt to take the name.
func (w *Worker) acquire(ctx context.Context, session fence.Session) (c claim, err error) {
	c.Claim, err = claims.Acquire(ctx, w.env, session, w.config.Observers.shared(), claims.Registration{
		Ephemeral: zkapi.Create(w.layout.worker(w.config.Name), []byte(w.config.Address), zkapi.Ephemeral).WithACL(w.layout.access.worker()),
		Path:      w.layout.inbox(w.config.Name), Check: w.layout.claimable(w.layout.inbox(w.config.Name), renewals),
		Record: func(data []byte) ([]byte, string) {
			var before claimRecord
			_ = json.Unmarshal(data, &before) // one made by hand says nothing
			c.afterRetiring = before.Retiring
			record := w.layout.newClaimRecord(w.env, session, w.config.Name)
			record.Capacity, record.EpochSeen = w.config.Capacity, w.declares
			return encode(record), record.Nonce
		},
	})
	return c, err
}

// remember finds the epoch that the worker's claim has to name: the highest that it has
// seen, if the tree shows a lower one.
func (w *Worker) remember(ctx context.Context, session fence.Session) error {
	shown, known, err := w.memory.Compare(ctx, session, w.layout.assign(), w.config.Observers.shared(), "worker")
	if err != nil {
		return err
	}
	w.declares = 0
	if behind, _ := w.memory.Behind(shown, known); behind != nil {
		w.declares, _ = w.memory.Highest()
	}
	w.known, _ = w.memory.Highest()
	return nil
}

// admit takes a place for one more handler. A resident task needs none, but its
// last handler here must have returned.
func (w *Worker) admit(task Task) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if task.Options.Resident {
		if _, runs := w.residents[task.Name]; runs {
			return false
		}
		w.residents[task.Name] = true
		return true
	}
	if w.running >= w.config.Concurrency {
		return false
	}
	w.running++
	return true
}

// declines reports whether an abandoned handler of a resident task still runs here, and
// how often the task was given back because of that.
func (w *Worker) declines(task Task) (again int, still bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waited, runs := w.residents[task.Name]
	return w.declined[task.Name], runs && !waited
}

// runs reports whether a handler of a resident task has not returned, and is waited for.
func (w *Worker) runs(task Task) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.residents[task.Name]
}

func (w *Worker) leave(task Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if task.Options.Resident {
		delete(w.residents, task.Name)
		delete(w.declined, task.Name)
	} else {
		w.running--
	}
	w.freed.Raise()
}

// keep remembers a handler until it has returned. Of many handlers it looks for those that have
// returned only when as many again have begun.
func (w *Worker) keep(handler zkapi.Source) {
	const many = 64
	if n := len(w.handlers); n < many || n == cap(w.handlers) {
		w.handlers = slices.DeleteFunc(w.handlers, zkapi.Source.Fired)
		w.handlers = slices.Grow(w.handlers, len(w.handlers)+1)
	}
	w.handlers = append(w.handlers, handler)
}
