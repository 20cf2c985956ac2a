package lock

import (
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// liftedBeyond is how far a process raises the version of a path above the greatest token that
	// it has seen after the tree has gone back, because it may have missed grants.
	liftedBeyond = 1000
	// liftedAtOnce is how many steps one multi lifts the version.
	liftedAtOnce = 200
	// mostPaths is for how many paths a process remembers tokens.
	mostPaths = 10_000
)

// tokens are the greatest tokens that a process has seen. They outlive sessions: after the tree
// has gone back in time, only the memories of processes still know the tokens that were used.
type tokens struct {
	mu    sync.Mutex
	of    map[string]int32 // by path
	lost  map[string]bool  // paths whose tree has gone back, and that show no greater token yet
	order []string         // the paths, as they came
	times int              // how often the tree has gone back, according to sessions
}

// opened hears of a new session, and how often the tree has gone back according to it. If that is
// news, it returns last: every token that was seen may be used again.
func (t *tokens) opened(times int, last error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if times <= t.times {
		return nil
	}
	t.times, t.lost = times, map[string]bool{}
	for path := range t.of {
		t.lost[path] = true
	}
	return last
}

// saw notes a token.
func (t *tokens) saw(path string, token int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, known := t.of[path]
	if token <= last && known {
		return
	}
	if !known {
		t.order = append(t.order, path)
		if len(t.order) > mostPaths {
			t.forget(t.order[0])
		}
	}
	t.of[path] = token
	delete(t.lost, path)
}

// forget drops the path that was seen first.
func (t *tokens) forget(path string) {
	t.order = t.order[1:]
	delete(t.of, path)
	delete(t.lost, path)
}

// floor is the version that the path must have before the next grant. behind says that this
// version is less than a token that was seen.
func (t *tokens) floor(path string, version int32) (floor int32, behind bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.of[path]
	if t.lost[path] {
		return known + liftedBeyond, false
	}
	return known, version < known
}

// lose notes that the tree has gone back.
func (t *tokens) lose(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost == nil {
		t.lost = map[string]bool{}
	}
	t.lost[path] = true
}

// aboveAllTokens returns the version of the path for the next grant. If the tree has gone back, it
// raises the version first, so that no token comes again. now is what the path is.
func (c *contender) aboveAllTokens(now zkapi.Result) (int32, error) {
	seen, version := &c.locks.tokens, now.Stat.Version
	floor, behind := seen.floor(c.path, version)
	if behind { // a server that lags shows such a version, too, until a sync
		zkapi.Checkpoint(c.env, "compare tokens", floor)
		if _, err := c.session.Do(c.wanted, fence.Sync(c.path)); err != nil {
			return 0, err
		}
		zkapi.Checkpoint(c.env, "compare tokens after a sync", floor)
		var err error
		if now, err = c.session.Do(c.wanted, fence.Get(c.path)); err != nil {
			return 0, err
		}
		if version = now.Stat.Version; version < floor {
			seen.lose(c.path)
			c.locks.obs.Logger.ErrorContext(c.wanted, "the ensemble was wiped, replaced or restored, or the path was made again",
				"path", c.path, "version", version, "greatest token seen", floor)
			floor, _ = seen.floor(c.path, version)
		}
	}
	if !fence.CanRise(max(version, floor), liftedBeyond) {
		return 0, fmt.Errorf("%w: the version of %s is %d", ErrExhausted, c.path, max(version, floor))
	}
	for version < floor {
		n := min(int(floor-version), liftedAtOnce)
		zkapi.Checkpoint(c.env, "raise the version", version, floor, now.Data)
		if err := c.session.Lift(c.wanted, c.path, now.Data, version, n); err != nil {
			return 0, err
		}
		version += int32(n)
	}
	return version, nil
}
