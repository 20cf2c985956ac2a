package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// noLostTask explains an accepted task that is missing.
func (t *telling) noLostTask() {
	t.life(t.task)
	removed := write{}
	for _, i := range t.byTask[t.task] {
		if w := t.writes[i]; w.outcome == record.OK && changeOf(w, t.task).removed {
			removed = w
		}
	}
	_, there := t.node(record.TaskPath(t.task))
	t.tree(t.task, !there)
	t.moral = "It was accepted: somebody must have removed it, and no such write is on record."
	switch {
	case there:
		t.blameLast()
		t.moral = "It was accepted and is still there: whoever is told that it does not exist is told wrong."
	case removed.Invoke.Seq != 0:
		t.blame(removed.Invoke.Seq)
		t.moral = fmt.Sprintf("%s removed it at %s.", removed.Invoke.Process, wording.Seconds(removed.at))
	}
}

// noDoubleResult explains a task that has, or shows, two results.
func (t *telling) noDoubleResult() {
	t.life(t.task)
	overwritten := false
	if n, found := t.node(record.StatusPath(t.task)); found && n.Version > 0 {
		overwritten = true
	}
	t.tree(t.task, overwritten)
	if overwritten {
		t.moral = "A status is made by a create and never written again: its version must be 0. Somebody has set it."
		return
	}
	t.blameLast()
	t.moral = "A status is made by a create, which ZooKeeper refuses where there is one already: of two, one must be refused, and all who ask must hear of the other."
}

// taskLinearizable explains operations that fit no sequential order.
func (t *telling) taskLinearizable() {
	t.events()
	t.tree(t.task, false)
	t.moral = "There is no order of these operations, each taking effect at one moment between its beginning and its end, in which a task is submitted, gets one status, and everybody sees that one."
}

// noPhantomTask explains a task that no client submitted, or that was made twice.
func (t *telling) noPhantomTask() {
	tasks := t.named(t.property.Findings)
	for _, task := range tasks {
		t.life(task)
		t.tree(task, len(tasks) == 1 || task != tasks[0])
	}
	for _, e := range t.marks {
		t.event(e)
	}
	if len(tasks) > 1 {
		t.task = ""
		t.moral = "One submission makes one task. Whoever hears no answer must find out by its id whether the task is there before it creates it again."
		return
	}
	t.moral = "A task comes from a submission; no client is on record to have handed in this one."
	if _, there := t.node(record.TaskPath(t.task)); !there {
		t.moral = "What is executed must be a task that is there, or that somebody is on record to have collected."
	}
}

// staleEffectsFenced explains executions that acted outside in the wrong order.
func (t *telling) staleEffectsFenced() {
	task := t.task
	if task == "" && len(t.marks) > 0 {
		task = t.marks[0].Task()
	}
	t.task = task
	t.life(task)
	t.effects(task)
	t.blameLast()
	t.moral = "Once an execution has acted on the outside with its token, all that come with a smaller token must be refused, and the result must be that of the greatest."
}

// resultFromItsAttempt explains a result from an attempt that cannot have given it.
func (t *telling) resultFromItsAttempt() {
	t.life(t.task)
	t.tree(t.task, false)
	t.blameLast()
	t.moral = "A result counts only if it comes from the worker that had the attempt, and only as long as the attempt has not been given up."
	status, found := t.node(record.StatusPath(t.task))
	if !found {
		return
	}
	r := record.ParseEntry(status.Data)
	for _, i := range t.byTask[t.task] {
		w := t.writes[i]
		c := changeOf(w, t.task)
		if w.outcome != record.OK {
			continue
		}
		if c.attempt == fmt.Sprint(r.Attempt) {
			t.moral = fmt.Sprintf("Attempt %d had been given up at %s%s. From then on its assignment is gone, and with it the right to record its result: the write that records it must delete the assignment, and be refused.", r.Attempt, wording.Seconds(w.at), place(w))
		}
		if c.status != nil {
			t.clear()
			t.blame(w.Invoke.Seq)
		}
	}
}

func (t *telling) clear() {
	for i := range t.lines {
		t.lines[i].Wrong = false
	}
}

// place is a write's place in ZooKeeper's order, in words.
func place(w write) string {
	if w.zxid == 0 {
		return ""
	}
	return " (zxid " + zxid(w.zxid) + ")"
}

// uniqueAttempts explains executions with wrong numbers.
func (t *telling) uniqueAttempts() {
	t.life(t.task)
	t.tree(t.task, false)
	t.blameLast()
	t.moral = "Each execution has a number of its own, a later one a greater token, and what ended without a result is on record: retries are counted by it, and the outside tells executions apart by it."
}

// atomicTransitions explains an assignment that was removed in one write and replaced
// in another.
func (t *telling) atomicTransitions() {
	t.life(t.task)
	var gone *write
	for _, i := range t.byTask[t.task] {
		w := t.writes[i]
		c := changeOf(w, t.task)
		if w.outcome != record.OK {
			continue
		}
		switch {
		case c.alone() && gone == nil && !t.finished(t.task, w):
			gone = &w
			t.blame(w.Invoke.Seq)
		case gone != nil && (c.attempt != "" || c.status != nil):
			t.gap(*gone, w)
			return
		}
	}
	t.moral = "What ends an assignment must put in its place, in the same write, a status or the record of the attempt. Here nothing ever came in its place."
}

// gap says for how long no worker had the task.
func (t *telling) gap(gone, later write) {
	t.moral = fmt.Sprintf("What %s wrote at %s should have been one write with what came at %s", gone.Invoke.Process, wording.Seconds(gone.at), wording.Seconds(later.at))
	for i := range t.lines {
		t.lines[i].key = t.lines[i].key || slices.Contains(t.lines[i].Events, later.Invoke.Seq)
	}
	if gone.zxid != 0 && later.zxid != 0 {
		t.moral += fmt.Sprintf(": between zxid %s and zxid %s", zxid(gone.zxid), zxid(later.zxid))
		if at := later.at - gone.at; at > 0 {
			t.moral += fmt.Sprintf(", for %s,", at.Round(100*time.Microsecond))
		}
	} else {
		t.moral += ": in between"
	}
	t.moral += " no worker had the task, and its attempt was on no record. A master that dies in between leaves it so, and whoever comes next does not know that there has been an attempt."
}

// terminalAfterHeal explains where a task got stuck.
func (t *telling) terminalAfterHeal() {
	if t.task == "" {
		t.events()
		return
	}
	t.life(t.task)
	t.sort()
	stuck := ""
	if n := len(t.lines); n > 0 {
		stuck = fmt.Sprintf(" The last that happened to it was at %s.", wording.Seconds(t.lines[n-1].At))
	}
	if e, begun := t.index.Began(record.Draining); begun {
		t.add(Line{At: e.At, Process: Harness, Events: []int{e.Seq}, order: last, Text: "Everything works again: from here on every task must come to its end."})
	}
	t.tree(t.task, true)
	t.moral = "All faults had been healed, a master and workers were there, and still it did not come to its end." + stuck
}

// residentExclusive explains two workers that executed one task at once.
func (t *telling) residentExclusive() {
	t.life(t.task)
	t.blameLast()
	t.moral = "A resident task has one owner at a time: the next one may begin only when the old one has let go. An owner that is stopped, or whose session is ended by force, is excused until it runs again or hears of that. No such excuse holds here."
}

// budgetKept explains attempts that exceed or do not use the budget.
func (t *telling) budgetKept() {
	t.life(t.task)
	t.tree(t.task, true)
	t.moral = "The attempts on record are the budget: a task fails when as many are there as it is allowed, and not before; and nobody may begin another one after."
}
