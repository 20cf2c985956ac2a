package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Evidence is the general story: the evidence of the verdict in order, with the history
// of the object if the property is about one.
func (t *Explainer) Evidence() {
	if t.Object != "" && t.objects[t.Object] {
		t.Life(t.Object)
	}
	for _, e := range t.Marks {
		t.Event(e)
	}
	t.BlameLast()
}

// Life adds the history of an object.
func (t *Explainer) Life(object string) {
	if t.words.Life != nil {
		t.words.Life(object)
		return
	}
	t.briefly(object)
}

// mostLife bounds what is told of an object that much happened to.
const mostLife = 200

// briefly adds the writes that touch an object and the events about it: if there are many,
// those around the last event that the verdict rests on.
func (t *Explainer) briefly(object string) {
	type happening struct {
		at  time.Duration
		add func()
	}
	var all []happening
	for _, w := range t.Touching(object) {
		all = append(all, happening{w.At, func() { t.Write(w, object) }})
	}
	for _, e := range t.Run.Events {
		if e.Object() == object {
			all = append(all, happening{e.At, func() { t.Event(e) }})
		}
	}
	if len(all) > mostLife {
		slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
		until := t.End
		if len(t.Marks) > 0 {
			until = t.Marks[len(t.Marks)-1].At
		}
		later := slices.IndexFunc(all, func(h happening) bool { return h.at > until })
		if later < 0 {
			later = len(all)
		}
		from := min(max(0, later-mostLife*3/4), len(all)-mostLife)
		t.left += len(all) - mostLife
		all = all[from : from+mostLife]
	}
	for _, h := range all {
		h.add()
	}
}

// Event adds one event, in the words of its kind.
func (t *Explainer) Event(e record.Event) {
	if e.Kind == record.Write {
		if w, found := t.WriteOf(e.Seq); found && w.Elects {
			t.Election(w)
			return
		} else if found {
			t.Write(w, t.Subject(w))
			return
		}
	}
	if t.words.Event != nil && t.words.Event(e) {
		return
	}
	if x := Find(t.Terms, e); x != nil {
		t.Term(*x)
		return
	}
	if x := Find(t.Faults, e); x != nil {
		t.Participants[strings.Join(x.Invoke.Injection().Targets, ",")] = true
		t.fault(*x)
		return
	}
	if _, own := e.Of.(record.Own); own {
		t.own(e)
		return
	}
	t.note(e)
}

// own adds an event of a kind that only the recipe has, in the words that the record has
// for every kind.
func (t *Explainer) own(e record.Event) {
	l := Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: AfterWrites}
	x := t.operation(e)
	if x == nil {
		l.Text = fmt.Sprintf("%s: %s%s%s.", e.Process, e.Kind, t.of(e), because(e.Remark()))
		t.Add(l)
		return
	}
	began, over := x.Invoke, x.Done
	l.At, l.Events = began.At, []int{began.Seq, over.Seq}
	l.Text = fmt.Sprintf("%s began: %s%s%s", e.Process, e.Kind, t.of(began), because(began.Remark()))
	if over.Type == "" {
		l.Text += "; the record does not show its end."
		t.Add(l)
		return
	}
	ended := map[record.Type]string{record.OK: "it was done", record.Fail: "it failed", record.Info: "it ended with an unknown outcome"}[over.Type]
	l.Until = over.At
	l.Text += fmt.Sprintf("; at %s %s%s.", wording.Seconds(over.At), ended, because(over.Remark()))
	t.Add(l)
}

// of is what an event is about, in words: its object and its token.
func (t *Explainer) of(e record.Event) string {
	said := ""
	if e.Object() != "" {
		said = " of " + t.Call(e.Object())
	}
	if token := e.Token(); token != (record.Token{}) {
		said += fmt.Sprintf(" with token %d.%d", token.Epoch, token.Attempt)
	}
	return said
}

// because is a remark at the end of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// note adds a note: a statement by or about a participant.
func (t *Explainer) note(e record.Event) {
	l := Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: AfterWrites}
	switch e.Kind {
	case record.Session:
		change := e.SessionChange()
		if l.Text = fmt.Sprintf("%s: session %s, %s.", e.Process, change.Session, change); change.Fate == record.Granted {
			l.Process = change.To.Process
			l.Text = fmt.Sprintf("The wire shows that %s was granted session %s.", l.Process, change.Session)
		}
	case record.Process:
		change := e.ProcessChange()
		l.Process = change.Of.Process
		l.Text = fmt.Sprintf("The process of %s: %s.", change.Of, change)
	case record.PowerOff:
		l.Text = t.power(e)
	case record.Leave:
		l.Text = map[record.Type]string{
			record.Invoke: e.Process + " began to leave.", record.OK: e.Process + " left in good order.",
			record.Fail: fmt.Sprintf("%s left, but not in good order: %s.", e.Process, e.Remark()),
		}[e.Type]
	case record.Heard:
		l.Text = fmt.Sprintf("%s was told that %s leads epoch %d.", e.Process, e.Remark(), e.Token().Epoch)
	default:
		l.Text = fmt.Sprintf("%s: %s %s.", e.Process, e.Kind, e.Remark())
	}
	t.Add(l)
}

// power is an event of the power switch, in words.
func (t *Explainer) power(e record.Event) string {
	cut := e.PowerCut()
	switch {
	case e.Type == record.Invoke:
		return fmt.Sprintf("%s asked the power switch to end %s.", cut.By, cut.Of)
	case cut.Problem != "":
		return fmt.Sprintf("The power switch was to end %s for %s: %s.", cut.Of, cut.By, cut.Problem)
	case cut.Already:
		return fmt.Sprintf("The power switch told %s that %s was over already.", cut.By, cut.Of)
	}
	return fmt.Sprintf("The power switch ended %s for %s.", cut.Of, cut.By)
}

// Subject is the object that the story describes a write for: the story's own object, or
// the first that the write touches; empty if it touches none.
func (t *Explainer) Subject(w Write) string {
	touched := t.Index.Znodes.Touched(w.Invoke.Ops())
	switch {
	case len(touched) == 0:
		return ""
	case slices.Contains(touched, t.Object):
		return t.Object
	}
	return touched[0]
}

// Term adds how long a process believed to lead.
func (t *Explainer) Term(o record.Operation) {
	l := Line{At: o.Invoke.At, Process: o.Invoke.Process, Events: []int{o.Invoke.Seq, o.Done.Seq}, Until: o.Return(t.End), Order: AfterWrites, Belief: true}
	l.Text = fmt.Sprintf("%s believed to lead epoch %d from here until %s", o.Invoke.Process, o.Invoke.Token().Epoch, wording.Seconds(l.Until))
	if o.Done.Remark() != "" {
		l.Text += ": " + o.Done.Remark()
	}
	l.Text += "."
	t.Add(l)
}

// sessionsEnd explains the sessions of a participant that kept or used one that was
// over.
func (t *Explainer) sessionsEnd() {
	for _, e := range t.Marks {
		t.Event(e)
	}
	t.BlameLast()
	if len(t.Marks) == 0 {
		return
	}
	from, until := t.Marks[0], t.Marks[len(t.Marks)-1]
	if until.Kind != record.Session {
		t.Conclusion = fmt.Sprintf("A server had ended session %s before this write was sent: ZooKeeper must refuse every write in this session.", until.Session())
		return
	}
	who := until.SessionChange().To.Process
	wrote := 0
	for _, w := range t.Writes {
		if w.Invoke.Process == who && w.Invoke.At >= until.At && w.Fate == record.OK && w.Invoke.Session() == from.Session() {
			if wrote++; wrote == 1 {
				t.Write(w, t.Subject(w))
			}
		}
	}
	t.Conclusion = fmt.Sprintf("%s used session %s and never learnt that its server had given it session %s instead. When a session ends, its ephemerals and claims are gone, so its holder must stop", who, from.Session(), until.Session())
	if wrote > 0 {
		t.Conclusion += fmt.Sprintf("; here it continued, and ZooKeeper accepted %d of its writes for the old session in the new one", wrote)
	}
	t.Conclusion += "."
}

// First is the first finding against the property.
func (t *Explainer) First() (wording.Finding, bool) {
	if len(t.Property.Findings) == 0 {
		return wording.Finding{}, false
	}
	return t.Property.Findings[0], true
}

// Rests reports whether the verdict rests on a write.
func (t *Explainer) Rests(w Write) bool {
	return slices.ContainsFunc(t.Marks, func(e record.Event) bool { return e.Seq == w.Invoke.Seq })
}

// Exchange adds a write that only the wire shows; it is the violation.
func (t *Explainer) Exchange(x record.Exchange) {
	l := Line{At: x.Answered, Zxid: x.Zxid, Order: x.Zxid, Process: x.Process, Wrong: true}
	l.Text = fmt.Sprintf("The wire shows that %s wrote, in session %s: %s", x.Process, x.Session, Operations(x.Ops))
	if x.Error != "" {
		l.Text += "; refused, " + string(x.Error)
	}
	l.Text += "."
	t.Add(l)
}
