package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MasterConfig describes one candidate for the one active master.
type MasterConfig struct {
	// Namespace goes in front of every znode, such as /billing. Default: none.
	Namespace string
	// Name tells masters apart in logs and claims. It need not be unique.
	Name string
	// Address is what /master shows, by custom host:port.
	Address string
	// TasksPerWorker bounds the assignments that one worker holds. Default 64.
	TasksPerWorker int
	// MaxAttempts is after how many attempts without a result a task fails.
	// Default 5.
	MaxAttempts int
	// OnLead, if set, is called each time this master is elected, and runs beside
	// the assigning of tasks. Its context ends when the leadership does, with the
	// reason as its cause (ErrDeposed, unless Run's own context ended). The master
	// does not stand for election again before OnLead has returned.
	OnLead func(ctx context.Context, epoch int32)
	// Logger receives elections and losses. Default: none.
	Logger *slog.Logger
}

// Master is a candidate: it stands for election, and while it is elected it
// assigns tasks to workers, takes them from workers that are lost, and fails
// those whose attempts are spent.
//
// It promises that what it writes is written only while it holds the highest
// epoch. It does not promise that no two masters believe to lead at the same
// time: a process that is stopped for longer than its lease believes until it
// runs again. Its writes are then refused.
type Master struct {
	config MasterConfig
	env    zkapi.Env
	layout layout
	limits limits
	log    *slog.Logger

	mu      sync.Mutex
	current *reconciler // nil while not leading
}

// NewMaster checks config. Nothing happens until Run.
func NewMaster(env zkapi.Env, config MasterConfig) (*Master, error) {
	l, err := newLayout(config.Namespace)
	if err != nil {
		return nil, err
	}
	if config.TasksPerWorker < 0 || config.MaxAttempts < 0 {
		return nil, fmt.Errorf("recipe: TasksPerWorker %d and MaxAttempts %d must not be negative", config.TasksPerWorker, config.MaxAttempts)
	}
	lim := limits{perWorker: config.TasksPerWorker, maxAttempts: int32(config.MaxAttempts), batch: 1000}
	if lim.perWorker == 0 {
		lim.perWorker = 64
	}
	if lim.maxAttempts == 0 {
		lim.maxAttempts = 5
	}
	log := discardIfNil(config.Logger).With("master", config.Name)
	return &Master{config: config, env: env, layout: l, limits: lim, log: log}, nil
}

// Run stands for election and leads, again and again, until ctx ends; it returns
// the cause. When it returns, the master has given up its claim and its session.
func (m *Master) Run(ctx context.Context) error {
	return forEachSession(ctx, m.env, m.log, m.serve)
}

// serve is one session of a candidate: at most one term.
func (m *Master) serve(ctx context.Context, session zkapi.Session) error {
	prepare := func() error { return bootstrap(ctx, session, m.layout) }
	if err := persist(ctx, m.env, session, prepare); err != nil {
		return err
	}
	won, at, err := stand(ctx, m.env, session, m.layout, m.config.Name, m.config.Address, m.log)
	if err != nil {
		return err
	}
	t := newTerm(ctx, m.env, won, at)
	r := newReconciler(t, m.env, m.layout, m.limits, m.log)
	m.log.InfoContext(ctx, "elected", "epoch", t.epoch(), "session", session.ID())
	m.lead(r)
	threads := []zkapi.Source{
		m.env.Spawn("lease", t.keepLease),
		m.env.Spawn("beat", t.beat),
	}
	if m.config.OnLead != nil {
		threads = append(threads, m.env.Spawn("lead", func(zkapi.Env) { m.config.OnLead(t.ctx, t.epoch()) }))
	}
	r.run()
	why := errors.New("stepped down")
	if over := session.Cause(); over != nil {
		why = over
	}
	t.depose(fmt.Errorf("%w: %w", ErrDeposed, why)) // unless there is a cause already
	m.lead(nil)
	m.log.InfoContext(ctx, "deposed", "epoch", t.epoch(), "cause", context.Cause(t.ctx))
	for _, thread := range threads {
		if _, err := m.env.Wait(context.WithoutCancel(ctx), thread); err != nil {
			return err
		}
	}
	return context.Cause(t.ctx)
}

func (m *Master) lead(r *reconciler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = r
}

// WorkerInfo is one worker as the master sees it.
type WorkerInfo struct {
	Name        string
	Alive       bool
	Incarnation int32
	Assigned    []string // task names, sorted
}

// TaskInfo is one task as the master sees it.
type TaskInfo struct {
	Name     string
	Phase    string // pending, assigned, finished
	Worker   string // while assigned
	Attempts int    // that have ended without a result
}

// Snapshot is the active master's view at one moment. It is a copy.
type Snapshot struct {
	Epoch   int32
	Workers []WorkerInfo // by name
	Tasks   []TaskInfo   // by name
}

// Snapshot returns the present view, or false while this master does not lead.
func (m *Master) Snapshot() (Snapshot, bool) {
	m.mu.Lock()
	r := m.current
	m.mu.Unlock()
	if r == nil || r.term.ctx.Err() != nil {
		return Snapshot{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Snapshot{Epoch: r.term.epoch()}
	for _, w := range slices.Sorted(maps.Keys(r.view.workers)) {
		worker := r.view.workers[w]
		s.Workers = append(s.Workers, WorkerInfo{w, worker.alive, worker.incarnation, slices.Sorted(maps.Keys(worker.tasks))})
	}
	names := map[phase]string{unread: "pending", pending: "pending", assigned: "assigned", finished: "finished"}
	for _, t := range slices.Sorted(maps.Keys(r.view.tasks)) {
		task := r.view.tasks[t]
		s.Tasks = append(s.Tasks, TaskInfo{t, names[task.phase], task.worker, int(task.attempts)})
	}
	return s, true
}
