package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// life adds the history of a task, from its submission to the final tree.
func (t *telling) life(task string) {
	for _, s := range t.submits {
		if s.Done.Task() == task || s.Invoke.ID() != "" && s.Invoke.ID() == t.ids[task] {
			t.submission(s, task)
		}
	}
	for _, i := range t.byTask[task] {
		w := t.writes[i]
		c := changeOf(w, task)
		idle := c.progress || c.deed("", "") == "" // progress, and checks only
		if !idle && (!c.made || w.outcome != record.OK) {
			t.write(w, task)
		}
	}
	for _, e := range t.executions {
		if e.Invoke.Task() == task {
			t.execution(e)
		}
	}
	for _, a := range t.awaits {
		if a.Invoke.Task() == task && a.Done.Type != "" && a.Outcome() != record.Info {
			t.told(a)
		}
	}
}

// submission adds the submission of a task, with the place of the write that made it.
func (t *telling) submission(s record.Operation, task string) {
	l := Line{At: s.Invoke.At, Process: s.Invoke.Process, Events: []int{s.Invoke.Seq, s.Done.Seq}}
	l.Text = fmt.Sprintf("%s handed in %s", s.Invoke.Process, t.call(task))
	switch s.Outcome() {
	case record.OK:
		l.At = s.Done.At
		l.Text += ", and it was accepted."
	case record.Fail:
		l.At = s.Done.At
		l.Text += ", in vain: " + s.Done.Remark() + "."
	default:
		l.Text += ", and did not hear whether it was accepted."
	}
	for _, i := range t.byTask[task] {
		if w := t.writes[i]; w.outcome == record.OK && changeOf(w, task).made && w.Invoke.Process == s.Invoke.Process && w.Invoke.At >= s.Invoke.At && w.Invoke.At <= s.Return(t.end) {
			l.Zxid, l.order = w.zxid, w.zxid
			if s.Outcome() == record.Info {
				l.Text = fmt.Sprintf("%s handed in %s, and did not hear that ZooKeeper had applied it.", s.Invoke.Process, t.call(task))
			}
		}
	}
	t.add(l)
}

// execution adds one run of a handler.
func (t *telling) execution(e record.Operation) {
	l := Line{At: e.Invoke.At, Process: e.Invoke.Process, Events: []int{e.Invoke.Seq, e.Done.Seq}, Until: e.Return(t.end)}
	l.order = t.assignedAt(e.Invoke)
	l.Text = fmt.Sprintf("%s began to execute attempt %d of %s (token %d.%d)", e.Invoke.Process, e.Invoke.Token().Attempt, t.call(e.Invoke.Task()), e.Invoke.Token().Epoch, e.Invoke.Token().Attempt)
	switch e.Done.Type {
	case record.OK:
		l.Text += fmt.Sprintf("; that succeeded at %s.", wording.Seconds(e.Done.At))
	case "":
		l.Text += "; nothing is heard of its end."
		l.Until = 0
	default:
		l.Text += fmt.Sprintf("; that ended at %s: %s.", wording.Seconds(e.Done.At), e.Done.Remark())
	}
	t.add(l)
}

// assignedAt is the zxid of the write that assigned an execution, which comes before it
// although both may happen at one moment of virtual time.
func (t *telling) assignedAt(e record.Event) int64 {
	for _, i := range t.byTask[e.Task()] {
		w := t.writes[i]
		if c := changeOf(w, e.Task()); c.to != "" && c.assigned.Attempt == e.Token().Attempt && w.outcome == record.OK && w.at <= e.At {
			return w.zxid
		}
	}
	return 0
}

// told adds the answer that a client heard.
func (t *telling) told(a record.Operation) {
	l := Line{At: a.Done.At, Process: a.Invoke.Process, Events: []int{a.Invoke.Seq, a.Done.Seq}, order: last}
	if a.Outcome() == record.OK {
		l.Text = fmt.Sprintf("%s was told that %s is %s", a.Invoke.Process, t.call(a.Invoke.Task()), a.Done.Answer().State)
		if a.Done.Answer().Result != "" {
			l.Text += fmt.Sprintf(", with %q", a.Done.Answer().Result)
		}
		l.Text += "."
	} else {
		l.Text = fmt.Sprintf("%s was told of %s: %s.", a.Invoke.Process, t.call(a.Invoke.Task()), a.Done.Remark())
	}
	t.add(l)
}

// effects adds the effects of a task's executions on the system outside.
func (t *telling) effects(task string) {
	for _, e := range t.run.Events {
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
		t.add(Line{At: e.At, Process: process, Events: []int{e.Seq}, order: last,
			Text: fmt.Sprintf("The system outside %s an act of %s with token %d.%d (%s).", what, t.call(task), e.Token().Epoch, e.Token().Attempt, e.Remark())})
	}
}

// Harness is the lane of the final tree.
const Harness = "harness"

// tree adds the task's state in the final tree; wrong says that this state is the
// violation.
func (t *telling) tree(task string, wrong bool) {
	if t.run.Evidence == nil || t.run.Evidence.Nodes == nil {
		return
	}
	var attempts, assigned []string
	for _, n := range t.run.Evidence.Nodes {
		switch z := record.ParsePath(n.Path); {
		case z.Task != task:
		case z.Kind == record.Assignment:
			assigned = append(assigned, z.Worker)
		case z.Kind == record.Attempt:
			attempts = append(attempts, fmt.Sprint(z.Number))
		}
	}
	said := "In the final tree " + t.call(task)
	node, there := t.node(record.TaskPath(task))
	status, finished := t.node(record.StatusPath(task))
	l := Line{At: t.end, Process: Harness, order: last, Zxid: node.Czxid, Wrong: wrong}
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
	t.add(l)
}

func none(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
