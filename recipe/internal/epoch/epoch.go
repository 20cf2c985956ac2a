// Package epoch remembers the epochs of an election beyond the life of sessions. An epoch is
// the version of a znode, so it would come again when the ensemble is wiped, replaced or
// restored from a backup. A process that has seen it raises the version above it then.
package epoch

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrWentBack means that the epoch in the tree is lower than an epoch seen before: the
// ensemble was wiped, replaced, or restored from a backup.
var ErrWentBack = errors.New("the tree has gone back in time")

const (
	// Max is above every epoch that is believed. It leaves half of the versions to
	// ZooKeeper's counter.
	Max = 1 << 30
	// MaxLift bounds how far a claim of another process may raise the epoch: more than all
	// elections of years, and few enough writes for a minute.
	MaxLift = 1 << 20
	// liftedBeyond is how far a process raises the epoch above the highest one seen after the
	// tree has gone back, because it may have missed elections.
	liftedBeyond = 1000
)

// Memory is the highest epoch that a process has seen of one election. It outlives sessions:
// after the tree has gone back in time, only the memories of processes still know the epochs
// that were used. The zero value has seen none.
type Memory struct {
	mu      sync.Mutex
	epoch   int32
	by      string // the role that has seen it
	lost    bool   // the tree has gone back, and shows no higher epoch yet
	times   int    // how often the tree has gone back, according to sessions
	atLeast int32  // as the operator has it
}

// AtLeast is a memory in which no epoch below that one is new.
func AtLeast(epoch int32) *Memory { return &Memory{atLeast: epoch} }

// Saw notes an epoch. It ignores numbers that cannot be an epoch, such as the version of a
// znode that another program uses as a counter.
func (m *Memory) Saw(epoch int32, by string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch > m.epoch && epoch < Max {
		m.epoch, m.by, m.lost = epoch, by, false
	}
}

// Highest returns the highest epoch seen, and the role that saw it.
func (m *Memory) Highest() (int32, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.by
}

// Floor returns the version that the epoch's znode must have before an election; known is the
// epoch that was known before the znode was read.
func (m *Memory) Floor(known int32) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	floor := known
	if m.lost && m.epoch > 0 {
		floor = m.epoch + liftedBeyond
	}
	return max(floor, m.atLeast-1)
}

// MarkLost notes that the tree has gone back. From then on an epoch is new only if it is above
// those seen, because the same number may have been used before.
func (m *Memory) MarkLost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
}

// Behind compares the epoch in the tree with the highest epoch that was known before the
// read. If the tree is behind, the error is ErrWentBack. An epoch that another session saw
// later does not count, because its server may have been ahead. news says that this was not
// known before. A negative version is no epoch: ZooKeeper's counter has passed 2^31-1.
func (m *Memory) Behind(shown, known int32) (err error, news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shown < 0 || m.epoch == 0 || m.lost && shown > m.epoch || !m.lost && shown >= known {
		return nil, false
	}
	news = !m.lost
	m.lost = true
	return fmt.Errorf("%w: the tree shows epoch %d, but %s has seen epoch %d", ErrWentBack, shown, m.by, m.epoch), news
}

// Compare reads the version of the epoch's znode, notes it, and reports a tree that has gone
// back. It returns the version, and the highest epoch that was known before; a tree without
// the znode has 0.
//
// The roles of one process have sessions on different servers. The server of one role may not
// know yet, until a sync, what another role has seen. Then the tree has not gone back.
func (m *Memory) Compare(ctx context.Context, session fence.Session, path string, obs observe.Observer, role string) (shown, known int32, err error) {
	known, _ = m.Highest()
	found, err := fence.Look(ctx, session, fence.Exists(path))
	if err == nil && found.Stat.Version < known {
		if _, err = session.Do(ctx, fence.Sync(path)); err == nil {
			found, err = fence.Look(ctx, session, fence.Exists(path))
		}
	}
	if err != nil {
		return 0, known, err
	}
	shown = found.Stat.Version
	if err, news := m.Behind(shown, known); news {
		Tell(ctx, obs, role, err)
	}
	m.Saw(shown, "this process")
	return shown, known, nil
}

// Opened asks a new session whether the tree has gone back since earlier sessions.
func (m *Memory) Opened(ctx context.Context, session zkapi.Session, obs observe.Observer, role string) {
	times, last := zkapi.WentBack(session)
	m.mu.Lock()
	news := times > m.times
	m.times = times
	m.lost = m.lost || news
	m.mu.Unlock()
	if news {
		Tell(ctx, obs, role, fmt.Errorf("%w: %w", ErrWentBack, last))
	}
}

// Tell reports a tree that has gone back.
func Tell(ctx context.Context, obs observe.Observer, role string, err error) {
	obs.Metrics.WentBack(role)
	obs.Logger.ErrorContext(ctx, "the ensemble was wiped, replaced or restored", "error", err)
}
