package story

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// noLostTask explains an accepted task that is missing.
func (t *explainer) noLostTask() {
	t.life(t.Object)
	removed := explain.Write{}
	for _, w := range t.Touching(t.Object) {
		if w.Fate == record.OK && changeOf(w, t.Object).removed {
			removed = w
		}
	}
	_, there := t.Node(record.TaskPath(t.Object))
	t.tree(t.Object, !there)
	t.Conclusion = "The task was accepted and is missing: a write must have removed it, and the record has no such write."
	switch {
	case there:
		t.BlameLast()
		t.Conclusion = "The task was accepted and still exists: the answer that it does not exist is wrong."
	case removed.Invoke.Seq != 0:
		t.Blame(removed.Invoke.Seq)
		t.Conclusion = fmt.Sprintf("%s removed it at %s.", removed.Invoke.Process, wording.Seconds(removed.At))
	}
}

// noDoubleResult explains a task that has, or shows, two results.
func (t *explainer) noDoubleResult() {
	t.life(t.Object)
	overwritten := false
	if n, found := t.Node(record.StatusPath(t.Object)); found && n.Version > 0 {
		overwritten = true
	}
	t.tree(t.Object, overwritten)
	if overwritten {
		t.Conclusion = "A create makes the status, and no later write may change it: its version must be 0. A later write has set it."
		return
	}
	t.BlameLast()
	t.Conclusion = "A create makes the status, and ZooKeeper refuses the create if the status exists: only one of two creates can succeed, and every client must see that status."
}

// taskLinearizable explains operations that fit no sequential order.
func (t *explainer) taskLinearizable() {
	t.Evidence()
	t.tree(t.Object, false)
	t.Conclusion = "Each operation takes effect at one moment between its begin and its end. No such order has the task submitted, then one status, and every client seeing that status."
}

// noPhantomTask explains a task that no client submitted, or that was made twice.
func (t *explainer) noPhantomTask() {
	tasks := t.Named()
	for _, task := range tasks {
		t.life(task)
		t.tree(task, len(tasks) == 1 || task != tasks[0])
	}
	for _, e := range t.Marks {
		t.Event(e)
	}
	if len(tasks) > 1 {
		t.Object = ""
		t.Conclusion = "One submission makes one task. A client without an answer must look for the task by its id before it creates it again."
		return
	}
	t.Conclusion = "Every task comes from a submission. The record has no submission of this task."
	if _, there := t.Node(record.TaskPath(t.Object)); !there {
		t.Conclusion = "An executed task must be in the final tree, or the record must show who collected it."
	}
}

// staleEffectsFenced explains executions that acted outside in the wrong order.
func (t *explainer) staleEffectsFenced() {
	task := t.Object
	if task == "" && len(t.Marks) > 0 {
		task = t.Marks[0].Task()
	}
	t.Object = task
	t.life(task)
	t.effects(task)
	t.BlameLast()
	t.Conclusion = "After an act with a token, the system outside must refuse every act with a smaller token. The result must come from the execution with the greatest token."
}

// resultFromItsAttempt explains a result from an attempt that cannot have given it.
func (t *explainer) resultFromItsAttempt() {
	t.life(t.Object)
	t.tree(t.Object, false)
	t.BlameLast()
	t.Conclusion = "A result counts only if it comes from the worker that had the attempt, and only while the attempt is assigned."
	status, found := t.Node(record.StatusPath(t.Object))
	if !found {
		return
	}
	r := record.ParseEntry(status.Data)
	for _, w := range t.Touching(t.Object) {
		c := changeOf(w, t.Object)
		if w.Fate != record.OK {
			continue
		}
		if c.attempt == fmt.Sprint(r.Attempt) {
			t.Conclusion = fmt.Sprintf("A write ended attempt %d at %s%s and deleted its assignment. A write that records a result must delete the assignment, too, so ZooKeeper must refuse it from then on.", r.Attempt, wording.Seconds(w.At), place(w))
		}
		if c.status != nil {
			t.Clear()
			t.Blame(w.Invoke.Seq)
		}
	}
}

// place is a write's place in ZooKeeper's order, in words.
func place(w explain.Write) string {
	if w.Zxid == 0 {
		return ""
	}
	return " (zxid " + explain.Zxid(w.Zxid) + ")"
}

// uniqueAttempts explains executions with wrong numbers.
func (t *explainer) uniqueAttempts() {
	t.life(t.Object)
	t.tree(t.Object, false)
	t.BlameLast()
	t.Conclusion = "Each execution has its own number, and a later one has a greater token. An attempt without a result must be on record, because the master counts retries by it and the system outside knows executions by it."
}

// atomicTransitions explains an assignment that was removed in one write and replaced
// in another.
func (t *explainer) atomicTransitions() {
	t.life(t.Object)
	var gone *explain.Write
	for _, w := range t.Touching(t.Object) {
		c := changeOf(w, t.Object)
		if w.Fate != record.OK {
			continue
		}
		switch {
		case c.alone() && gone == nil && !t.finished(t.Object, w):
			gone = &w
			t.Blame(w.Invoke.Seq)
		case gone != nil && (c.attempt != "" || c.status != nil):
			t.gap(*gone, w)
			return
		}
	}
	t.Conclusion = "A write that ends an assignment must also put a status or the record of the attempt in its place. Here nothing ever came in its place."
}

// gap says for how long no worker had the task.
func (t *explainer) gap(gone, later explain.Write) {
	t.Conclusion = fmt.Sprintf("%s wrote at %s, and the rest came at %s. The two should have been one write", gone.Invoke.Process, wording.Seconds(gone.At), wording.Seconds(later.At))
	t.Need(later.Invoke.Seq)
	if gone.Zxid != 0 && later.Zxid != 0 {
		t.Conclusion += fmt.Sprintf(": between zxid %s and zxid %s", explain.Zxid(gone.Zxid), explain.Zxid(later.Zxid))
		if at := later.At - gone.At; at > 0 {
			t.Conclusion += fmt.Sprintf(", for %s,", at.Round(100*time.Microsecond))
		}
	} else {
		t.Conclusion += ": in between"
	}
	t.Conclusion += " no worker had the task, and no record had its attempt. If the master dies in between, the next master does not know that there was an attempt."
}

// terminalAfterHeal explains where a task got stuck.
func (t *explainer) terminalAfterHeal() {
	if t.Object == "" {
		t.Evidence()
		return
	}
	t.life(t.Object)
	stuck := ""
	if l, any := t.Last(); any {
		stuck = fmt.Sprintf(" Its last change was at %s.", wording.Seconds(l.At))
	}
	if e, begun := t.Index.Began(record.Draining); begun {
		t.Add(explain.Line{At: e.At, Process: explain.Harness, Events: []int{e.Seq}, Order: explain.AfterWrites, Text: "All faults are healed: from here on every task must come to its end."})
	}
	t.tree(t.Object, true)
	t.Conclusion = "All faults were healed, and a master and workers were there, but the task did not come to its end." + stuck
}

// residentExclusive explains two workers that executed one task at once.
func (t *explainer) residentExclusive() {
	t.life(t.Object)
	t.BlameLast()
	t.Conclusion = "A resident task has one owner at a time: the next owner may begin only after the old one has stopped. There is one exception: a fault has stopped the old owner or ended its session, until it runs again or notices. The exception does not apply here."
}

// budgetKept explains attempts that exceed or do not use the budget.
func (t *explainer) budgetKept() {
	t.life(t.Object)
	t.tree(t.Object, true)
	t.Conclusion = "The attempts on record are the budget. A task fails when it has used all of its attempts, not before, and no worker may begin another attempt after that."
}

// followsProtocol explains the first write that the protocol does not allow.
func (t *explainer) followsProtocol() {
	first, found := t.First()
	if !found || first.Exchange == nil {
		t.Evidence()
		return
	}
	t.Conclusion = "The specification says: " + fmt.Sprint(first.Args["why"])
	i := slices.IndexFunc(t.Run.Exchanges, func(x record.Exchange) bool { return first.Exchange.Is(x) })
	if i < 0 {
		return
	}
	x := t.Run.Exchanges[i]
	if i = slices.IndexFunc(t.Writes, func(w explain.Write) bool {
		return x.Answered > 0 && w.Wired == x.Answered && w.Invoke.Process == x.Process && t.Rests(w)
	}); i < 0 {
		t.Exchange(x)
		return
	}
	w := t.Writes[i]
	if t.Object = t.Subject(w); t.Object != "" {
		t.life(t.Object)
	}
	t.Write(w, t.Object)
	t.Blame(w.Invoke.Seq)
}
