package checker

import (
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// index finds in a long history what would otherwise be looked for in all of it, once
// for each task or execution.
type index struct {
	ends map[record.Life][]time.Duration // when each life ended, or was said to

	once  sync.Once
	tasks map[string][]int // events about each task, by place
}

// enough is how many events tell what became of a task.
const enough = 12

// noteEnd takes in what the harness says of a process.
func (x *index) noteEnd(e *record.Event) {
	change := e.ProcessChange()
	if change.Fate == record.Started {
		return
	}
	if x.ends == nil {
		x.ends = map[record.Life][]time.Duration{}
	}
	x.ends[change.Of] = append(x.ends[change.Of], e.At)
}

// about are the events that tell what became of a task, for a violation that
// rests on the final tree.
func (f *facts) about(task string) []record.Event {
	f.index.once.Do(f.indexTasks) // a valid run has no need of it
	var events []record.Event
	for _, at := range f.index.tasks[task] {
		events = append(events, f.events[at])
	}
	return events
}

// indexTasks finds the first events about each task.
func (f *facts) indexTasks() {
	f.index.tasks = map[string][]int{}
	for at := range f.events {
		e := &f.events[at]
		if e.Kind == record.Effect {
			continue
		}
		note := func(task string) {
			all := f.index.tasks[task]
			if task != "" && len(all) < enough && (len(all) == 0 || all[len(all)-1] != at) {
				f.index.tasks[task] = append(all, at)
			}
		}
		note(e.Task())
		for _, op := range e.Ops() {
			note(record.TaskOf(op.Path))
		}
	}
}
