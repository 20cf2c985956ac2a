package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// tellers has a function for each property with a story of its own. Any other property
// is explained by the events that it rests on.
var tellers = map[string]func(*telling){
	"SingleMaster": (*telling).singleMaster, "ElectionLinearizable": (*telling).electionLinearizable,
	"NoLostTask": (*telling).noLostTask, "NoDoubleResult": (*telling).noDoubleResult, "TaskLinearizable": (*telling).taskLinearizable,
	"NoPhantomTask": (*telling).noPhantomTask, "StaleEffectsFenced": (*telling).staleEffectsFenced,
	"ResultFromItsAttempt": (*telling).resultFromItsAttempt, "UniqueAttempts": (*telling).uniqueAttempts,
	"AtomicTransitions": (*telling).atomicTransitions, "TerminalAfterHeal": (*telling).terminalAfterHeal,
	"SessionsEnd": (*telling).sessionsEnd, "ResidentExclusive": (*telling).residentExclusive,
	"WritesAccounted": (*telling).writesAccounted, "BudgetKept": (*telling).budgetKept, "FollowsProtocol": (*telling).followsProtocol,
}

// events is the general story: the evidence of the verdict in order, with the history
// of the task if the property is about one.
func (t *telling) events() {
	if t.task != "" && t.tasks[t.task] {
		t.life(t.task)
	}
	for _, e := range t.marks {
		t.event(e)
	}
	t.blameLast()
}

// event adds one event, in the words of its kind.
func (t *telling) event(e record.Event) {
	same := func(o record.Operation) bool { return o.Invoke.Seq == e.Seq || o.Done.Seq == e.Seq }
	find := func(all []record.Operation) *record.Operation {
		if i := slices.IndexFunc(all, same); i >= 0 {
			return &all[i]
		}
		return nil
	}
	if w, found := t.writeOf(e.Seq); found {
		if w.elects {
			t.election(election{w})
			return
		}
		t.write(w, t.subject(w))
		return
	}
	if x := find(t.executions); x != nil {
		t.execution(*x)
		return
	}
	if x := find(t.awaits); x != nil && x.Done.Type != "" {
		t.told(*x)
		return
	}
	if x := find(t.terms); x != nil {
		t.term(*x)
		return
	}
	if x := find(t.submits); x != nil {
		t.submission(*x, x.Done.Task())
		return
	}
	if x := find(t.faults); x != nil {
		t.cast[strings.Join(x.Invoke.Injection().Targets, ",")] = true
		t.fault(*x)
		return
	}
	t.note(e)
}

// note adds a note: a statement by or about a participant.
func (t *telling) note(e record.Event) {
	l := Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, order: last}
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
	case record.Leave:
		l.Text = map[record.Type]string{
			record.Invoke: e.Process + " began to leave.", record.OK: e.Process + " had left in good order.",
			record.Fail: fmt.Sprintf("%s had left, and not in good order: %s.", e.Process, e.Remark()),
		}[e.Type]
	case record.Heard:
		l.Text = fmt.Sprintf("%s was told that %s leads epoch %d.", e.Process, e.Remark(), e.Token().Epoch)
	case record.Change:
		l.Text = fmt.Sprintf("%s told its application that %s is %s.", e.Process, t.call(e.Task()), e.TaskChange().Fate)
	case record.Effect:
		l.Text = fmt.Sprintf("The system outside was acted on for %s with token %d.%d (%s); accepted: %v.", t.call(e.Task()), e.Token().Epoch, e.Token().Attempt, e.Remark(), e.Act().Accepted)
	default:
		l.Text = fmt.Sprintf("%s: %s %s.", e.Process, e.Kind, e.Remark())
	}
	t.add(l)
}

// subject is the task that the story describes a write for: the story's own task, or
// the first that the write touches.
func (t *telling) subject(w write) string {
	first := ""
	for _, op := range w.Invoke.Ops() {
		task := pathTask(op)
		if task != "" && task == t.task {
			return task
		}
		if first == "" {
			first = task
		}
	}
	return first
}

// term adds how long a process believed to lead.
func (t *telling) term(o record.Operation) {
	l := Line{At: o.Invoke.At, Process: o.Invoke.Process, Events: []int{o.Invoke.Seq, o.Done.Seq}, Until: o.Return(t.end), order: last, belief: true}
	l.Text = fmt.Sprintf("%s believed to lead epoch %d from here until %s", o.Invoke.Process, o.Invoke.Token().Epoch, wording.Seconds(l.Until))
	if o.Done.Remark() != "" {
		l.Text += ": " + o.Done.Remark()
	}
	l.Text += "."
	t.add(l)
}

// sessionsEnd explains the sessions of a participant that kept or used one that was
// over.
func (t *telling) sessionsEnd() {
	for _, e := range t.marks {
		t.event(e)
	}
	t.blameLast()
	if len(t.marks) == 0 {
		return
	}
	from, until := t.marks[0], t.marks[len(t.marks)-1]
	if until.Kind != record.Session {
		t.moral = fmt.Sprintf("Session %s had been ended by its server before this write was sent: the server must refuse whatever comes in its name.", until.Session())
		return
	}
	who := until.SessionChange().To.Process
	wrote := 0
	for _, w := range t.writes {
		if w.Invoke.Process == who && w.Invoke.At >= until.At && w.outcome == record.OK && w.Invoke.Session() == from.Session() {
			if wrote++; wrote == 1 {
				t.write(w, t.subject(w))
			}
		}
	}
	t.moral = fmt.Sprintf("%s held on to session %s, and never learnt that its server had given it %s instead. A session that is over takes its ephemerals and the claims behind them with it, so its holder must end with it", who, from.Session(), until.Session())
	if wrote > 0 {
		t.moral += fmt.Sprintf("; here it went on, and %d writes that it made in the name of the old one were accepted under the new one", wrote)
	}
	t.moral += "."
}

// followsProtocol explains the first write that the protocol does not allow.
func (t *telling) followsProtocol() {
	first, found := t.first()
	if !found || first.Exchange == nil {
		t.events()
		return
	}
	t.moral = "By the specification: " + fmt.Sprint(first.Args["why"])
	i := slices.IndexFunc(t.run.Exchanges, func(x record.Exchange) bool { return first.Exchange.Is(x) })
	if i < 0 {
		return
	}
	x := t.run.Exchanges[i]
	if i = slices.IndexFunc(t.writes, func(w write) bool {
		return x.Answered > 0 && w.wired == x.Answered && w.Invoke.Process == x.Process && t.about(w)
	}); i < 0 {
		t.exchange(x)
		return
	}
	w := t.writes[i]
	if t.task = t.subject(w); t.task != "" {
		t.life(t.task)
	}
	t.write(w, t.task)
	t.blame(w.Invoke.Seq)
}

// first is the first finding against the property.
func (t *telling) first() (wording.Finding, bool) {
	if len(t.property.Findings) == 0 {
		return wording.Finding{}, false
	}
	return t.property.Findings[0], true
}

// about reports whether the verdict rests on a write.
func (t *telling) about(w write) bool {
	return slices.ContainsFunc(t.marks, func(e record.Event) bool { return e.Seq == w.Invoke.Seq })
}

// exchange adds a write that only the wire shows; it is the violation.
func (t *telling) exchange(x record.Exchange) {
	l := Line{At: x.Answered, Zxid: x.Zxid, order: x.Zxid, Process: x.Process, Wrong: true}
	l.Text = fmt.Sprintf("The wire shows that %s wrote, in session %s: %s", x.Process, x.Session, operations(x.Ops))
	if x.Error != "" {
		l.Text += "; refused, " + string(x.Error)
	}
	l.Text += "."
	t.add(l)
}
