package recipe

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// subject is the thing that a refusal concerns, and that is quarantined because of it.
type subject struct{ kind, name string }

// The kinds of subjects.
const (
	taskSubject     = "task"
	workerSubject   = "worker"
	progressSubject = "progress" // of a task
	noticeSubject   = "notice"   // a notice of the master or of clients, by its path
	requestSubject  = "request"  // of a client to remove a task

	executionSubject = "execution" // of a task by this worker: its beginning or its end
)

func (s subject) compare(other subject) int {
	return cmp.Or(cmp.Compare(s.kind, other.kind), cmp.Compare(s.name, other.name))
}

// Quarantined is a subject that a master or a worker leaves alone for a while, because the
// server refuses requests for it, or because its znodes cannot be read as what they should be.
// Everything else goes on.
type Quarantined struct {
	Kind    string    // task, worker, progress, request (to remove a task) or notice
	Name    string    // of the task or the worker, or the path of the notice
	Reason  string    // the server's, with the operation
	Since   time.Time // of the first refusal
	Retry   time.Time // when it is tried again; zero while that is pointless
	Refused int       // times, one after the other
}

// Pauses of a quarantine.
const (
	firstQuarantine = time.Second
	mostQuarantine  = time.Minute
)

// quarantine is the set of subjects that one process leaves alone. Each subject is tried
// again after growing pauses. The log says when a quarantine begins and when it ends. Only
// one thread uses the set.
type quarantine struct {
	env     zkapi.Env
	obs     Observers
	entries map[subject]*quarantined
	strikes map[subject]int // failures in a row that were no refusals
	changed bool            // since it was last listed
}

type quarantined struct {
	reason  string
	reading bool // the refused request was a read
	since   time.Time
	until   time.Time // zero: there is no point in trying again
	refused int
	trial   bool   // it is being tried again
	inbox   string // of a task: the worker that it was seen assigned to

	byStatus bool // of a task: because of its status, which does not stay
	asked    bool // of a task: a client wants it to be removed
}

func newQuarantine(env zkapi.Env, obs Observers) *quarantine {
	return &quarantine{env: env, obs: obs, entries: map[subject]*quarantined{}, strikes: map[subject]int{}}
}

// add leaves s alone until a while has passed, longer each time.
func (q *quarantine) add(ctx context.Context, s subject, err error, reading bool) *quarantined {
	e := q.entries[s]
	if e == nil {
		e = &quarantined{since: q.env.Now()}
		q.entries[s] = e
		q.obs.Logger.WarnContext(ctx, s.kind+" is quarantined: the server refuses it, and it is tried again later", s.kind, brief(s.name), "error", observe.Clip(err.Error()))
	}
	delete(q.strikes, s)
	e.refused++
	e.reason, e.reading, e.trial = observe.Clip(err.Error()), reading, false
	e.until = q.env.Now().Add(zkapi.Pause(q.env, firstQuarantine, mostQuarantine, e.refused))
	q.count(s.kind)
	return e
}

// exclude leaves s alone until its znode is gone: nothing else can cure it.
func (q *quarantine) exclude(ctx context.Context, s subject, err error) {
	if !q.holds(s) {
		q.add(ctx, s, err, false).until = time.Time{}
	}
}

// strikesAllowed is how often a write for one subject may fail one after the other
// without a refusal.
const strikesAllowed = 5

// strike notes such a failure. It reports whether that was one too many.
func (q *quarantine) strike(s subject) bool {
	q.strikes[s]++
	return q.strikes[s] > strikesAllowed
}

// holds reports whether s is quarantined now.
func (q *quarantine) holds(s subject) bool {
	e := q.entries[s]
	return e != nil && !e.trial
}

// knows reports whether s was refused, and has not worked since.
func (q *quarantine) knows(s subject) bool { return q.entries[s] != nil }

// inboxOf returns the worker whose inbox has a task that is quarantined or is tried again.
func (q *quarantine) inboxOf(task string) string {
	if e := q.entries[subject{taskSubject, task}]; e != nil {
		return e.inbox
	}
	return ""
}

// left notes which tasks are in the inbox of a worker, and no others.
func (q *quarantine) left(worker string, tasks []string) {
	for s, e := range q.entries {
		if e.inbox == worker && !slices.Contains(tasks, s.name) {
			e.inbox = ""
		}
	}
}

// holdsTask is holds for a task.
func (q *quarantine) holdsTask(task string) bool { return q.holds(subject{taskSubject, task}) }

// worked notes that a read, or a write, for s was carried out. That ends a quarantine
// that a refusal of the same kind began; a write ends every one.
func (q *quarantine) worked(ctx context.Context, s subject, reading bool) {
	if !reading {
		delete(q.strikes, s)
	}
	if e := q.entries[s]; e != nil && e.trial && (e.reading || !reading) {
		q.end(ctx, s, "it works again")
	}
}

// gone notes that the znode of s does not exist: a later znode of the same name is a new one.
func (q *quarantine) gone(ctx context.Context, s subject) {
	delete(q.strikes, s)
	if q.entries[s] != nil {
		q.end(ctx, s, "its znode is gone")
	}
}

func (q *quarantine) end(ctx context.Context, s subject, why string) {
	e := q.entries[s]
	delete(q.entries, s)
	q.obs.Logger.InfoContext(ctx, s.kind+" leaves the quarantine: "+why,
		s.kind, brief(s.name), "after", q.env.Now().Sub(e.since), "refused", e.refused, "error", e.reason)
	q.count(s.kind)
}

// due lists the subjects to try again now, and releases them.
func (q *quarantine) due() []subject {
	if len(q.entries) == 0 {
		return nil
	}
	now := q.env.Now()
	var due []subject
	for s, e := range q.entries {
		if !e.trial && !e.until.IsZero() && !e.until.After(now) {
			due = append(due, s)
		}
	}
	slices.SortFunc(due, subject.compare)
	for _, s := range due {
		q.entries[s].trial = true
		q.count(s.kind)
	}
	return due
}

// next is when something is due; zero for never.
func (q *quarantine) next() (next time.Time) {
	for _, e := range q.entries {
		if !e.trial && !e.until.IsZero() && (next.IsZero() || e.until.Before(next)) {
			next = e.until
		}
	}
	return next
}

// retry releases s at once, because the next request for it is a different one.
func (q *quarantine) retry(s subject) {
	if q.holds(s) {
		q.entries[s].trial = true
		q.count(s.kind)
	}
}

// retryAll makes everything of a kind due: it may be another by now.
func (q *quarantine) retryAll(kind string) {
	for s, e := range q.entries {
		if s.kind == kind && !e.trial && !e.until.IsZero() {
			e.until = q.env.Now()
		}
	}
}

// clearMetrics sets the counts to zero, because the owner of the quarantine has stopped.
func (q *quarantine) clearMetrics() {
	for s := range q.entries {
		q.obs.Metrics.Quarantined(s.kind, 0)
	}
}

func (q *quarantine) count(kind string) {
	q.changed = true
	n := 0
	for s, e := range q.entries {
		if s.kind == kind && !e.trial {
			n++
		}
	}
	q.obs.Metrics.Quarantined(kind, n)
}

// names lists the subjects of a kind that have an entry, on trial or not.
func (q *quarantine) names(kind string) []string {
	var names []string
	for s := range q.entries {
		if s.kind == kind {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}

// list returns the quarantined subjects, by kind and name.
func (q *quarantine) list() []Quarantined {
	var all []Quarantined
	for _, s := range slices.SortedFunc(maps.Keys(q.entries), subject.compare) {
		e := q.entries[s]
		if e.trial {
			continue
		}
		all = append(all, Quarantined{Kind: s.kind, Name: s.name, Reason: e.reason, Since: e.since, Retry: e.until, Refused: e.refused})
	}
	return all
}

// brief is a name as it is logged: one made by hand may be very long.
func brief(name string) string {
	const most = 128
	if len(name) <= most {
		return name
	}
	return fmt.Sprintf("%s... (%d bytes)", name[:most], len(name))
}
