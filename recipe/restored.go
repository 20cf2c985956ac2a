package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrWentBack means that the epoch in the tree is lower than an epoch seen before: the
// ensemble was wiped, replaced, or restored from a backup.
var ErrWentBack = errors.New("the tree has gone back in time")

const (
	// maxEpoch is above every epoch that is believed. It leaves half of the versions
	// to ZooKeeper's counter.
	maxEpoch = 1 << 30
	// maxLift bounds how far a worker's claim may raise the epoch: more than all elections of
	// years, and few enough writes for a minute.
	maxLift = 1 << 20
	// liftedBeyond is how far a process raises the epoch above the highest one seen after the
	// tree has gone back, because it may have missed elections.
	liftedBeyond = 1000
	// liftedAtOnce is how many steps one multi lifts the epoch.
	liftedAtOnce = 200
)

// memory is the highest epoch that a process has seen in its namespace. It outlives sessions:
// after the tree has gone back in time, only the memories of processes still know the epochs
// that were used.
type memory struct {
	mu      sync.Mutex
	epoch   int32
	by      string // the role that has seen it
	lost    bool   // the tree has gone back, and shows no higher epoch yet
	times   int    // how often the tree has gone back, according to sessions
	atLeast int32  // as the operator has it (MasterConfig.EpochAtLeast)
}

// saw notes an epoch. It ignores numbers that cannot be an epoch, such as the version of a
// znode that another program uses as a counter.
func (m *memory) saw(epoch int32, by string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch > m.epoch && epoch < maxEpoch {
		m.epoch, m.by, m.lost = epoch, by, false
	}
}

// highest returns the highest epoch seen, and the role that saw it.
func (m *memory) highest() (int32, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.by
}

// floor returns the version that /assign must have before an election; known is the epoch
// that was known before /assign was read.
func (m *memory) floor(known int32) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	floor := known
	if m.lost && m.epoch > 0 {
		floor = m.epoch + liftedBeyond
	}
	return max(floor, m.atLeast-1)
}

// markLost notes that the tree has gone back. From then on an epoch is new only if it is above
// those seen, because the same number may have been used before.
func (m *memory) markLost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
}

// behind compares the epoch in the tree with the highest epoch that was known before the
// read. If the tree is behind, the error is ErrWentBack. An epoch that another session saw
// later does not count, because its server may have been ahead. news says that this was not
// known before. A negative version is no epoch: ZooKeeper's counter has passed 2^31-1.
func (m *memory) behind(shown, known int32) (err error, news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shown < 0 || m.epoch == 0 || m.lost && shown > m.epoch || !m.lost && shown >= known {
		return nil, false
	}
	news = !m.lost
	m.lost = true
	return fmt.Errorf("%w: the tree shows epoch %d, but %s has seen epoch %d", ErrWentBack, shown, m.by, m.epoch), news
}

// compare reads the version of /assign, notes it, and reports a tree that has gone back. It
// returns the version, and the highest epoch that was known before; a tree without /assign
// has 0.
//
// The roles of one process have sessions on different servers. The server of one role may not
// know yet, until a sync, what another role has seen. Then the tree has not gone back.
func (m *memory) compare(ctx context.Context, session fence.Session, l layout, obs Observers, role string) (shown, known int32, err error) {
	known, _ = m.highest()
	found, err := fence.Look(ctx, session, fence.Exists(l.assign()))
	if err == nil && found.Stat.Version < known {
		if _, err = session.Do(ctx, fence.Sync(l.assign())); err == nil {
			found, err = fence.Look(ctx, session, fence.Exists(l.assign()))
		}
	}
	if err != nil {
		return 0, known, err
	}
	shown = found.Stat.Version
	if err, news := m.behind(shown, known); news {
		obs.wentBack(ctx, role, err)
	}
	m.saw(shown, "this process")
	return shown, known, nil
}

// heard is the highest epoch that an incarnation of a worker has heard of, and since when
// in the tree's own order: an assignment that was made later, under a lower epoch, shows
// that the tree has gone back.
type heard struct {
	epoch int32
	czxid int64 // of an assignment that was made under it; 0: it was known before the claim was taken
}

// saw notes an assignment that was made under an epoch.
func (h *heard) saw(epoch int32, czxid int64) {
	if epoch > h.epoch || epoch == h.epoch && czxid < h.czxid {
		h.epoch, h.czxid = epoch, czxid
	}
}

// plausible reports whether the epoch in an assignment is possible. An assignment made by hand
// may name any epoch: after a false high one, every later assignment would seem to come from
// a tree that has gone back.
func (h *heard) plausible(epoch int32) bool {
	return epoch < maxEpoch && epoch-h.epoch <= maxLift
}

// contradicts reports whether no master of this tree can have made such an assignment.
func (h *heard) contradicts(epoch int32, czxid int64) bool {
	return epoch > 0 && epoch < h.epoch && czxid > h.czxid
}

// liftRecord is the data of a znode that a process lifts.
func liftRecord(holder string, to int32) []byte {
	return encode(struct {
		Holder string `json:"holder"`
		Lifts  int32  `json:"lifts_to"`
	}{holder, to})
}

// lift raises the version of a znode by writing it again and again, many times in
// one write. Each write is fenced by the version before it, so that many processes
// may lift at the same time. Repeating it is harmless.
func lift(ctx context.Context, session fence.Session, path string, data []byte, from, to int32) (int32, error) {
	for from < to {
		n := min(int(to-from), liftedAtOnce)
		if err := session.Lift(ctx, path, data, from, n); err != nil {
			return from, err
		}
		from += int32(n)
	}
	return from, nil
}

// lift raises the epoch above all epochs seen, even if a master leads. A master with a lower
// epoch is then fenced, and the next election gets a higher one. lift returns a lower bound
// of the version of /assign.
func (c candidate) lift(ctx context.Context) (floor int32, err error) {
	shown, known, err := c.memory.compare(ctx, c.session, c.layout, c.obs, "master")
	floor = c.memory.floor(known)
	if err == nil && shown >= 0 && shown < floor {
		c.obs.Logger.WarnContext(ctx, "the epoch is raised", "from", shown, "to", floor)
		_, err = lift(ctx, c.session, c.layout.assign(), liftRecord(c.name, floor), shown, floor)
	}
	return floor, err
}

// noteEpochSeen takes over the epoch that a worker has seen. If it is above this term's epoch,
// the term ends before this pass assigns anything, and the next election gets a higher epoch.
func (r *reconciler) noteEpochSeen(w string, record claimRecord, stat zkapi.Stat) error {
	epoch := r.term.epoch()
	switch {
	case record.EpochSeen == 0 || record.EpochSeen < epoch:
		return nil
	case record.EpochSeen-epoch > maxLift || record.EpochSeen >= maxEpoch:
		r.notices.report(r.term.Active, r.term.obs.Logger, Problem{
			Path:   r.layout.inbox(w),
			What:   fmt.Sprintf("says that its worker has seen epoch %d. That is too far above epoch %d to be true, so it is ignored", record.EpochSeen, epoch),
			Remedy: fmt.Sprintf("get %s; if the worker really saw that epoch, start a master with --epoch-at-least %d", r.layout.inbox(w), record.EpochSeen),
		}, stat)
		return nil
	}
	r.memory.saw(record.EpochSeen, "worker "+w)
	err, _ := r.memory.behind(epoch, record.EpochSeen)
	if err == nil { // the worker has seen that very epoch in another history
		r.memory.markLost()
		err, _ = r.memory.behind(epoch, record.EpochSeen)
	}
	r.term.obs.wentBack(r.term.Active, "master", err)
	r.term.Leave(fmt.Errorf("%w: %w", ErrDeposed, err))
	return err
}

// outdate holds an assignment without executing it, because its epoch is lower than an epoch
// that this worker has seen: its token may have been used before. The claim record then has
// the epoch that was seen, so that the master raises its own. After that the assignment can
// be given back.
func (i *incarnation) outdate(e *execution) {
	seen, by := i.worker.memory.highest()
	i.worker.config.Metrics.WentBack("worker")
	i.worker.log.ErrorContext(i.ctx, "a task is not executed, because the tree has gone back in time",
		"task", e.task.Name, "token", e.task.Token, "epoch seen", seen, "by", by)
	i.enter(e, stageOutdated)
	i.outdated = append(i.outdated, e)
}

// returnOutdated writes the epoch that was seen for the master, and gives outdated
// assignments back when the epoch has been raised above it.
func (i *incarnation) returnOutdated() error {
	if len(i.outdated) == 0 {
		return nil
	}
	seen, _ := i.worker.memory.highest()
	if i.declared < seen {
		if err := i.renew(claimRecord{EpochSeen: seen, Retiring: i.retired}); err != nil {
			return err
		}
		i.declared = seen
	}
	found, err := fence.Look(i.req, i.Session, fence.Exists(i.worker.layout.assign()))
	if err != nil || found.Stat.Version <= seen {
		return err
	}
	for _, e := range i.outdated {
		if !i.at(e, stageSettled) {
			e.noRecord = true // nothing was executed: the attempt is still to come
			i.finish(e, nil, ErrWentBack)
		}
	}
	i.outdated = nil
	return nil
}

// wentBack reports a tree that has gone back.
func (o Observers) wentBack(ctx context.Context, role string, err error) {
	o.Metrics.WentBack(role)
	o.Logger.ErrorContext(ctx, "the ensemble was wiped, replaced or restored", "error", err)
}
