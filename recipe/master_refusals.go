package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file decides what a refusal ends. Run ends only if the refusal concerns the parents or
// the master's own claim, because every master needs those. If it concerns one task, one
// worker or one notice, that subject is quarantined (master_quarantine.go), and the rest goes
// on. The table of all reads and writes is in master_refusals_test.go.

var (
	// errQuarantined ends a pass that has quarantined something: another one follows at once.
	errQuarantined = errors.New("a znode was quarantined: the pass starts again without it")
	// errRefusing ends a pass in which the server carried out nothing, for reasons that may
	// pass.
	errRefusing = errors.New("the server refuses writes for now")
)

// quarantinesInARow is how many passes in a row may follow at once because something was
// quarantined.
const quarantinesInARow = 100

// bounds limits one multi.
type bounds struct {
	ops, bytes int
	most       int // that bytes may come back to
}

// shrinkFrom is the size in bytes from which on a lost multi is made smaller when it is
// tried again: no server's jute.maxbuffer is less.
const shrinkFrom = 64 << 10

// newBounds leaves room for the check of the claim.
func newBounds(session fence.Session) bounds {
	const claim = 4 << 10
	most := min(maxMultiBytes, session.MaxRequest()-claim)
	return bounds{ops: maxMultiOps, bytes: most, most: most}
}

// lost makes the next multi half as large, after a multi was lost, or was refused without
// naming an operation.
func (b *bounds) lost(ops []zkapi.Op, err error) {
	size := sizeOf(ops)
	switch {
	case zkapi.TooLarge(err):
		b.most = max(min(b.most, size/2), 1)
		b.bytes = b.most
	case zkapi.Refused(err):
		b.ops = max(min(b.ops, len(ops))/2, 1)
	case size > shrinkFrom:
		b.bytes = min(b.bytes, size/2)
	}
}

// fitted lets the next multi be larger again.
func (b *bounds) fitted() { b.ops, b.bytes = maxMultiOps, min(2*b.bytes, b.most) }

// narrow reports whether a multi was lost lately that may have been too large. Then one multi
// is sent at a time, because a lost one takes others with it.
func (b *bounds) narrow() bool { return b.bytes < b.most }

func sizeOf(ops []zkapi.Op) int {
	size := 0
	for _, op := range ops {
		size += op.Size()
	}
	return size
}

// subjectOf returns the subject of a refused operation. For a create or a delete the server
// checks the permissions of the parent, and for all else those of the znode itself; other
// refusals concern the path.
func (l layout) subjectOf(op zkapi.Op, err error) (subject, bool) {
	if w, ok := strings.CutPrefix(op.Path, l.workers()+"/"); ok {
		return subject{workerSubject, w}, true
	}
	if rest, ok := strings.CutPrefix(op.Path, l.assign()+"/"); ok {
		w, t, assignment := strings.Cut(rest, "/")
		ofParent := op.Kind == zkapi.KindCreate || op.Kind == zkapi.KindDelete
		if !assignment || ofParent && zkapi.Refused(err) {
			return subject{workerSubject, w}, true
		}
		return subject{taskSubject, t}, true
	}
	if rest, ok := strings.CutPrefix(op.Path, l.tasks()+"/"); ok {
		t, _, _ := strings.Cut(rest, "/")
		return subject{taskSubject, t}, true
	}
	if t, ok := strings.CutPrefix(op.Path, l.requests()+"/"); ok {
		return subject{requestSubject, t}, true
	}
	return subject{}, false
}

// subjectOfTransition returns the subject of a transition that is too large by itself, or
// whose refusal names no operation.
func subjectOfTransition(d decide.Transition) subject {
	longest := ""
	for _, w := range d.Workers() {
		if len(w) > len(longest) {
			longest = w
		}
	}
	if len(longest) > len(d.Task) {
		return subject{workerSubject, longest}
	}
	return subject{writeTable[d.Action].subject, d.Task}
}

// blame is the presumed reason of a failed multi.
type blame uint8

const (
	blameNothing blame = iota // the error stands as it is
	blameSize                 // it may have been too large, and may have been applied
	blameParts                // one of several decisions, or all of them together: they are tried again in smaller parts
	blameFailure              // the subject, for which it failed without a refusal: not at the first time
	blameSubject              // the subject, for whose sake it was refused
)

// blamed returns the presumed reason why a multi of these decisions failed, and its subject,
// if there is one.
func (l layout) blamed(err error, ops []zkapi.Op, part []decide.Transition) (subject, blame) {
	at, refused := zkapi.FailedIndex(err), zkapi.Refused(err)
	divisible := len(part) == 1 && writeTable[part[0].Action].divides && divides(ops)
	switch {
	case at >= 0 && at < len(ops):
		s, ok := l.subjectOf(ops[at], err)
		switch {
		case !ok || !refused && s.kind == workerSubject:
			return subject{}, blameNothing
		case !refused:
			return s, blameFailure
		}
		return s, blameSubject
	case errors.Is(err, zkapi.ErrProbablyTooLarge) && divisible:
		return subject{}, blameSize
	case (refused || zkapi.TooLarge(err)) && len(part) == 1 && !(zkapi.TooLarge(err) && divisible):
		return subjectOfTransition(part[0]), blameSubject
	case refused || errors.Is(err, zkapi.ErrTooLarge):
		return subject{}, blameParts
	}
	return subject{}, blameSize
}

// handleRefusal handles the error of one multi, and returns the error of the pass. It
// quarantines the task or the worker that caused the refusal or the repeated failures,
// because a multi has many tasks, and one of them must not stop all others.
func (r *reconciler) handleRefusal(err error, ops []zkapi.Op, part []decide.Transition) error {
	s, what := r.layout.blamed(err, ops, part)
	switch what {
	case blameNothing:
		return r.lookAgain(err, ops, part)
	case blameSize:
		r.bounds.lost(ops, err)
		return err
	case blameParts:
		r.bounds.lost(ops, err)
		return errQuarantined
	case blameFailure:
		if !r.quarantine.strike(s) {
			return r.lookAgain(err, ops, part)
		}
	case blameSubject:
	}
	r.quarantineSubject(s, err, false)
	if zkapi.Curable(err) {
		return fmt.Errorf("%w: %w", errRefusing, err)
	}
	return errQuarantined
}

// fitted notes that a multi was carried out.
func (r *reconciler) fitted(ops []zkapi.Op) {
	r.bounds.fitted()
	if len(r.quarantine.entries)+len(r.quarantine.strikes) == 0 {
		return
	}
	for _, op := range ops {
		if s, ok := r.layout.subjectOf(op, nil); ok {
			r.quarantine.worked(r.term.Active, s, false)
		}
		if w, _, ok := strings.Cut(strings.TrimPrefix(op.Path, r.layout.assign()+"/"), "/"); ok {
			r.quarantine.worked(r.term.Active, subject{workerSubject, w}, false)
		}
	}
}

// settled combines the errors of a round of multis: into nil, an error, or an error after which
// not everything is read again. The latter only if no other error was among them.
func settled(errs []error) error {
	var left, outdated, others []error
	applied := false
	for _, err := range errs {
		switch {
		case err == nil:
			applied = true
		case errors.Is(err, errQuarantined) || errors.Is(err, errRefusing):
			left = append(left, err)
		case errors.Is(err, errOutdated):
			outdated = append(outdated, err)
		default:
			others = append(others, err)
		}
	}
	switch refusing := slices.IndexFunc(left, func(err error) bool { return errors.Is(err, errRefusing) }); {
	case len(others) > 0:
		return errors.Join(others...)
	case len(outdated) > 0 && len(left) == 0:
		return errors.Join(outdated...)
	case len(left) == 0:
		return nil
	case refusing >= 0 && !applied:
		return left[refusing]
	}
	return errQuarantined
}

// quarantineSubject leaves a task, a worker or a request alone.
func (r *reconciler) quarantineSubject(s subject, err error, reading bool) {
	switch s.kind {
	case taskSubject:
		r.quarantineTask(s.name, err, reading)
	case workerSubject:
		r.quarantineWorker(s.name, err, reading)
	case requestSubject:
		r.quarantine.add(r.term.Active, s, err, reading)
		r.view.DropRequest(s.name)
	}
}

// quarantineTask leaves a task alone. Its assignment, and the request to remove it, stay as they are.
func (r *reconciler) quarantineTask(t string, err error, reading bool) {
	e := r.quarantine.add(r.term.Active, subject{taskSubject, t}, err, reading)
	e.asked = e.asked || r.view.Wanted(t)
	r.view.DropRequest(t)
	for _, w := range r.view.Holders(t) {
		e.inbox = w
		r.view.DropAssignment(w, t)
	}
	r.view.Forget(t)
}

// quarantineWorker leaves a worker alone: it is given nothing, and nothing is taken from it.
func (r *reconciler) quarantineWorker(w string, err error, reading bool) {
	r.quarantine.add(r.term.Active, subject{workerSubject, w}, err, reading)
	r.view.Worker(w).Quarantined = true
	r.view.TouchWorker(w)
	r.unwatchInbox(w)
}

// unreadable handles a task that does not exist any more, or that the server refuses to show.
func (r *reconciler) unreadable(t string, err error) (gone bool, other error) {
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, zkapi.ErrNoNode) && r.quarantine.inboxOf(t) != "": // its assignment is quarantined
	case errors.Is(err, zkapi.ErrNoNode):
		r.quarantine.gone(r.term.Active, subject{taskSubject, t})
	case zkapi.Refused(err) || zkapi.TooLarge(err): // it is so named in an inbox
		r.quarantineTask(t, err, true)
	default:
		return false, err
	}
	r.view.Forget(t)
	return true, nil
}

// release tries the quarantined subjects again whose pause is over.
func (r *reconciler) release() error {
	for _, s := range r.quarantine.due() {
		switch s.kind {
		case taskSubject:
			if r.quarantine.entries[s].byStatus {
				if still, err := r.statusStillNotPersistent(s.name); still || err != nil {
					if err != nil {
						return err
					}
					continue
				}
			}
			r.view.MarkDirty(s.name)
			if r.quarantine.entries[s].asked {
				r.requested, r.cancelWatch = false, nil
			}
			if w := r.quarantine.entries[s].inbox; w != "" {
				r.stale[w] = true
				delete(r.lists, r.layout.inbox(w))
			}
		case workerSubject:
			w := r.view.Worker(s.name)
			w.Quarantined, w.Claimed = false, false
			r.stale[s.name] = true
			delete(r.lists, r.layout.inbox(s.name))
		case requestSubject:
			r.requested, r.cancelWatch = false, nil
		}
	}
	return nil
}

// recreateParents creates the parents again when one of them is gone, and returns why it was missed.
// With an Access only a master may create them, and this master leads, so no other master
// will.
func (r *reconciler) recreateParents(err error) error {
	if !errors.Is(err, zkapi.ErrNoNode) {
		return err
	}
	report := r.notices.Reporter(r.term.Active, r.term.obs.Logger)
	if made := bootstrap(r.term.Active, r.env, r.term.Session, r.layout, "master", report); made != nil {
		return fmt.Errorf("%w; it cannot be created again: %v", err, made) // another role may make it
	}
	r.term.obs.Logger.WarnContext(r.term.Active, "a parent znode was missing, and was created again", "error", err)
	return err
}

// longestName is the length in bytes of the longest name of a task or a worker: every
// write names it a few times.
func longestName(session fence.Session) int { return session.MaxRequest() / 16 }

func nameTooLong(name string, longest int) error {
	return fmt.Errorf("%w: its name has %d bytes: at most %d are allowed, because every write contains it", zkapi.ErrTooLarge, len(name), longest)
}

// fits excludes a task or a worker whose name is too long for a write.
func (r *reconciler) fits(s subject) bool {
	longest := longestName(r.term.Session)
	if len(s.name) <= longest {
		return true
	}
	r.quarantine.exclude(r.term.Active, s, nameTooLong(s.name, longest))
	return false
}

// vanished forgets the quarantined subjects that are not listed any more.
func (r *reconciler) vanished(kind string, listed func(string) bool) {
	for _, name := range r.quarantine.names(kind) {
		if !listed(name) {
			r.quarantine.gone(r.term.Active, subject{kind, name})
		}
	}
}
