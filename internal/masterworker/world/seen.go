package world

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Expected lists the events that must happen somewhere in a world of this Config; without
// them the exploration proves little.
func (c Config) Expected() []string {
	names := []string{"an election"}
	add := func(when bool, name string) {
		if when {
			names = append(names, name)
		}
	}
	add(c.Tasks > 0, "an assignment")
	add(c.Tasks > c.Residents, "a task that is done")
	b := c.Bounds
	ends := b.Expiries + b.Cuts + b.Stops
	add(ends > 0 || b.Crashes > 0 && c.crash(c.Masters) != explore.Spared, "a failover")
	add((ends > 0 || b.Crashes > 0 && c.crash(c.Workers) != explore.Spared) && c.Workers > 1 && c.Attempts > 1, "a reassignment")
	add(b.Losses > 0, "an ambiguous create that was resolved")
	add(b.Leaves > 0, "a hand-over")
	add(b.Leaves > 0 && c.Workers > 0, "a worker that retires")
	add(c.Residents > 1 && c.Workers > 1, "a resident task that is called back")
	add(c.Residents > 1 && c.Workers > 1, "a resident task that has moved")
	add(c.Retention > 0 && time.Duration(b.Sweeps)*explore.SweepTime >= c.Retention, "a task whose retention is over")
	add(c.Concurrency > 0 && c.Tasks-c.Residents > c.Concurrency, "a worker that holds more than it may run")
	add(c.Failures > 0 && c.Attempts > 1, "an attempt that ended without a result")
	add(c.Failures >= c.Attempts, "a task that is failed")
	add(c.Cancel, "a task that is cancelled")
	add(c.Cancel && c.Residents == 0, "a task that a worker is told to give back")
	inParts := c.Parts && c.Failures > 0 && (c.Collect || c.Resubmit)
	add(c.Cancel && c.Resubmit || inParts, "a task that a client has had removed")
	add(c.Resubmit, "a task that is submitted again and done")
	add(inParts, "a part of what is below a finished task that is removed")
	add(c.Prune, "a worker that is pruned")
	add(c.Prune, "a worker that begins above the pruned ones")
	add(c.Follow && c.Tasks > 0, explore.SeenDifferences)
	add(c.Follow && b.Losses > 0, explore.SeenWholeAgain)
	add(c.Follow && b.Expiries > 0 && c.Workers > 0, readsAgain)
	add(c.Library == explore.Replacing && b.Expiries > 0 && c.Masters > 1, "a stale master that was fenced")
	if c.Failures >= c.Attempts && c.Tasks == 1 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "a task that is done" })
	}
	return names
}

// Seen implements explore.Judge.
func (j judge) Seen(w explore.Write) []string {
	if w.Err != nil {
		return j.refused(w)
	}
	before, after := look(w.Before), look(w.After)
	var names []string
	note := func(happened bool, name string) {
		if happened {
			names = append(names, name)
		}
	}
	note(after.epoch == 1 && before.epoch == 0, "an election")
	note(after.epoch > 1 && after.epoch > before.epoch, "a failover")
	note(before.master != 0 && after.master == 0 && w.Op.Kind == zkapi.KindMulti, "a hand-over")
	for worker := range before.inbox {
		_, stays := after.inbox[worker]
		note(!stays, "a worker that is pruned")
	}
	for worker, is := range after.inbox {
		note(is.version == before.inbox[worker].version+2 && w.Op.Kind == zkapi.KindMulti, "a worker that begins above the pruned ones")
		note(is.Retiring && !before.inbox[worker].Retiring, "a worker that retires")
		note(j.config.Concurrency > 0 && j.held(after, worker) > j.config.Concurrency, "a worker that holds more than it may run")
	}
	for name, is := range after.tasks {
		was := before.tasks[name]
		if was == nil {
			was = &task{}
		}
		note(len(is.assigned) > 0 && len(was.assigned) == 0, "an assignment")
		note(j.resident(name) && len(is.assigned) > 0 && len(was.assigned) == 0 && is.moved(), "a resident task that has moved")
		note(len(is.assigned) > 0 && len(was.assigned) > 0 && !maps.Equal(is.assigned, was.assigned), "a reassignment")
		note(len(is.attempts) > len(was.attempts) && len(is.assigned) == 0 && is.status == nil, "an attempt that ended without a result")
		note(is.status != nil && was.status == nil, "a task that is "+statusOf(is))
		note(is.status != nil && was.status == nil && strings.HasSuffix(is.payload, again), "a task that is submitted again and "+statusOf(is))
	}
	for name, was := range before.tasks {
		gone := after.tasks[name] == nil || !after.tasks[name].exists
		asked := worlds.Has(w.Op, zkapi.KindDelete, "/collect/")
		note(was.exists && gone && strings.HasPrefix(w.Process, "master") && !asked, "a task whose retention is over")
		note(was.exists && gone && asked, "a task that a client has had removed")
		note(!gone && len(was.removed(after.tasks[name])) > 0, "a part of what is below a finished task that is removed")
	}
	note(slices.ContainsFunc(w.Op.Ops, revokes), "a resident task that is called back")
	note(slices.ContainsFunc(w.Op.Ops, takes), "a task that a worker is told to give back")
	return names
}

// revokes and takes report whether a part of a write marks an assignment so.
func revokes(op zkapi.Op) bool { return says(op, `"revoked":true`) }

func takes(op zkapi.Op) bool { return says(op, `"taken":true`) }

func says(op zkapi.Op, what string) bool {
	return op.Kind == zkapi.KindSet && strings.HasPrefix(op.Path, "/assign/") && strings.Count(op.Path, "/") == 3 && strings.Contains(string(op.Data), what)
}

// held counts the ordinary tasks that a worker holds.
func (j judge) held(p picture, worker string) int {
	n := 0
	for name, t := range p.tasks {
		if _, held := t.assigned[worker]; held && !j.resident(name) {
			n++
		}
	}
	return n
}

// moved reports whether a task is assigned to a worker after another has had it.
func (t *task) moved() bool {
	for worker := range t.assigned {
		for _, r := range t.attempts {
			if r.Worker != worker {
				return true
			}
		}
	}
	return false
}

func statusOf(t *task) string {
	if t.status == nil {
		return ""
	}
	return t.status.State
}

// readsAgain is a multi that begins with the check of a master's claim and is refused because of
// another operation. A master whose session follows the lists reads what was in it, and goes on.
const readsAgain = "a refusal after which a master reads again"

// refused names the required events among refusals.
func (j judge) refused(w explore.Write) []string {
	fenced := zkapi.FailedIndex(w.Err) == 0 && errors.Is(w.Err, zkapi.ErrBadVersion) && len(w.Op.Ops) > 0 && w.Op.Ops[0].Kind == zkapi.KindCheck
	switch {
	case fenced && w.Op.Ops[0].Path == "/assign":
		return []string{"a stale master that was fenced"}
	case fenced:
		return []string{"a stale worker that was fenced"}
	case j.config.Follow && strings.HasPrefix(w.Process, "master") && zkapi.FailedIndex(w.Err) > 0:
		return []string{readsAgain}
	case w.Op.Kind == zkapi.KindCreate && errors.Is(w.Err, zkapi.ErrNodeExists):
		return []string{"an ambiguous create that was resolved"}
	}
	return nil
}
