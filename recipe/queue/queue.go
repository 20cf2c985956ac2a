package queue

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// role is the name of a Queue in the log and in measurements.
const role = "queue"

// Queue puts items into one queue and takes them, for one process. All its calls share one session:
// it is opened when it is needed and replaced when it ends. The methods may be called concurrently.
type Queue struct {
	paths
	path   string
	env    zkapi.Env
	obs    observe.Observer
	config Config
	shared *sessions.Shared
	tokens tokens.Memory
	turn   turn // whose Take reads the lists
	view   *view

	mu     sync.Mutex
	lanes  *once.Lanes              // of the present session
	tenure *tenure                  // of the items that are held; nil for none
	odd    map[string]time.Duration // entries that cannot be taken, and until when they are skipped
}

// New checks config. It does not connect. The path need not exist.
func New(env zkapi.Env, path string, config Config) (*Queue, error) {
	if sessions.NoEnv(env) {
		return nil, invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	if err := config.check(path); err != nil {
		return nil, err
	}
	q := &Queue{paths: pathsOf(path, config), path: path, env: env, obs: observe.To(config.Logger), config: config, odd: map[string]time.Duration{}}
	if config.Name != "" {
		q.obs.Logger = q.obs.Logger.With("process", config.Name)
	}
	q.shared = sessions.NewShared(env, q.obs, role, sessions.Hooks{Opened: q.opened})
	return q, nil
}

// opened hears of each new session.
func (q *Queue) opened(ctx context.Context, session zkapi.Session) {
	if last := q.tokens.Opened(zkapi.WentBack(session)); last != nil {
		q.obs.Logger.ErrorContext(ctx, "the ensemble was wiped, replaced or restored", "error", last)
	}
}

// Path is the path of the queue.
func (q *Queue) Path() string { return q.path }

// Close ends the session, and with it the claims of all items that are held: their contexts end, and
// other consumers can take them. Calls that wait return ErrClosed. A nil error means that the ensemble
// has confirmed the end. Otherwise the claims may stay until the session's timeout.
func (q *Queue) Close(ctx context.Context) error {
	if q == nil || q.env == nil {
		return errZero
	}
	return q.shared.Close(ctx, ErrClosed)
}

// life is the context of writes whose outcome matters although their caller waits no longer.
func (q *Queue) life() context.Context { return q.shared.Life() }

// writer returns the lanes of the present session. No other file of this package has the session
// itself.
func (q *Queue) writer(ctx context.Context) (*once.Lanes, error) {
	zkapi.Checkpoint(q.env, "connect", ctx)
	session, err := q.shared.Connected(ctx)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := fence.Of(session); q.lanes == nil || q.lanes.Session != now || q.lanes.Over() {
		q.lanes = once.New(q.life(), q.env, q.obs, now, once.Place{Folder: q.paths.lanes, ACL: q.config.ACL, Data: []byte(q.config.Name), Prepare: q.prepare})
	}
	return q.lanes, nil
}

// skip notes an entry that cannot be taken, and reports it once.
func (q *Queue) skip(name, why string) { q.skipFor(math.MaxInt64, name, why) }

// skipForNow is skip for a reason that a person can cure while this process runs: the entry is looked
// at again after a while.
func (q *Queue) skipForNow(name, why string) { q.skipFor(resyncInterval, name, why) }

func (q *Queue) skipFor(d time.Duration, name, why string) {
	until := q.env.Elapsed() + min(d, math.MaxInt64-q.env.Elapsed())
	q.mu.Lock()
	_, known := q.odd[name]
	if len(q.odd) >= mostOdd {
		maps.DeleteFunc(q.odd, func(name string, _ time.Duration) bool {
			return !q.view.entries.names[name] && !q.view.delayed.names[name]
		})
	}
	q.odd[name] = until
	q.mu.Unlock()
	if !known {
		q.obs.Logger.Warn("an item is skipped", "item", name, "because", why)
	}
}

func (q *Queue) isOdd(name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	until, known := q.odd[name]
	return known && q.env.Elapsed() < until
}

// mostOdd is how many entries that cannot be taken a Queue remembers before it forgets those that
// are gone.
const mostOdd = 1000
