package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file decides what a master reads again when a multi was refused because the tree is not
// as the view says. It is what was in that multi: the answer says that nothing of it was
// applied, and all other multis have their own answers. The server has seen the reason before
// it answers, so no sync is needed.

// errOutdated ends a pass in which a multi was refused for that reason. The next pass reads the
// tasks and workers of that multi.
var errOutdated = errors.New("the tree has changed")

// outdatedInARow is after how many such passes in a row everything is read again, because the
// reason may be where the master does not look.
const outdatedInARow = 3

// ofTheTree are the refusals that say how the tree differs from the view.
var ofTheTree = []error{zkapi.ErrNoNode, zkapi.ErrNodeExists, zkapi.ErrBadVersion, zkapi.ErrNotEmpty, zkapi.ErrEphemeral}

// differs reports whether a multi was refused because of the tree, and returns the operation
// that does not fit.
func differs(err error, ops []zkapi.Op) (zkapi.Op, bool) {
	at := zkapi.FailedIndex(err)
	if zkapi.FateOf(err) != zkapi.NotApplied || at < 0 || at >= len(ops) {
		return zkapi.Op{}, false
	}
	return ops[at], slices.ContainsFunc(ofTheTree, func(one error) bool { return errors.Is(err, one) })
}

// follows reports whether the session tells of each task and each worker that comes or goes. If it
// does not, a refusal makes the master read everything, because its lists may be as old as the
// task that was refused.
func (r *reconciler) follows() bool {
	return r.lists[r.layout.tasks()] != nil && r.lists[r.layout.workers()] != nil
}

// lookAgain makes the next pass read what was in a multi that was refused, and returns the error
// of the pass. Any other error is returned as it is.
func (r *reconciler) lookAgain(err error, ops []zkapi.Op, part []decide.Transition) error {
	op, differ := differs(err, ops)
	if !differ || r.outdated >= outdatedInARow || !r.follows() {
		return err
	}
	for _, d := range part {
		r.invalidateTask(d.Task)
		for _, w := range d.Workers() {
			r.stale[w] = true
		}
	}
	if rest, ok := strings.CutPrefix(op.Path, r.layout.assign()+"/"); ok {
		w, _, _ := strings.Cut(rest, "/")
		delete(r.lists, r.layout.inbox(w)) // the session should have told of that
	}
	switch s, _ := r.layout.subjectOf(op, err); s.kind {
	case workerSubject:
		delete(r.listWatch, r.layout.workers())
	case requestSubject:
		r.view.DropRequest(s.name) // a deleted request may have come again
		r.requested, r.cancelWatch = false, nil
	}
	return fmt.Errorf("%w: %w", errOutdated, err)
}

// invalidateTask makes the next pass read a task again, unless it is finished: then it cannot
// change, except for what is below it.
func (r *reconciler) invalidateTask(t string) {
	task := r.view.Find(t)
	if task == nil {
		return
	}
	if task.Phase != decide.Finished {
		r.view.SetPhase(t, decide.Unread, r.now()) // nothing is decided about it before it is read
		r.view.MarkDirty(t)
		task.Token = Token{}
	}
	task.Leftover = nil
}
