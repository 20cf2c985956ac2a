package recipe

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// progress is a worker's view of /tasks/<t>/progress.
type progress struct {
	sure    bool // it is there, and this session's
	at      time.Time
	refused bool // the refusal was reported
}

// report implements Task.Progress.
func (i *incarnation) report(e *execution, p []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	e.reported, e.news = p, true
	i.tellLocked(e)
	i.reported.Raise()
}

// waitingProgress is published for a task with Options.HeartbeatTimeout while it waits for a
// free handler.
var waitingProgress = []byte("waiting")

// endedProgress is published for a task with Options.HeartbeatTimeout while the server
// refuses the record of its end. Without it the master would see no progress and ask for the
// task back. The worker could not give it back either, so it would lose its claim with all
// its other tasks.
var endedProgress = []byte("ended")

// publish writes the progress that is due, and says when the next one is. Progress
// that cannot be written is left out: it is a hint.
func (i *incarnation) publish() (next time.Time, err error) {
	now := i.env.Now()
	var writes [][]zkapi.Op
	var shown []*execution
	for _, e := range i.tellers() {
		data, every, again := i.news(e)
		if data == nil {
			continue
		}
		if due := e.shown.at.Add(every); due.After(now) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		i.mu.Lock()
		e.news = false
		i.toldLocked(e)
		i.mu.Unlock()
		e.shown.at = now
		if again && (next.IsZero() || now.Add(every).Before(next)) {
			next = now.Add(every)
		}
		ops, err := i.showing(e, data)
		if zkapi.Refused(err) {
			i.unpublished(e, err)
			continue
		}
		if err != nil {
			return next, err
		}
		writes, shown = append(writes, ops), append(shown, e)
	}
	for n, reply := range i.writeAll(i.req, writes) {
		e := shown[n]
		switch {
		case reply.Err == nil:
			e.shown.sure = true
		case errors.Is(reply.Err, ErrFenced):
			return next, reply.Err
		default:
			e.shown.sure = false // look before the next one
			i.unpublished(e, reply.Err)
		}
	}
	return next, nil
}

// tellers lists the executions that may have progress to publish, by name.
func (i *incarnation) tellers() []*execution {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []*execution
	for _, t := range slices.Sorted(maps.Keys(i.telling)) {
		all = append(all, i.telling[t])
	}
	return all
}

// unpublished logs that progress was not published; a server's refusal is logged once in an
// execution. It ends nothing.
func (i *incarnation) unpublished(e *execution, err error) {
	log := i.worker.log.DebugContext
	if zkapi.Refused(err) && !e.shown.refused {
		e.shown.refused = true
		log = i.worker.log.WarnContext
	}
	log(i.ctx, "progress was not published", "task", brief(e.task.Name), "error", observe.Clip(err.Error()))
}

// news returns the progress that an execution has to publish, nil for none; how often it may
// publish; and whether it publishes again even if nothing is new.
func (i *incarnation) news(e *execution) (data []byte, every time.Duration, again bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	silence := e.task.Options.HeartbeatTimeout
	switch {
	case (e.stage == stageEnded || e.stage == stageUnresolved) && e.beats() && i.quarantine.knows(subject{executionSubject, e.task.Name}):
		return endedProgress, silence / 4, true
	case e.ends():
		i.toldLocked(e)
		return nil, 0, false
	case e.stage == stageWaiting && e.beats():
		return waitingProgress, silence / 4, true
	case e.stage != stageWaiting && silence > 0 && e.reported == nil && !e.news:
		// That the handler has begun is the first progress.
		e.reported, e.news = []byte("started"), true
	}
	if !e.news {
		i.toldLocked(e)
		return nil, 0, false
	}
	every = i.worker.config.ProgressInterval
	if silence > 0 {
		every = min(every, silence/4)
	}
	return e.reported, every, false
}

// showing returns the write that publishes progress: first a new ephemeral, which replaces
// one left by an earlier execution; then new data for it. The write is refused if the
// assignment is gone, because the znode then belongs to another execution.
func (i *incarnation) showing(e *execution, data []byte) ([]zkapi.Op, error) {
	l, t := i.worker.layout, e.task.Name
	path := l.progress(t)
	mine := zkapi.Check(l.assignment(i.worker.config.Name, t), zkapi.AnyVersion)
	create := zkapi.Create(path, data, zkapi.Ephemeral).WithACL(l.access.progress())
	set := zkapi.Set(path, data, zkapi.AnyVersion)
	if e.shown.sure {
		return []zkapi.Op{mine, set}, nil
	}
	seen, err := fence.Look(i.req, i.Session, fence.Exists(path))
	switch {
	case errors.Is(err, zkapi.ErrNoAuth): // of a foreign client
		return []zkapi.Op{mine, zkapi.Delete(path, zkapi.AnyVersion), create}, nil
	case err != nil:
		return nil, err
	case seen.Found && seen.Stat.EphemeralOwner == i.Session.ID():
		e.shown.sure = true
		return []zkapi.Op{mine, set}, nil
	case seen.Found:
		return []zkapi.Op{mine, zkapi.Delete(path, zkapi.AnyVersion), create}, nil
	}
	return []zkapi.Op{mine, create}, nil
}
