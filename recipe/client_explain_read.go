package recipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	explainedAtOnce  = 100  // reads in flight: each may bring a payload
	explainedWaiting = 1000 // waiting tasks that are compared, those that were submitted first
)

// errNotShown is why the options of a task are not known that the server does not show.
var errNotShown = errors.New("not shown")

// readEach reads znodes, and calls take for those that are shown.
func (e *explainer) readEach(ctx context.Context, ops []zkapi.Op, take func(i int, found zkapi.Result)) error {
	at := 0
	for some := range slices.Chunk(ops, explainedAtOnce) {
		for i, reply := range e.session.DoAll(ctx, some) {
			there, err := e.shown(some[i].Path, reply.Err)
			if err != nil {
				return err
			}
			if there {
				take(at+i, reply.Result)
			}
		}
		at += len(some)
	}
	return nil
}

// readClaims takes over the workers, and what is assigned to them.
func (e *explainer) readClaims(ctx context.Context) (err error) {
	if e.format, err = e.layout.readFormat(ctx, fence.Of(e.session)); err != nil {
		return err
	}
	rows, err := e.readWorkers(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		e.claims[row.name] = row
		worker := e.view.Worker(row.name)
		worker.Listed, worker.Alive = row.here.Czxid != 0, row.here.Alive()
		worker.Known = row.inbox.Czxid != 0
		takeClaim(e.view, row.name, row.record, row.inbox, e.format)
		worker.Quarantined = e.Leader.Exists() && e.quarantined(workerSubject, row.name) != nil
		for _, t := range row.tasks {
			e.view.AddAssignment(row.name, t)
			e.holders[t] = row.name
		}
	}
	return nil
}

// quarantined is what the master says about a subject that it leaves alone, or nil.
func (e *explainer) quarantined(kind, name string) *Quarantined {
	at := slices.IndexFunc(e.Quarantined, func(q Quarantined) bool { return q.Kind == kind && q.Name == brief(name) })
	if at < 0 {
		return nil
	}
	return &e.Quarantined[at]
}

// treeTask is a task that has not ended, as the tree has it.
type treeTask struct {
	name    string
	czxid   int64
	below   below
	options Options
	unread  error         // why the options cannot be read
	last    attemptRecord // the last one on record
}

// readTasks takes over the assigned tasks, the one that is explained, and those that wait.
func (e *explainer) readTasks(ctx context.Context, name string) error {
	names := []string{name}
	for t := range e.holders {
		names = append(names, t)
	}
	slices.Sort(names)
	if err := e.take(ctx, e.fitting(e.layout.task, slices.Compact(names)), 0); err != nil {
		return err
	}
	listed, err := e.list(ctx, e.layout.tasks())
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(listed, func(t string) bool { return t == name || e.holders[t] != "" })
	if err := e.take(ctx, e.fitting(e.layout.task, others), explainedWaiting); err != nil {
		return err
	}
	if err := e.readAssignments(ctx); err != nil {
		return err
	}
	asked, err := e.find(ctx, e.layout.request(name))
	if err != nil || !asked.Found {
		return err
	}
	e.removal = true
	if task := e.view.Find(name); task != nil && task.Phase == decide.Finished {
		task.Leftover = &decide.Leftover{}
		e.view.Ask(name, decide.AnyLife)
	}
	return nil
}

// take takes over tasks. If there is a bound, it takes only so many of the unfinished ones, as
// they were submitted, and none of the others.
func (e *explainer) take(ctx context.Context, names []string, most int) error {
	var ops []zkapi.Op
	for _, t := range names {
		ops = append(ops, zkapi.Exists(e.layout.task(t)))
	}
	var tasks []*treeTask
	var parents []*treeTask
	err := e.readEach(ctx, ops, func(i int, seen zkapi.Result) {
		if !seen.Found || seen.Stat.Owner() != zkapi.OwnerNone {
			return
		}
		t := &treeTask{name: names[i], czxid: seen.Stat.Czxid, unread: errNotShown}
		tasks = append(tasks, t)
		if seen.Stat.NumChildren > 0 {
			parents = append(parents, t)
		}
	})
	if err != nil {
		return err
	}
	ops = ops[:0]
	for _, t := range parents {
		ops = append(ops, zkapi.Children(e.layout.task(t.name)))
	}
	if err := e.readEach(ctx, ops, func(i int, seen zkapi.Result) { parents[i].below = taskChildren(seen.Children) }); err != nil {
		return err
	}
	if most > 0 {
		tasks = slices.DeleteFunc(tasks, func(t *treeTask) bool { return t.below.finished })
		slices.SortFunc(tasks, func(a, b *treeTask) int { return cmp.Compare(a.czxid, b.czxid) })
		tasks = tasks[:min(len(tasks), most)]
	}
	return e.takeData(ctx, tasks)
}

// takeData reads the options of tasks, and how their last attempts ended.
func (e *explainer) takeData(ctx context.Context, tasks []*treeTask) error {
	var ops []zkapi.Op
	var then []func(found zkapi.Result)
	for _, t := range tasks {
		ops = append(ops, zkapi.Get(e.layout.task(t.name)))
		then = append(then, func(found zkapi.Result) { t.options, _, t.unread = decodeTask(found.Data) })
		if n := t.below.attempts; n > 0 && !t.below.finished {
			ops = append(ops, zkapi.Get(e.layout.attempt(t.name, n)))
			then = append(then, func(found zkapi.Result) { _ = json.Unmarshal(found.Data, &t.last) }) // one made by hand says little
		}
	}
	if err := e.readEach(ctx, ops, func(i int, found zkapi.Result) { then[i](found) }); err != nil {
		return err
	}
	for _, t := range tasks {
		e.takeOver(t)
	}
	return nil
}

// takeOver takes one task into the view, unless masters leave it alone.
func (e *explainer) takeOver(t *treeTask) {
	impossible := t.unread != nil || t.below.attempts >= maxAttempt-1
	if impossible && !t.below.finished || e.Leader.Exists() && e.quarantined(taskSubject, t.name) != nil {
		return
	}
	e.view.SetOptions(t.name, t.options, t.czxid)
	task := e.view.Task(t.name)
	task.Worker = e.holders[t.name]
	seen := t.last.Ended
	if seen.IsZero() || seen.After(e.now) {
		seen = e.now
	}
	takeChildren(e.view, t.name, t.below, e.limits, seen)
	task.Watched.At = e.now // since when there is no progress, only the master knows
	if abandons(t.last.Reason) && t.options.Resident || decide.Avoids(t.last.Reason, t.options.Resident) {
		task.AvoidWorker(t.last.Worker)
	}
}

// readAssignments finds out which workers were asked to give tasks back.
func (e *explainer) readAssignments(ctx context.Context) error {
	var ops []zkapi.Op
	var tasks []string
	for _, t := range slices.Sorted(maps.Keys(e.holders)) {
		tasks, ops = append(tasks, t), append(ops, zkapi.Get(e.layout.assignment(e.holders[t], t)))
	}
	return e.readEach(ctx, ops, func(i int, found zkapi.Result) {
		var record assignmentRecord
		_ = json.Unmarshal(found.Data, &record) // one made by hand says nothing
		t := tasks[i]
		e.revoked[t] = record.Revoked || record.Taken
		if task := e.view.Find(t); task != nil && task.Phase == decide.Assigned {
			task.Revoked = record.Revoked
		}
		if record.Taken {
			e.view.Worker(e.holders[t]).Taken[t] = e.now
		}
	})
}

// decide lets a master decide by the view.
func (e *explainer) decide(name string) {
	if task := e.view.Find(name); task != nil {
		for _, a := range e.task.History { // all of them are known of this one
			if decide.Avoids(a.Reason, task.Options.Resident) {
				task.AvoidWorker(a.Worker)
			}
		}
	}
	e.waiting = e.view.Pending(math.MaxInt)
	e.look = decide.Explain(e.view, e.limits, e.now)
}

// latestAttempt is the last attempt on record of the task that is explained.
func (e *explainer) latestAttempt() Attempt {
	if n := len(e.task.History); n > 0 {
		return e.task.History[n-1]
	}
	return Attempt{}
}

// backsOff reports whether the task waits for its back-off, and not for the time that it was
// submitted for.
func (e *explainer) backsOff(until time.Time) bool { return until.After(e.task.Options.NotBefore) }
