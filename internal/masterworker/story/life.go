package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// life adds the history of a task, from its submission to the final tree.
func (t *explainer) life(task string) {
	for _, s := range t.submits {
		if s.Done.Task() == task || s.Invoke.ID() != "" && s.Invoke.ID() == t.ids[task] {
			t.submission(s, task)
		}
	}
	for _, w := range t.Touching(task) {
		c := changeOf(w, task)
		idle := c.progress || c.deed("", "") == "" // progress, and checks only
		if !idle && (!c.made || w.Fate != record.OK) {
			t.Write(w, task)
		}
	}
	for _, e := range t.executions {
		if e.Invoke.Task() == task {
			t.execution(e)
		}
	}
	for _, a := range t.awaits {
		if a.Invoke.Task() == task && a.Done.Type != "" && a.Outcome() != record.Info {
			t.answered(a)
		}
	}
}

// submission adds the submission of a task, with the place of the write that made it.
func (t *explainer) submission(s record.Operation, task string) {
	l := explain.Line{At: s.Invoke.At, Process: s.Invoke.Process, Events: []int{s.Invoke.Seq, s.Done.Seq}}
	l.Text = fmt.Sprintf("%s submitted %s", s.Invoke.Process, t.Call(task))
	switch s.Outcome() {
	case record.OK:
		l.At = s.Done.At
		l.Text += ", and it was accepted."
	case record.Fail:
		l.At = s.Done.At
		l.Text += ", and the submission failed: " + s.Done.Remark() + "."
	default:
		l.Text += ", and got no answer."
	}
	for _, w := range t.Touching(task) {
		if w.Fate == record.OK && changeOf(w, task).made && w.Invoke.Process == s.Invoke.Process && w.Invoke.At >= s.Invoke.At && w.Invoke.At <= s.Return(t.End) {
			l.Zxid, l.Order = w.Zxid, w.Zxid
			if s.Outcome() == record.Info {
				l.Text = fmt.Sprintf("%s submitted %s. ZooKeeper applied the write, but the answer did not arrive.", s.Invoke.Process, t.Call(task))
			}
		}
	}
	t.Add(l)
}

// execution adds one run of a handler.
func (t *explainer) execution(e record.Operation) {
	l := explain.Line{At: e.Invoke.At, Process: e.Invoke.Process, Events: []int{e.Invoke.Seq, e.Done.Seq}, Until: e.Return(t.End)}
	l.Order = t.assignedAt(e.Invoke)
	l.Text = fmt.Sprintf("%s began to execute attempt %d of %s (token %d.%d)", e.Invoke.Process, e.Invoke.Token().Attempt, t.Call(e.Invoke.Task()), e.Invoke.Token().Epoch, e.Invoke.Token().Attempt)
	switch e.Done.Type {
	case record.OK:
		l.Text += fmt.Sprintf("; it succeeded at %s.", wording.Seconds(e.Done.At))
	case "":
		l.Text += "; the record does not show its end."
		l.Until = 0
	default:
		l.Text += fmt.Sprintf("; it ended at %s: %s.", wording.Seconds(e.Done.At), e.Done.Remark())
	}
	t.Add(l)
}

// assignedAt is the zxid of the write that assigned an execution, which comes before it
// although both may happen at one moment of virtual time.
func (t *explainer) assignedAt(e record.Event) int64 {
	for _, w := range t.Touching(e.Task()) {
		if c := changeOf(w, e.Task()); c.to != "" && c.assigned.Attempt == e.Token().Attempt && w.Fate == record.OK && w.At <= e.At {
			return w.Zxid
		}
	}
	return 0
}

// answered adds the answer that a client heard.
func (t *explainer) answered(a record.Operation) {
	l := explain.Line{At: a.Done.At, Process: a.Invoke.Process, Events: []int{a.Invoke.Seq, a.Done.Seq}, Order: explain.AfterWrites}
	if a.Outcome() == record.OK {
		l.Text = fmt.Sprintf("%s was told that %s is %s", a.Invoke.Process, t.Call(a.Invoke.Task()), a.Done.Answer().State)
		if a.Done.Answer().Result != "" {
			l.Text += fmt.Sprintf(", with %q", a.Done.Answer().Result)
		}
		l.Text += "."
	} else {
		l.Text = fmt.Sprintf("%s got this answer about %s: %s.", a.Invoke.Process, t.Call(a.Invoke.Task()), a.Done.Remark())
	}
	t.Add(l)
}

// effects adds the effects of a task's executions on the system outside.
func (t *explainer) effects(task string) {
	for _, e := range t.Run.Events {
		if e.Kind != record.Effect || e.Task() != task {
			continue
		}
		what := "accepted"
		if !e.Act().Accepted {
			what = "refused"
		}
		process := e.Process
		if by := e.Act().By; by.Process != "" {
			process = by.Process
		}
		t.Add(explain.Line{At: e.At, Process: process, Events: []int{e.Seq}, Order: explain.AfterWrites,
			Text: fmt.Sprintf("The system outside %s an act of %s with token %d.%d (%s).", what, t.Call(task), e.Token().Epoch, e.Token().Attempt, e.Remark())})
	}
}

// tree adds the task's state in the final tree; wrong says that this state is the
// violation.
func (t *explainer) tree(task string, wrong bool) {
	if t.Run.Evidence == nil || t.Run.Evidence.Nodes == nil {
		return
	}
	var attempts, assigned []string
	for _, n := range t.Run.Evidence.Nodes {
		switch z := record.ParsePath(n.Path); {
		case z.Task != task:
		case z.Kind == record.Assignment:
			assigned = append(assigned, z.Worker)
		case z.Kind == record.Attempt:
			attempts = append(attempts, fmt.Sprint(z.Number))
		}
	}
	said := "In the final tree " + t.Call(task)
	node, there := t.Node(record.TaskPath(task))
	status, finished := t.Node(record.StatusPath(task))
	l := explain.Line{At: t.End, Process: explain.Harness, Order: explain.AfterWrites, Zxid: node.Czxid, Wrong: wrong}
	switch {
	case !there:
		l.Zxid = 0
		said += " is missing"
	case finished:
		l.Zxid = status.Mzxid
		said += " is " + record.ParseStatus(status.Data).State
		if r := record.ParseEntry(status.Data); r.Attempt > 0 {
			said += fmt.Sprintf(", by attempt %d of %s", r.Attempt, r.Worker)
		}
		if status.Version > 0 {
			said += fmt.Sprintf(", in version %d of its status", status.Version)
		}
	default:
		said += " has no status"
	}
	if there {
		said += "; attempts on record: " + none(attempts) + "; assigned to: " + none(assigned)
	}
	l.Text = said + "."
	t.Add(l)
}

func none(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
