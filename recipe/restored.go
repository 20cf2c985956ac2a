package recipe

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrWentBack means that the epoch in the tree is lower than an epoch seen before: the
// ensemble was wiped, replaced, or restored from a backup.
var ErrWentBack = epoch.ErrWentBack

// heard is the highest epoch that an incarnation of a worker has heard of, and since when
// in the tree's own order: an assignment that was made later, under a lower epoch, shows
// that the tree has gone back.
type heard struct {
	epoch int32
	czxid int64 // of an assignment that was made under it; 0: it was known before the claim was taken
}

// saw notes an assignment that was made under an epoch.
func (h *heard) saw(named int32, czxid int64) {
	if named > h.epoch || named == h.epoch && czxid < h.czxid {
		h.epoch, h.czxid = named, czxid
	}
}

// plausible reports whether the epoch in an assignment is possible. An assignment made by hand
// may name any epoch: after a false high one, every later assignment would seem to come from
// a tree that has gone back.
func (h *heard) plausible(named int32) bool {
	return named < epoch.Max && named-h.epoch <= epoch.MaxLift
}

// contradicts reports whether no master of this tree can have made such an assignment.
func (h *heard) contradicts(named int32, czxid int64) bool {
	return named > 0 && named < h.epoch && czxid > h.czxid
}

// noteEpochSeen takes over the epoch that a worker has seen. If it is above this term's epoch,
// the term ends before this pass assigns anything, and the next election gets a higher epoch.
func (r *reconciler) noteEpochSeen(w string, record claimRecord, stat zkapi.Stat) error {
	now := r.term.epoch()
	switch {
	case record.EpochSeen == 0 || record.EpochSeen < now:
		return nil
	case record.EpochSeen-now > epoch.MaxLift || record.EpochSeen >= epoch.Max:
		r.notices.Report(r.term.Active, r.term.obs.Logger, Problem{
			Path:   r.layout.inbox(w),
			What:   fmt.Sprintf("says that its worker has seen epoch %d. That is too far above epoch %d to be true, so it is ignored", record.EpochSeen, now),
			Remedy: fmt.Sprintf("get %s; if the worker really saw that epoch, start a master with --epoch-at-least %d", r.layout.inbox(w), record.EpochSeen),
		}, stat)
		return nil
	}
	r.memory.Saw(record.EpochSeen, "worker "+w)
	err, _ := r.memory.Behind(now, record.EpochSeen)
	if err == nil { // the worker has seen that very epoch in another history
		r.memory.MarkLost()
		err, _ = r.memory.Behind(now, record.EpochSeen)
	}
	epoch.Tell(r.term.Active, r.term.obs.shared(), "master", err)
	r.term.Leave(fmt.Errorf("%w: %w", ErrDeposed, err))
	return err
}

// outdate holds an assignment without executing it, because its epoch is lower than an epoch
// that this worker has seen: its token may have been used before. The claim record then has
// the epoch that was seen, so that the master raises its own. After that the assignment can
// be given back.
func (i *incarnation) outdate(e *execution) {
	seen, by := i.worker.memory.Highest()
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
	seen, _ := i.worker.memory.Highest()
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
