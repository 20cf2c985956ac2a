package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
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
	lease        term.Lease

	held        map[string]*execution // by task; changed by hold and forget
	passAgain   bool                  // the inbox may hold new assignments under the names of held ones
	own         zkapi.Source          // watch on /workers/<w>
	ownVersion  int32                 // version of /workers/<w>, which a master sets to be heard
	notified    bool                  // /workers/<w> was set: the master may want an assignment back
	inbox       zkapi.Source          // watch on /assign/<w>
	cursor      int64                 // of its list; 0 if the session does not follow it
	arrived     []string              // assignments that are to be read, and are not held
	changed     []string              // those that are held, and are to be read again
	unsynced    int                   // resyncs that were left out
	hidden      bool                  // an assignment that may have changed could not be read
	names       map[string]bool       // of the last whole list with which the held ones were compared
	cversion    int32                 // of /assign/<w> in that list
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

	mu        sync.Mutex // guards the claim, too
	renewing  bool       // the claim is about to have another version
	finished  []*execution
	running   map[assignmentKey]*execution // whose handlers have not returned
	startable map[string]*execution        // those of held that wait for a handler, or begin again
	telling   map[string]*execution        // those of held that may have progress to publish
}

// newIncarnation begins with a claim that was taken by a write that was sent then.
func newIncarnation(ctx context.Context, w *Worker, c claim, sent time.Duration) *incarnation {
	i := &incarnation{
		claim: c, worker: w, env: w.env, firstVersion: c.Version, lease: term.NewLease(w.env, c.Session, sent),
		declared: w.declares, heard: &heard{epoch: w.known}, held: map[string]*execution{},
		running: map[assignmentKey]*execution{}, startable: map[string]*execution{}, telling: map[string]*execution{}, ended: w.env.Signal(), reported: w.env.Signal(), begun: w.env.Signal(), relied: w.env.Signal(),
	}
	i.quarantine, i.bounds = newQuarantine(w.env, w.config.Observers), newBounds(c.Session)
	i.ctx, i.lose = context.WithCancelCause(ctx)
	i.req = i.ctx
	return i
}

// run works until the claim is lost, or until a retiring worker holds nothing more: the error
// is then errEnough. It returns a refusal that concerns the worker's own znodes if that lasts
// for a session's timeout, because another worker may be allowed to do the work.
func (i *incarnation) run() error {
	var refused time.Time // since when
	again := retry.New(i.env, i.worker.config.Observers.shared(), "step of the worker")
	i.change = -1
	i.resyncTimer = i.env.Timer(resyncInterval)
	for i.ctx.Err() == nil {
		now, _, reconnected := i.Session.Connection()
		i.refresh(now)
		wake, err := i.pass()
		if !zkapi.Refused(err) {
			refused = time.Time{}
		}
		switch {
		case errors.Is(err, sessions.ErrStop):
			return err
		case zkapi.Refused(err) && refused.IsZero():
			refused = i.env.Now()
			i.relist()
		case zkapi.Refused(err) && i.env.Now().Sub(refused) > i.Session.Timeout():
			return err
		case errors.Is(err, ErrFenced):
			i.fenced(err)
			continue
		case err == nil && i.passAgain:
			i.passAgain, i.inbox = false, nil
			err = errInboxChanged
		case err == nil:
			again.Worked(i.ctx)
			zkapi.Checkpoint(i.env, "work", i)
			if _, err := i.env.Wait(i.ctx, i.sources(reconnected, wake)...); err != nil {
				return nil
			}
			continue
		default:
			i.relist()
		}
		if again.Wait(i.ctx, i.Session, err) != nil {
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
	if !i.follows() {
		for _, t := range slices.Sorted(maps.Keys(i.held)) {
			if watch := i.held[t].watch; watch != nil {
				sources = append(sources, watch)
			}
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
	if i.retired && !i.holds() && len(i.arrived) == 0 {
		return time.Time{}, sessions.ErrStop
	}
	if err := i.start(); err != nil {
		return time.Time{}, err
	}
	wake, err = i.publish()
	if next := i.quarantine.next(); !next.IsZero() && (wake.IsZero() || next.Before(wake)) {
		wake = next
	}
	if i.unread() {
		wake = i.env.Now()
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
	seen, err := fence.Look(i.req, i.Session, fence.Exists(i.worker.layout.worker(i.worker.config.Name)).Watched())
	if err != nil && !zkapi.Permanent(err) {
		return err
	}
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != i.Session.ID() {
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
	record := i.worker.layout.newClaimRecord(i.env, i.Session, i.worker.config.Name)
	record.Retiring, record.EpochSeen = says.Retiring, says.EpochSeen
	version := i.Version
	i.renews(true, version)
	result, err := i.write(i.req, zkapi.Set(i.Path, encode(record), version))
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		version = result.Results[0].Stat.Version
	case zkapi.Unknown:
		var known int32
		if known, err = claims.Resolve(i.req, i.env, i.Session, i.worker.config.Observers.shared(), i.Path, record.Nonce, err); err == nil {
			version = known
		}
	}
	i.renews(false, version)
	return err
}

// tryAgain tries the quarantined executions again whose pause is over.
func (i *incarnation) tryAgain() error {
	for _, s := range i.quarantine.due() {
		if e := i.held[s.name]; e != nil && i.at(e, stageBlocked) {
			i.forget(e)
			if i.follows() {
				i.arrived = append(i.arrived, s.name)
			} else {
				i.inbox = nil
			}
		}
	}
	return nil
}
