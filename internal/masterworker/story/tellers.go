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
func (t *teller) noLostTask() {
	t.life(t.Object)
	removed := explain.Write{}
	for _, w := range t.Touching(t.Object) {
		if w.Fate == record.OK && changeOf(w, t.Object).removed {
			removed = w
		}
	}
	_, there := t.Node(record.TaskPath(t.Object))
	t.tree(t.Object, !there)
	t.Moral = "It was accepted: somebody must have removed it, and no such write is on record."
	switch {
	case there:
		t.BlameLast()
		t.Moral = "It was accepted and is still there: whoever is told that it does not exist is told wrong."
	case removed.Invoke.Seq != 0:
		t.Blame(removed.Invoke.Seq)
		t.Moral = fmt.Sprintf("%s removed it at %s.", removed.Invoke.Process, wording.Seconds(removed.At))
	}
}

// noDoubleResult explains a task that has, or shows, two results.
func (t *teller) noDoubleResult() {
	t.life(t.Object)
	overwritten := false
	if n, found := t.Node(record.StatusPath(t.Object)); found && n.Version > 0 {
		overwritten = true
	}
	t.tree(t.Object, overwritten)
	if overwritten {
		t.Moral = "A status is made by a create and never written again: its version must be 0. Somebody has set it."
		return
	}
	t.BlameLast()
	t.Moral = "A status is made by a create, which ZooKeeper refuses where there is one already: of two, one must be refused, and all who ask must hear of the other."
}

// taskLinearizable explains operations that fit no sequential order.
func (t *teller) taskLinearizable() {
	t.Evidence()
	t.tree(t.Object, false)
	t.Moral = "There is no order of these operations, each taking effect at one moment between its beginning and its end, in which a task is submitted, gets one status, and everybody sees that one."
}

// noPhantomTask explains a task that no client submitted, or that was made twice.
func (t *teller) noPhantomTask() {
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
		t.Moral = "One submission makes one task. Whoever hears no answer must find out by its id whether the task is there before it creates it again."
		return
	}
	t.Moral = "A task comes from a submission; no client is on record to have handed in this one."
	if _, there := t.Node(record.TaskPath(t.Object)); !there {
		t.Moral = "What is executed must be a task that is there, or that somebody is on record to have collected."
	}
}

// staleEffectsFenced explains executions that acted outside in the wrong order.
func (t *teller) staleEffectsFenced() {
	task := t.Object
	if task == "" && len(t.Marks) > 0 {
		task = t.Marks[0].Task()
	}
	t.Object = task
	t.life(task)
	t.effects(task)
	t.BlameLast()
	t.Moral = "Once an execution has acted on the outside with its token, all that come with a smaller token must be refused, and the result must be that of the greatest."
}

// resultFromItsAttempt explains a result from an attempt that cannot have given it.
func (t *teller) resultFromItsAttempt() {
	t.life(t.Object)
	t.tree(t.Object, false)
	t.BlameLast()
	t.Moral = "A result counts only if it comes from the worker that had the attempt, and only as long as the attempt has not been given up."
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
			t.Moral = fmt.Sprintf("Attempt %d had been given up at %s%s. From then on its assignment is gone, and with it the right to record its result: the write that records it must delete the assignment, and be refused.", r.Attempt, wording.Seconds(w.At), place(w))
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
func (t *teller) uniqueAttempts() {
	t.life(t.Object)
	t.tree(t.Object, false)
	t.BlameLast()
	t.Moral = "Each execution has a number of its own, a later one a greater token, and what ended without a result is on record: retries are counted by it, and the outside tells executions apart by it."
}

// atomicTransitions explains an assignment that was removed in one write and replaced
// in another.
func (t *teller) atomicTransitions() {
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
	t.Moral = "What ends an assignment must put in its place, in the same write, a status or the record of the attempt. Here nothing ever came in its place."
}

// gap says for how long no worker had the task.
func (t *teller) gap(gone, later explain.Write) {
	t.Moral = fmt.Sprintf("What %s wrote at %s should have been one write with what came at %s", gone.Invoke.Process, wording.Seconds(gone.At), wording.Seconds(later.At))
	t.Need(later.Invoke.Seq)
	if gone.Zxid != 0 && later.Zxid != 0 {
		t.Moral += fmt.Sprintf(": between zxid %s and zxid %s", explain.Zxid(gone.Zxid), explain.Zxid(later.Zxid))
		if at := later.At - gone.At; at > 0 {
			t.Moral += fmt.Sprintf(", for %s,", at.Round(100*time.Microsecond))
		}
	} else {
		t.Moral += ": in between"
	}
	t.Moral += " no worker had the task, and its attempt was on no record. A master that dies in between leaves it so, and whoever comes next does not know that there has been an attempt."
}

// terminalAfterHeal explains where a task got stuck.
func (t *teller) terminalAfterHeal() {
	if t.Object == "" {
		t.Evidence()
		return
	}
	t.life(t.Object)
	stuck := ""
	if l, any := t.Last(); any {
		stuck = fmt.Sprintf(" The last that happened to it was at %s.", wording.Seconds(l.At))
	}
	if e, begun := t.Index.Began(record.Draining); begun {
		t.Add(explain.Line{At: e.At, Process: explain.Harness, Events: []int{e.Seq}, Order: explain.AfterWrites, Text: "Everything works again: from here on every task must come to its end."})
	}
	t.tree(t.Object, true)
	t.Moral = "All faults had been healed, a master and workers were there, and still it did not come to its end." + stuck
}

// residentExclusive explains two workers that executed one task at once.
func (t *teller) residentExclusive() {
	t.life(t.Object)
	t.BlameLast()
	t.Moral = "A resident task has one owner at a time: the next one may begin only when the old one has let go. An owner that is stopped, or whose session is ended by force, is excused until it runs again or hears of that. No such excuse holds here."
}

// budgetKept explains attempts that exceed or do not use the budget.
func (t *teller) budgetKept() {
	t.life(t.Object)
	t.tree(t.Object, true)
	t.Moral = "The attempts on record are the budget: a task fails when as many are there as it is allowed, and not before; and nobody may begin another one after."
}

// followsProtocol explains the first write that the protocol does not allow.
func (t *teller) followsProtocol() {
	first, found := t.First()
	if !found || first.Exchange == nil {
		t.Evidence()
		return
	}
	t.Moral = "By the specification: " + fmt.Sprint(first.Args["why"])
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
