package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// incarnation is one registration of a worker: one session, one claim. It is the
// only thing that can write as the worker.
type incarnation struct {
	claim
	worker       *Worker
	env          zkapi.Env
	ctx          context.Context
	lose         context.CancelCauseFunc
	req          context.Context // of the requests of the loop; letGo has one of its own
	firstVersion int32           // version of the claim when it registered
	lease        lease

	held        map[string]*execution // by task
	passAgain   bool                  // the inbox may hold new assignments under the names of held ones
	own         zkapi.Source          // watch on /workers/<w>
	ownVersion  int32                 // version of /workers/<w>, which a master sets to be heard
	notified    bool                  // /workers/<w> was set: the master may want an assignment back
	inbox       zkapi.Source          // watch on /assign/<w>
	listed      int                   // children of /assign/<w> when it was listed
	cversion    int32                 // and its cversion
	change      int                   // of the connection, as last seen
	resyncTimer zkapi.Source          // fires when the next resync is due
	heard       *heard
	outdated    []*execution // assigned under a lower epoch than was heard of
	declared    int32        // the epoch that the claim says was seen
	retired     bool         // the master knows that the worker takes no more
	leaving     bool         // it keeps its tasks only until they are given back
	ended       zkapi.Signal // raised when finished has grown
	reported    zkapi.Signal // raised when a handler has reported progress
	begun       zkapi.Signal // raised when running has changed, for keepClaim
	relied      zkapi.Signal // raised when running has changed, for heartbeat

	quarantine *quarantine // executions that the server refuses to begin or to end
	bounds     bounds      // of one multi, as the server takes it

	mu       sync.Mutex // guards the claim, too
	renewing bool       // the claim is about to have another version
	finished []*execution
	running  []*execution // whose handlers have not returned
}

// newIncarnation begins with a claim that was taken by a write that was sent then.
func newIncarnation(ctx context.Context, w *Worker, c claim, sent time.Duration) *incarnation {
	i := &incarnation{
		claim: c, worker: w, env: w.env, firstVersion: c.version, lease: newLease(w.env, c.session, sent),
		declared: w.declares, heard: &heard{epoch: w.known}, held: map[string]*execution{}, ended: w.env.Signal(), reported: w.env.Signal(), begun: w.env.Signal(), relied: w.env.Signal(),
	}
	i.quarantine, i.bounds = newQuarantine(w.env, w.config.Observers), newBounds(c.session)
	i.ctx, i.lose = context.WithCancelCause(ctx)
	i.req = i.ctx
	return i
}

// run works until the claim is lost, or until a retiring worker holds nothing more: the error
// is then errEnough. It returns a refusal that concerns the worker's own znodes if that lasts
// for a session's timeout, because another worker may be allowed to do the work.
func (i *incarnation) run() error {
	var refused time.Time // since when
	again := newRetry(i.env, i.worker.config.Observers, "step of the worker")
	i.change = -1
	i.resyncTimer = i.env.Timer(resyncInterval)
	for i.ctx.Err() == nil {
		now, _, reconnected := i.session.Connection()
		if now != i.change || fired(i.inbox) || i.resyncTimer.Fired() {
			if now != i.change {
				i.own = nil // its watch may have been lost with the connection
			}
			if now != i.change || i.resyncTimer.Fired() {
				i.rewatch()
			}
			i.change, i.inbox, i.resyncTimer = now, nil, i.env.Timer(resyncInterval)
		}
		wake, err := i.pass()
		if !zkapi.Refused(err) {
			refused = time.Time{}
		}
		switch {
		case errors.Is(err, errStop):
			return err
		case zkapi.Refused(err) && refused.IsZero():
			refused, i.inbox = i.env.Now(), nil
		case zkapi.Refused(err) && i.env.Now().Sub(refused) > i.session.Timeout():
			return err
		case errors.Is(err, ErrFenced):
			i.fenced(err)
			continue
		case err == nil && i.passAgain:
			i.passAgain, i.inbox = false, nil
			err = errInboxChanged
		case err == nil:
			again.worked(i.ctx)
			zkapi.Checkpoint(i.env, "work", i)
			if _, err := i.env.Wait(i.ctx, i.sources(reconnected, wake)...); err != nil {
				return nil
			}
			continue
		default:
			i.inbox = nil
		}
		if again.wait(i.ctx, i.session, err) != nil {
			return nil
		}
	}
	return nil
}

// errInboxChanged is why a pass follows that looks at the inbox once more.
var errInboxChanged = errors.New("an assignment was replaced by a later one of the same task")

// sources returns the events after which a pass has something to do.
func (i *incarnation) sources(reconnected zkapi.Source, wake time.Time) []zkapi.Source {
	sources := []zkapi.Source{i.ended, i.worker.freed, i.inbox, i.own, reconnected, i.resyncTimer, i.reported, i.worker.retire}
	for _, t := range slices.Sorted(maps.Keys(i.held)) {
		if watch := i.held[t].watch; watch != nil {
			sources = append(sources, watch)
		}
	}
	if !wake.IsZero() {
		sources = append(sources, i.env.Timer(max(wake.Sub(i.env.Now()), 0)))
	}
	return sources
}

// pass does all pending work, and returns when to look again without an event.
func (i *incarnation) pass() (wake time.Time, err error) {
	steps := []func() error{i.tryAgain, i.confirm, i.retire, i.readInbox, i.readTaken, i.returnOutdated, i.commit}
	for n, step := range steps {
		zkapi.Checkpoint(i.env, "pass", n, i)
		if err := step(); err != nil {
			return time.Time{}, err
		}
	}
	if i.passAgain {
		return time.Time{}, nil
	}
	if i.retired && !i.holds() {
		return time.Time{}, errStop
	}
	if err := i.start(); err != nil {
		return time.Time{}, err
	}
	wake, err = i.publish()
	if next := i.quarantine.next(); !next.IsZero() && (wake.IsZero() || next.Before(wake)) {
		wake = next
	}
	return wake, err
}

// holds reports whether there is something that the worker has begun, or can begin.
func (i *incarnation) holds() bool {
	for _, e := range i.held {
		if !i.at(e, stageBlocked) {
			return true
		}
	}
	return false
}

// confirm checks that /workers/<w> still belongs to this session. If it was deleted by hand,
// no master would assign anything.
func (i *incarnation) confirm() error {
	if fresh(i.own) {
		return nil
	}
	seen, err := exists(i.req, i.session, fence.Exists(i.worker.layout.worker(i.worker.config.Name)).Watched())
	if err != nil && !zkapi.Permanent(err) {
		return err
	}
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != i.session.ID() {
		return fmt.Errorf("%w: the worker's znode does not exist, or belongs to another session", ErrFenced)
	}
	i.own = seen.Watch
	if seen.Stat.Version != i.ownVersion {
		i.ownVersion, i.notified = seen.Stat.Version, true
	}
	return nil
}

func fired(watch zkapi.Source) bool { return watch != nil && watch.Fired() }

// retire tells the master, once, that this worker takes no more tasks: it renews the claim
// with a record that says so. From then on an assignment that was decided before is refused,
// because the claim's version has changed, and resident tasks are given back.
func (i *incarnation) retire() error {
	if i.retired || !i.leaving && !i.worker.isRetiring() {
		return nil
	}
	if err := i.renew(claimRecord{Retiring: true, EpochSeen: i.declared}); err != nil {
		return err
	}
	i.retired = true
	i.inbox = nil
	for _, t := range slices.Sorted(maps.Keys(i.held)) {
		if e := i.held[t]; e.task.Options.Resident {
			i.recall(e, ErrRevoked)
		}
	}
	return nil
}

// renew writes the claim again, with a new record.
func (i *incarnation) renew(says claimRecord) error {
	record := i.worker.layout.newClaimRecord(i.env, i.session, i.worker.config.Name)
	record.Retiring, record.EpochSeen = says.Retiring, says.EpochSeen
	version := i.version
	i.renews(true, version)
	result, err := i.write(i.req, zkapi.Set(i.path, encode(record), version))
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		version = result.Results[0].Stat.Version
	case zkapi.Unknown:
		var known int32
		if known, err = resolveClaim(i.req, i.env, i.session, i.worker.config.Observers, i.path, record.Nonce, err); err == nil {
			version = known
		}
	}
	i.renews(false, version)
	return err
}

// readInbox reads the assignments: it adds the new ones, and stops the executions whose
// assignments were taken away.
func (i *incarnation) readInbox() error {
	if i.inbox != nil {
		return nil
	}
	l, name := i.worker.layout, i.worker.config.Name
	listed, err := i.session.Do(i.req, fence.Children(l.inbox(name)).Watched())
	if err != nil {
		return err
	}
	if listed.Stat.Version != i.version {
		return fmt.Errorf("%w: incarnation %d was followed by incarnation %d", ErrFenced, i.version, listed.Stat.Version)
	}
	var fresh []string
	var ops []fence.Read
	present := map[string]bool{}
	for _, t := range listed.Children {
		present[t] = true
		if i.held[t] == nil {
			fresh = append(fresh, t)
			ops = append(ops, fence.Get(l.assignment(name, t)), fence.Get(l.task(t)))
		}
	}
	for _, t := range slices.Sorted(maps.Keys(i.held)) {
		if !present[t] {
			i.drop(t)
		}
	}
	if err := i.verify(listed, len(fresh)); err != nil {
		return err
	}
	if i.passAgain {
		return nil // a held one was another by now: look again
	}
	replies := i.session.DoAll(i.req, ops)
	for _, t := range i.quarantine.names(executionSubject) {
		if !present[t] {
			i.quarantine.gone(i.req, subject{executionSubject, t})
		}
	}
	for n, t := range fresh {
		if err := i.found(t, replies[2*n], replies[2*n+1]); err != nil {
			return err
		}
	}
	for _, t := range fresh {
		if e := i.held[t]; e != nil && i.heard.plausible(e.task.Token.Epoch) {
			i.worker.memory.saw(e.task.Token.Epoch, "this process")
			i.heard.saw(e.task.Token.Epoch, e.stat.Czxid)
		}
	}
	i.inbox = listed.Watch
	return nil
}

// found takes over a new assignment from the inbox, with its task.
func (i *incarnation) found(t string, assignment, task zkapi.Reply) error {
	err := errors.Join(assignment.Err, task.Err)
	switch {
	case errors.Is(assignment.Err, zkapi.ErrNoNode):
		return nil // taken away
	case assignment.Err == nil && errors.Is(task.Err, zkapi.ErrNoNode):
		i.orphan(t, assignment.Result)
		return nil
	case err == nil && assignment.Stat.Owner() != zkapi.OwnerNone:
		err = &problemError{i.worker.layout.assignmentProblem(i.worker.config.Name, t, assignment.Stat)}
		i.block(t, assignment.Result, err)
		return nil
	case err == nil && task.Stat.Owner() != zkapi.OwnerNone: // its status could not be created, and it is no task
		i.block(t, assignment.Result, &problemError{i.worker.layout.taskProblem(t, task.Stat)})
		return nil
	case err == nil:
		err = i.accept(t, assignment.Result, task.Data)
	}
	if zkapi.Refused(err) || zkapi.TooLarge(err) { // or its name is too long for a request
		i.block(t, assignment.Result, err)
		return nil
	}
	if err == nil {
		i.quarantine.worked(i.req, subject{executionSubject, t}, true)
	}
	return err
}

// drop stops an execution whose assignment was taken away. Its end is not recorded: the
// attempt is settled, and a later attempt of the same task may be assigned to this worker.
func (i *incarnation) drop(t string) {
	i.enter(i.held[t], stageSettled)
	i.held[t].cancel(ErrAssignmentLost)
	delete(i.held, t)
	i.quarantine.gone(i.req, subject{executionSubject, t})
}

// verify checks that the held assignments are still the same znodes. It compares the inbox's
// count of changes with the changes that it sees: if there were more, an assignment may have
// been deleted and made again under the same name.
func (i *incarnation) verify(listed zkapi.Result, fresh int) error {
	grown, count := int(listed.Stat.Cversion-i.cversion), len(listed.Children)
	seen := fresh + (i.listed + fresh - count) // that came, and that went
	first := i.cversion == 0
	i.cversion, i.listed = listed.Stat.Cversion, count
	if first || grown == seen || len(i.held) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(i.held))
	ops := make([]fence.Read, len(names))
	for n, t := range names {
		ops[n] = fence.Exists(i.worker.layout.assignment(i.worker.config.Name, t))
	}
	for n, reply := range i.session.DoAll(i.req, ops) {
		if zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err) {
			continue // a hidden znode is taken to be unchanged
		}
		if reply.Err != nil {
			i.cversion = 0
			return reply.Err
		}
		if !reply.Found || reply.Stat.Czxid != i.held[names[n]].stat.Czxid {
			i.drop(names[n])
			i.passAgain = true
		}
	}
	return nil
}

// accept adds an assignment. If it was made for an earlier incarnation, it is given back at
// once, because that incarnation may still execute it under the same token. If it was made
// for a later incarnation, it was read after the claim was lost. If the claim was not lost,
// the assignment is from another tree or made by hand, and is given back. An assignment
// without a record is the next attempt.
//
// If a master of this recipe made it under a lower epoch than an earlier assignment, the tree
// has gone back in time.
func (i *incarnation) accept(t string, assignment zkapi.Result, data []byte) error {
	record := assignmentRecord{Incarnation: i.version}
	unread := json.Unmarshal(assignment.Data, &record)
	i.doubtRecord(t, assignment, record)
	if unread != nil || !canBeAttempt(record.Attempt) {
		listed, err := i.session.Do(i.req, fence.Children(i.worker.layout.task(t)))
		if err != nil {
			return err
		}
		record = assignmentRecord{Token: Token{Attempt: taskChildren(listed.Children).attempts + 1}, Incarnation: i.version}
	}
	e := &execution{stat: assignment.Stat, accepted: i.env.Now(), cancel: func(error) {}}
	e.task = Task{Name: t, Token: record.Token, progress: func(p []byte) { i.report(e, p) }}
	var bad error
	e.task.Options, e.task.Payload, bad = decodeTask(data)
	if record.Incarnation > i.version {
		claimed, err := exists(i.req, i.session, fence.Exists(i.path))
		if err == nil && claimed.Stat.Version != i.version {
			err = fmt.Errorf("%w: incarnation %d was followed by incarnation %d", ErrFenced, i.version, record.Incarnation)
		}
		if err != nil {
			return err
		}
		i.reportAssignment(t, assignment, fmt.Sprintf("names incarnation %d, but the worker has had %d", record.Incarnation, i.version))
	}
	i.held[t] = e
	switch {
	case record.Taken:
		i.giveUp(e, record)
	case record.Incarnation < i.firstVersion:
		i.recall(e, errRestarted)
	case record.Incarnation > i.version:
		i.recall(e, errForeign)
	case i.heard.contradicts(record.Epoch, assignment.Stat.Czxid):
		i.outdate(e)
	case e.task.Options.Resident && (record.Revoked || i.retired):
		i.recall(e, ErrRevoked)
	case bad != nil:
		i.block(t, assignment, &problemError{i.worker.layout.optionsProblem(t, bad)})
	}
	return nil
}

// doubtRecord reports an assignment whose record no master can have made. An assignment
// without a record is made by hand, and is the next attempt.
func (i *incarnation) doubtRecord(t string, assignment zkapi.Result, record assignmentRecord) {
	var what string
	switch err := decodeRecord(assignment.Data, new(assignmentRecord)); {
	case err != nil:
		what = fmt.Sprintf("has a record that cannot be read (%s)", clip(oneLine(err)))
	case len(assignment.Data) == 0 || record == assignmentRecord{Incarnation: i.version}:
		return
	case record.Attempt < 0 || record.Attempt >= maxAttempt:
		what = fmt.Sprintf("names attempt %d", record.Attempt)
	case record.Epoch < 0:
		what = fmt.Sprintf("names epoch %d", record.Epoch)
	case !i.heard.plausible(record.Epoch):
		found, err := exists(i.req, i.session, fence.Exists(i.worker.layout.assign()))
		if err != nil || found.Stat.Version >= record.Epoch {
			return
		}
		what = fmt.Sprintf("names epoch %d, and there have been %d", record.Epoch, found.Stat.Version)
	default:
		return
	}
	i.reportAssignment(t, assignment, what)
}

func (i *incarnation) reportAssignment(t string, assignment zkapi.Result, what string) {
	i.worker.notices.report(i.req, i.worker.log, i.worker.layout.assignmentRecordProblem(i.worker.config.Name, t, what), assignment.Stat)
}

// errForeign is the reason to give back an assignment of an incarnation that this worker
// never had.
var errForeign = errors.New("assigned to an incarnation that the worker has not had")

// errRestarted is the reason to give back an assignment of an earlier incarnation of this
// worker. If that incarnation was leaving in good order, and was killed before it had
// finished, the attempt ends because its worker left.
var errRestarted = errors.New("worker was restarted")

// block holds an assignment if the worker may not read it or its task, so that it is not read
// again and again. It is tried again later.
func (i *incarnation) block(t string, assignment zkapi.Result, err error) {
	i.quarantine.add(i.req, subject{executionSubject, t}, err, true)
	i.held[t] = &execution{task: Task{Name: t}, stat: assignment.Stat, stage: stageBlocked, cancel: func(error) {}}
}

// orphan gives back an assignment whose task was deleted by hand. Otherwise the master would
// have to take the claim for it, with all other tasks.
func (i *incarnation) orphan(t string, assignment zkapi.Result) {
	e := &execution{task: Task{Name: t}, stat: assignment.Stat, accepted: i.env.Now(), noRecord: true, cancel: func(error) {}}
	i.held[t] = e
	i.finish(e, nil, ErrNoTask)
}

// tryAgain tries the quarantined executions again whose pause is over.
func (i *incarnation) tryAgain() error {
	for _, s := range i.quarantine.due() {
		if e := i.held[s.name]; e != nil && i.at(e, stageBlocked) {
			delete(i.held, s.name)
			i.inbox = nil
		}
	}
	return nil
}

// rewatch makes readTaken read all assignments of resident tasks again.
func (i *incarnation) rewatch() {
	for _, e := range i.held {
		e.watch = nil
	}
}
