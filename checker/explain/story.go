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

	// Order is the zxid that the line follows: it orders lines at the same moment of virtual
	// time.
	Order  int64
	Key    bool // needed to understand the violation
	Belief bool // how long a process believed to lead

	marked bool // the verdict rests on it
}

// AfterWrites is the order of a line that follows all writes of its moment.
const AfterWrites = math.MaxInt64

// Story explains one violation.
type Story struct {
	Property   string
	Reason     string // the judge's own sentence
	Noun       string // what an object of the recipe is called
	Object     string // that it is about, "the lock" in its lines if that is the noun; empty if it is about none, or several
	Lines      []Line // in the order of time
	Conclusion string // why it should not have happened, and which check refuses it; empty if the reason says everything
	LeftOut    int    // steps that the story leaves out
}

// longest bounds the lines of a story.
const longest = 22

// Violation explains a violation, in the words of the recipe's stories. A judge must have
// found the property invalid in this run, or in a part of a run cut down to it. The
// smaller the property's reason and its events, the clearer the story.
func Violation(index *record.Index, p checker.Property, stories Stories) Story {
	t := &Explainer{Scene: survey(index), Property: p, Participants: map[string]bool{}, stories: stories}
	t.find()
	if stories.Begin != nil {
		t.words = stories.Begin(t)
	}
	t.explain()
	t.around()
	return t.finish()
}

// Explainer is a story under construction.
type Explainer struct {
	*Scene
	Property     checker.Property
	Marks        []record.Event  // that the verdict rests on
	Object       string          // that it is about; empty for none
	Conclusion   string          // see [Story]
	Participants map[string]bool // participants that only appear in what others do; faults that hit them are told, too

	lines   []Line
	left    int // steps that were left out
	stories Stories
	words   Words
}

// find looks up the events that the verdict rests on, and the object that it is about.
func (t *Explainer) find() {
	for _, e := range t.Run.Events {
		if _, found := slices.BinarySearch(t.Property.Events, e.Seq); found {
			t.Marks = append(t.Marks, e)
		}
	}
	named := t.Named()
	switch {
	case len(named) > 0:
		t.Object = named[0]
	case len(t.Marks) > 0:
		// A violation that names no object is about one only if all its events are.
		objects := map[string]bool{}
		for _, e := range t.Marks {
			objects[e.Object()] = true
		}
		if len(objects) == 1 {
			t.Object = t.Marks[0].Object()
		}
	}
}

// Named are the objects that the findings against the property name, in their order.
func (t *Explainer) Named() []string { return t.named(t.Property.Findings) }

// Add appends a line, unless there is a line of the same events.
func (t *Explainer) Add(l Line) {
	l.Events = slices.DeleteFunc(l.Events, func(seq int) bool { return seq == 0 })
	slices.Sort(l.Events)
	for _, seq := range l.Events {
		if _, found := slices.BinarySearch(t.Property.Events, seq); found {
			l.marked = true
		}
	}
	if len(l.Events) > 0 && slices.ContainsFunc(t.lines, func(other Line) bool { return slices.Equal(other.Events, l.Events) }) {
		return
	}
	t.lines = append(t.lines, l)
}

// Blame marks the lines that rest on an event as wrong.
func (t *Explainer) Blame(seq int) {
	for i := range t.lines {
		if seq > 0 && slices.Contains(t.lines[i].Events, seq) {
			t.lines[i].Wrong = true
		}
	}
}

// Clear takes all blame back.
func (t *Explainer) Clear() {
	for i := range t.lines {
		t.lines[i].Wrong = false
	}
}

// Need marks the lines that rest on an event as needed to understand the violation.
func (t *Explainer) Need(seq int) {
	for i := range t.lines {
		t.lines[i].Key = t.lines[i].Key || slices.Contains(t.lines[i].Events, seq)
	}
}

// Last is the last line in the order of time.
func (t *Explainer) Last() (Line, bool) {
	if len(t.lines) == 0 {
		return Line{}, false
	}
	t.sort()
	return t.lines[len(t.lines)-1], true
}

// BlameLast marks the last line that the verdict rests on as wrong.
func (t *Explainer) BlameLast() {
	t.sort()
	for i := range slices.Backward(t.lines) {
		if t.lines[i].marked {
			t.lines[i].Wrong = true
			return
		}
	}
}

func (t *Explainer) blamed() bool {
	return slices.ContainsFunc(t.lines, func(l Line) bool { return l.Wrong })
}

func (t *Explainer) sort() {
	slices.SortStableFunc(t.lines, func(a, b Line) int {
		first := func(l Line) int {
			if len(l.Events) == 0 {
				return len(t.Run.Events) + 1
			}
			return l.Events[0]
		}
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Order, b.Order), cmp.Compare(first(a), first(b)))
	})
}

// finish orders the lines and leaves out the surplus: the lines farthest before the
// first wrong one, except those that the verdict rests on.
func (t *Explainer) finish() Story {
	if !t.blamed() {
		t.BlameLast()
	}
	t.sort()
	if !t.blamed() && len(t.lines) > 0 {
		t.lines[len(t.lines)-1].Wrong = true
	}
	wrong := slices.IndexFunc(t.lines, func(l Line) bool { return l.Wrong })
	left := t.left
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
	return Story{Property: t.Property.Name, Reason: t.Property.Reason, Noun: t.stories.noun(), Object: t.Object, Lines: t.lines, Conclusion: t.Conclusion, LeftOut: left}
}
