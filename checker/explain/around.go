package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// nearby bounds how long before its first line a story looks for faults, and how long
// after the violation for its effects.
const nearby = time.Second

// around adds the circumstances: who led, the faults that hit the participants of the
// story, and the ends of their sessions and processes.
func (t *Explainer) around() {
	from, to, any := t.span()
	if !any {
		return
	}
	if wrong, blamed := t.lastWrong(); blamed {
		to = min(to, wrong+nearby)
	}
	if e, led := t.InForce(from); led {
		t.Election(e)
	}
	for _, e := range t.Elections {
		if e.At >= from && e.At <= to && e.Fate == record.OK {
			t.Election(e)
		}
	}
	for _, l := range t.lines {
		t.Participants[l.Process] = true
	}
	for _, f := range t.Faults {
		if f.Invoke.At <= to && f.Return(t.End) >= from-nearby {
			t.fault(f)
		}
	}
	for _, e := range t.Run.Events {
		if e.At >= from && (e.At <= to || e.Kind == record.Session && e.At <= to+nearby) {
			t.ending(e)
		}
	}
}

// span is from the first to the last line, without the lines of the final tree.
func (t *Explainer) span() (from, to time.Duration, any bool) {
	for _, l := range t.lines {
		if l.Process == Harness {
			continue
		}
		if !any || l.At < from {
			from = l.At
		}
		to, any = max(to, l.At), true
	}
	return from, to, any
}

// lastWrong is the time of the last line that is wrong, apart from lines about the
// final tree.
func (t *Explainer) lastWrong() (at time.Duration, any bool) {
	for _, l := range t.lines {
		if l.Wrong && l.Process != Harness {
			at, any = max(at, l.At), true
		}
	}
	return at, any
}

// ending adds the end of a session or a process, if it belongs to a participant of the
// story.
func (t *Explainer) ending(e record.Event) {
	session, process := e.SessionChange(), e.ProcessChange()
	switch {
	case session.Over() && t.Participants[e.Process]:
		t.Add(Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: AfterWrites,
			Text: fmt.Sprintf("%s found that its session %s was over (%s).", e.Process, e.Session(), session.Cause())})
	case e.Kind == record.Process && process.Fate != record.Started:
		if name := process.Of.Process; t.Participants[name] && !t.over(e) {
			t.Add(Line{At: e.At, Process: name, Events: []int{e.Seq}, Order: AfterWrites,
				Text: fmt.Sprintf("The process of %s (start %d) ended: %s.", name, process.Of.Number, process)})
		}
	}
}

// over reports whether an event belongs to the end of the run, when all participants
// leave.
func (t *Explainer) over(e record.Event) bool {
	collecting, begun := t.Index.Began(record.Collecting)
	return begun && e.At >= collecting.At
}

// fault adds a fault that hit a participant of the story or the servers.
func (t *Explainer) fault(f record.Operation) {
	targets := f.Targets() // a fault may know its target only when it is over
	whom := strings.Join(targets, ",")
	servers := record.RoleOf(whom) == record.ServerRole
	hit := servers || slices.ContainsFunc(targets, func(name string) bool { return t.Participants[name] })
	if !hit || f.Outcome() == record.Fail {
		return
	}
	l := Line{At: f.Invoke.At, Process: attacker, Target: whom, Events: []int{f.Invoke.Seq, f.Done.Seq}, Until: f.Return(t.End)}
	l.Text = "The nemesis " + fmt.Sprintf(f.Fault().Deed(), whom)
	switch {
	case len(f.Fault().Sessions) > 0:
		l.Text += ", " + strings.Join(f.Fault().Sessions, ",")
	case f.Fault().Restarts():
		l.Text += ", which was started again at " + wording.Seconds(l.Until)
	case l.Until > l.At+time.Millisecond:
		l.Text += " until " + wording.Seconds(l.Until)
	}
	l.Text += " (" + f.Fault().Fault
	if !f.Fault().Effective {
		l.Text += ", without effect"
	}
	l.Text += ")."
	t.Add(l)
}

// attacker is the lane of faults that hit no participant in the picture.
const attacker = "nemesis"
