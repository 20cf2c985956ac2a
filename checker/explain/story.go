package explain

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Line is one sentence of a story.
type Line struct {
	At      time.Duration // since the run began; of a write when it was answered
	Zxid    int64         // of a write, where the wire or the servers' logs have it; else 0
	Process string        // whose lane it belongs to; nemesis, or the harness for the final tree
	Target  string        // of a fault, as its event has it
	Until   time.Duration // of something that lasted; else 0
	Text    string
	Events  []int // sequence numbers, ascending
	Wrong   bool  // what should not have happened
	Refused bool  // ZooKeeper has refused it

	marked bool  // the verdict rests on it
	belief bool  // how long a process believed to lead
	key    bool  // needed to understand the violation
	order  int64 // the zxid that the line follows; it orders lines at the same moment of virtual time
}

// last is the order of a line that follows all writes of its moment.
const last = math.MaxInt64

// Story explains one violation.
type Story struct {
	Property string
	Reason   string // the judge's own sentence
	Task     string // the task that it is about, "the task" in its lines; empty if it is about none, or several
	Lines    []Line // in the order of time
	Moral    string // why it should not have happened, and which check refuses it; empty if the reason says everything
	LeftOut  int    // steps that the story leaves out
}

// Belief reports whether a line shows how long a process believed to lead.
func (l Line) Belief() bool { return l.belief }

// longest bounds the lines of a story.
const longest = 22

// Tell explains a violation. A judge must have found the property invalid in this run,
// or in a part of a run cut down to it. The smaller the property's reason and its
// events, the clearer the story.
func Tell(run record.Run, p checker.Property) Story {
	t := &telling{scene: survey(run), property: p, cast: map[string]bool{}}
	tell, known := tellers[p.Name]
	if !known {
		tell = (*telling).events
	}
	t.find()
	tell(t)
	t.around()
	return t.finish()
}

// telling is a story under construction.
type telling struct {
	*scene
	property checker.Property
	marks    []record.Event // that the verdict rests on
	task     string         // that it is about
	lines    []Line
	moral    string
	cast     map[string]bool // participants that only appear in others' actions, such as the worker that a task is given to
}

// find looks up the events and exchanges that the verdict rests on.
func (t *telling) find() {
	for _, e := range t.run.Events {
		if _, found := slices.BinarySearch(t.property.Events, e.Seq); found {
			t.marks = append(t.marks, e)
		}
	}
	named := t.named(t.property.Findings)
	switch {
	case len(named) > 0:
		t.task = named[0]
	case len(t.marks) > 0:
		// A violation that names no task is about a task only if all its events are.
		tasks := map[string]bool{}
		for _, e := range t.marks {
			tasks[e.Task()] = true
		}
		if len(tasks) == 1 {
			t.task = t.marks[0].Task()
		}
	}
}

// add appends a line, unless there is a line of the same events.
func (t *telling) add(l Line) {
	l.Events = slices.DeleteFunc(l.Events, func(seq int) bool { return seq == 0 })
	slices.Sort(l.Events)
	for _, seq := range l.Events {
		if _, found := slices.BinarySearch(t.property.Events, seq); found {
			l.marked = true
		}
	}
	if len(l.Events) > 0 && slices.ContainsFunc(t.lines, func(other Line) bool { return slices.Equal(other.Events, l.Events) }) {
		return
	}
	t.lines = append(t.lines, l)
}

// blame marks the line that rests on an event.
func (t *telling) blame(seq int) {
	for i := range t.lines {
		if seq > 0 && slices.Contains(t.lines[i].Events, seq) {
			t.lines[i].Wrong = true
		}
	}
}

// blameLast marks the last line that the verdict rests on.
func (t *telling) blameLast() {
	t.sort()
	for i := range slices.Backward(t.lines) {
		if t.lines[i].marked {
			t.lines[i].Wrong = true
			return
		}
	}
}

func (t *telling) blamed() bool {
	return slices.ContainsFunc(t.lines, func(l Line) bool { return l.Wrong })
}

func (t *telling) sort() {
	slices.SortStableFunc(t.lines, func(a, b Line) int {
		first := func(l Line) int {
			if len(l.Events) == 0 {
				return len(t.run.Events) + 1
			}
			return l.Events[0]
		}
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.order, b.order), cmp.Compare(first(a), first(b)))
	})
}

// finish orders the lines and leaves out the surplus: the lines farthest before the
// first wrong one, except those that the verdict rests on.
func (t *telling) finish() Story {
	if !t.blamed() {
		t.blameLast()
	}
	t.sort()
	if !t.blamed() && len(t.lines) > 0 {
		t.lines[len(t.lines)-1].Wrong = true
	}
	wrong := slices.IndexFunc(t.lines, func(l Line) bool { return l.Wrong })
	left := 0
	for len(t.lines) > longest {
		farthest, distance := -1, 0
		for i, l := range t.lines {
			if away := max(wrong-i, 2*(i-wrong)); !l.Wrong && !(l.marked && i <= wrong) && away > distance {
				farthest, distance = i, away
			}
		}
		if farthest < 0 {
			break
		}
		t.lines = slices.Delete(t.lines, farthest, farthest+1)
		if farthest < wrong {
			wrong--
		}
		left++
	}
	return Story{Property: t.property.Name, Reason: t.property.Reason, Task: t.task, Lines: t.lines, Moral: t.moral, LeftOut: left}
}
