package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MasterConfig describes one candidate for leadership.
type MasterConfig struct {
	// Namespace goes in front of every znode, such as /billing. Default: none.
	Namespace string
	// Access lists the identities of each role. Default: everybody may do everything.
	Access Access
	// Name identifies the master in logs and claims. It need not be unique.
	Name string
	// Address is the data of /master, usually host:port, until OnLead changes it
	// (Lead.Proclaim).
	Address string
	// Queue makes the candidates queue, so that the end of the active master wakes one of
	// them and not all. It costs each candidate one znode. Use it for more than a few
	// candidates; mixing both kinds is safe.
	Queue bool
	// Strategy chooses workers for tasks. Default LeastLoaded.
	Strategy Strategy
	// TasksPerWorker bounds the assignments that one worker holds, resident tasks not
	// counted. A worker may set a lower limit (WorkerConfig.Capacity). Default 64.
	TasksPerWorker int
	// MaxAttempts is the number of attempts without a result after which a task fails, unless
	// Options.MaxAttempts is set. Default 5.
	MaxAttempts int
	// MaxHandovers bounds the attempts of one task that do not count because their worker
	// left in good order (Worker.Close, or the end of its context), or was killed while it
	// left. Further attempts count, so a task that makes its workers leave ends after at most
	// MaxAttempts + MaxHandovers attempts. Default 5 times MaxAttempts; -1 for none.
	MaxHandovers int
	// Backoff returns how long a task waits after that many attempts before it is assigned
	// again, counted from when the master has seen the last attempt end. It must be a pure
	// function. If the first attempt is lost with its worker, the next follows at once.
	// Default: 100 ms, doubled with each attempt, 30 s at most.
	Backoff func(attempts int) time.Duration
	// Retention is how long a finished task is kept before the master deletes it. It counts
	// from when a master has first seen the status, and starts again after a failover. Until
	// then its result can be read. Default: for ever; Client.Collect deletes a task at once.
	Retention time.Duration
	// MaxBacklog bounds the tasks without a status: with more of them, Submit waits. Clients
	// learn the bound from the tree. The bound is approximate: clients that submit at the
	// same time may exceed it by one each, and with SubmitAll by one write each, which is at
	// most 250 tasks. Default: none.
	MaxBacklog int
	// EpochAtLeast is a lower bound of the epochs of this master. Set it after the tree was
	// wiped or restored while all processes were down, so that tokens keep growing: to the
	// highest epoch that any external system has seen, plus 1. Default: 0, for none.
	EpochAtLeast int32
	// FormatAtMost bounds the format of the znodes. Set it before a newer build is replaced
	// by an older one: a master that leads then lowers the mark of the namespace (/format).
	// Default: 0, for the newest format that all live workers know.
	FormatAtMost int
	// OnLead, if set, is called each time this master is elected, and runs beside the
	// assigning of tasks. Its context ends when the leadership does, with the reason as its
	// cause (ErrDeposed, unless Run's own context ended or Close was called). The master does
	// not stand for election again before OnLead has returned, and a hand-over waits for it
	// for as long as the lease lasts. Its writes to ZooKeeper are fenced if they go through
	// lead.
	OnLead func(ctx context.Context, lead Lead)

	Observers
}

// policy has the settings of a master.
type policy struct {
	decide.Limits
	backlog int    // tasks without a status, at most; 0: no limit
	format  int    // of the znodes, at most; 0: no limit
	name    string // of this master
}

// policy checks the configuration and fills in the defaults.
func (c MasterConfig) policy() (policy, error) {
	if c.MaxAttempts > maxOwnAttempts {
		return policy{}, invalid("MaxAttempts %d: at most %d", c.MaxAttempts, maxOwnAttempts)
	}
	if c.MaxHandovers < -1 || c.MaxHandovers > maxOwnAttempts {
		return policy{}, invalid("MaxHandovers %d: use 0 (5 times MaxAttempts), -1 (none), or up to %d", c.MaxHandovers, maxOwnAttempts)
	}
	if err := notNegative(field{"TasksPerWorker", c.TasksPerWorker}, field{"MaxAttempts", c.MaxAttempts}, field{"MaxBacklog", c.MaxBacklog},
		field{"Retention", c.Retention}, field{"FormatAtMost", c.FormatAtMost}); err != nil {
		return policy{}, err
	}
	p := policy{
		Limits: decide.Limits{
			PerWorker: c.TasksPerWorker, MaxAttempts: int32(c.MaxAttempts), Batch: 4000,
			Strategy: c.Strategy, Backoff: c.Backoff, Retention: c.Retention,
		},
		backlog: c.MaxBacklog, format: c.FormatAtMost, name: c.Name,
	}
	if p.PerWorker == 0 {
		p.PerWorker = 64
	}
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 5
	}
	switch {
	case c.MaxHandovers == 0:
		p.MaxHandovers = min(5*p.MaxAttempts, maxOwnAttempts)
	case c.MaxHandovers > 0:
		p.MaxHandovers = int32(c.MaxHandovers)
	}
	if p.Backoff == nil {
		p.Backoff = decide.DefaultBackoff
	}
	return p, nil
}

// Master is a candidate for leadership. While it leads, it assigns tasks to workers, takes
// tasks from lost workers, and fails tasks whose attempts are spent.
//
// A Master writes only while it holds the highest epoch. Two masters may still believe to
// lead at the same time: a process that was stopped for longer than its lease believes so for
// a moment when it runs again. Its writes are refused.
type Master struct {
	config MasterConfig
	env    zkapi.Env
	layout layout
	policy policy
	life   *lifetime

	notices obstacle.Notices
	memory  *epoch.Memory

	broadcaster broadcaster
}

// NewMaster checks config. Nothing happens until Run.
func NewMaster(env zkapi.Env, config MasterConfig) (*Master, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	l, err := newLayout(config.Namespace, config.Access)
	if err != nil {
		return nil, err
	}
	p, err := config.policy()
	if err != nil {
		return nil, err
	}
	config.Observers = config.filled("master", config.Name)
	if config.EpochAtLeast < 0 || config.EpochAtLeast >= epoch.Max {
		return nil, invalid("EpochAtLeast %d: use 0 to %d", config.EpochAtLeast, epoch.Max-1)
	}
	return &Master{config: config, env: env, layout: l, policy: p, life: newLifetime(env), memory: epoch.AtLeast(config.EpochAtLeast)}, nil
}

// Run stands for election and leads, again and again, until ctx ends or Close is called; it
// returns the cause. A master that leads hands over at the end. It assigns nothing more,
// waits for the answers to its writes and for OnLead, and gives up /master under its claim,
// so that a backup leads at once. Then it ends its session.
//
// Run returns earlier only when the ensemble refuses it for good: see
// zkapi.Permanent.
func (m *Master) Run(ctx context.Context) error {
	ctx, err := m.life.begin(ctx)
	if err != nil {
		return err
	}
	defer m.life.finish()
	return eachSession("master", m.env, m.config.Observers, m.life, m.memory).Run(ctx, m.serve)
}

// Close makes Run hand over and return, and waits for that. A nil error means that the
// ensemble has confirmed the end of the session, so no znode of this master's session is
// left; ErrCloseUnconfirmed means that its znodes may stay until the session's timeout. A
// closed Master cannot Run again.
func (m *Master) Close(ctx context.Context) error {
	m.life.close()
	m.life.end(ErrClosed)
	return m.life.wait(ctx, m.env)
}

// serve is one session of a candidate: at most one term.
func (m *Master) serve(ctx context.Context, session fence.Session) (served bool, err error) {
	obs := m.config.Observers
	prepare := func() error {
		if err := bootstrap(ctx, m.env, session, m.layout, "master", m.notices.Reporter(ctx, obs.Logger)); err != nil {
			return err
		}
		if _, err := m.layout.readFormat(ctx, session); err != nil {
			return err
		}
		zkapi.Checkpoint(m.env, "may lead", session)
		return mayLead(ctx, session, m.layout)
	}
	if err := m.notices.Unobstructed(ctx, m.env, obs.Logger, retry.New(m.env, obs.shared(), "preparation of a master"), session, prepare); err != nil {
		return false, err
	}
	c := elect.Candidate{
		Election: m.layout.election(), Env: m.env, Session: session, Obs: obs.shared(), Name: m.config.Name, Data: []byte(m.config.Address), Notices: &m.notices, Memory: m.memory,
		Record: func() ([]byte, string) {
			record := m.layout.newClaimRecord(m.env, session, m.config.Name)
			return encode(record), record.Nonce
		},
	}
	if m.config.Queue {
		err := c.WaitInQueue(ctx)
		switch {
		case elect.Queueless(err):
			obs.Logger.WarnContext(ctx, "the master takes part in the election without the queue of candidates", "error", err)
		case err != nil:
			return false, err
		}
	}
	won, at, err := c.Campaign(ctx)
	if err != nil {
		return false, err
	}
	if err := m.layout.mine(ctx, session, m.layout.master()); err != nil {
		return false, err
	}
	return true, m.serveTerm(m.layout.leadership(ctx, m.env, m.config.Observers, won, at))
}

// mayLead finds out whether a candidate has the permission to lead, before it waits in the
// queue for days.
func mayLead(ctx context.Context, session fence.Session, l layout) error {
	return l.explained(ctx, session, l.assign(), l.election().MayLead(ctx, session))
}

// serveTerm is one term, from the election to the hand-over.
func (m *Master) serveTerm(t *leadership) error {
	log, detached := m.config.Logger, context.WithoutCancel(t.Active)
	traced, endTrace := m.config.Tracer(t.Active, "term", slog.Int("epoch", int(t.epoch())))
	log.InfoContext(detached, "elected", "epoch", t.epoch(), "session", observe.SessionText(t.Session.ID()))
	m.config.Metrics.Elected(t.epoch())
	r := newReconciler(t, m.env, m.layout, m.policy, &m.broadcaster)
	r.notices, r.memory = &m.notices, m.memory
	m.broadcaster.lead(r.published)
	threads := []zkapi.Source{m.env.Spawn("lease", t.KeepLease), m.env.Spawn("heartbeat", t.Heartbeat)}
	if m.config.OnLead != nil {
		lead := m.env.Spawn("lead", func() { m.config.OnLead(traced, Lead{t, m.layout}) })
		threads = append(threads, lead)
	}
	refused := r.run()
	why := refused
	if why == nil {
		why = errors.New("stepped down")
	}
	if over := t.Session.Cause(); over != nil {
		why = over
	}
	t.Leave(fmt.Errorf("%w: %w", ErrDeposed, why)) // unless there is a cause already
	m.broadcaster.lead(nil)
	r.quarantine.clearMetrics()
	if m.config.OnLead != nil {
		zkapi.Checkpoint(m.env, "hand over", t, refused)
		_, _ = m.env.Wait(t.Holding, threads[len(threads)-1]) // or until the lease is over
	}
	if err := t.Resign(t.Holding); err != nil {
		log.InfoContext(detached, "the hand-over failed", "epoch", t.epoch(), "error", err)
	}
	t.End(ErrDeposed)
	zkapi.Checkpoint(m.env, "end of session", t, refused)
	if err := sessions.Close(detached, t.Session); err != nil { // before anything else is waited for: it holds /master
		log.InfoContext(detached, "the session may last until its timeout", "error", err)
	}
	led, cause := m.env.Now().Sub(t.Began), context.Cause(t.Active)
	endTrace(cause)
	m.config.Metrics.Deposed(t.epoch(), led, cause)
	log.InfoContext(detached, "deposed", "epoch", t.epoch(), "led", led, "cause", cause)
	for _, thread := range threads {
		zkapi.Checkpoint(m.env, "end of term", t, refused)
		if _, err := m.env.Wait(detached, thread); err != nil {
			return err
		}
	}
	return errors.Join(refused, cause)
}

// Snapshot returns the view at the end of the last pass of the loop, or false if this master
// does not lead. Its parts are consistent. At the beginning of a term it is not complete.
func (m *Master) Snapshot() (Snapshot, bool) {
	m.broadcaster.mu.Lock()
	now := m.broadcaster.current
	m.broadcaster.mu.Unlock()
	if now == nil || now.term.Active.Err() != nil {
		return Snapshot{}, false
	}
	now.mu.Lock()
	defer now.mu.Unlock()
	s := Snapshot{Epoch: now.term.epoch(), Quarantined: slices.Clone(now.quarantined)}
	for _, w := range slices.Sorted(maps.Keys(now.workers)) {
		s.Workers = append(s.Workers, now.worker(w))
	}
	for _, t := range slices.Sorted(maps.Keys(now.tasks)) {
		s.Tasks = append(s.Tasks, now.tasks[t])
	}
	return s, true
}
