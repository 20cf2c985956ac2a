package story

import (
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/record"
)

// change is the effect of a write on one task.
type change struct {
	from, to, told string // workers that lose it, get it, are told to give it back
	assigned       record.Entry
	attempt        string // that is put on record
	ended          record.Entry
	status         *record.Entry
	made, removed  bool
	progress       bool
	others         int // tasks that it changes, too
}

// changeOf finds the effect of a write on a task.
func changeOf(w explain.Write, task string) change {
	var c change
	others := map[string]bool{}
	for _, op := range w.Invoke.Ops() {
		z := record.ParsePath(op.Path)
		own := record.TaskOf(op.Path) == task
		switch {
		case op.Kind == "check":
		case !own:
			if t := record.TaskOf(op.Path); t != "" {
				others[t] = true
			}
		default:
			c.part(op, z)
		}
	}
	c.others = len(others)
	return c
}

// part reads one operation on the task.
func (c *change) part(op record.Op, z record.Znode) {
	switch {
	case z.Kind == record.Assignment && op.Kind == "delete":
		c.from = z.Worker
	case z.Kind == record.Assignment && op.Kind == "set" && record.ParseEntry(op.Data).Taken:
		c.told = z.Worker
	case z.Kind == record.Assignment && op.Kind == "create":
		c.to, c.assigned = z.Worker, record.ParseEntry(op.Data)
	case z.Kind == record.Task && op.Kind == "create":
		c.made = true
	case z.Kind == record.Task && op.Kind == "delete":
		c.removed = true
	case z.Kind == record.TaskStatus && op.Kind == "create":
		r := record.ParseStatus(op.Data)
		c.status = &r
	case z.Kind == record.Attempt && op.Kind == "create":
		c.attempt, c.ended = fmt.Sprint(z.Number), record.ParseEntry(op.Data)
	case z.Kind == record.TaskProgress:
		c.progress = true
	}
}

// deed says in words what a write did to the task, after the name of its writer.
func (c change) deed(by, task string) string {
	var deeds []string
	if c.made {
		deeds = append(deeds, "created "+task)
	}
	if c.from != "" {
		whose := c.from
		if c.from == by {
			whose = "its own list"
		}
		deeds = append(deeds, "took "+task+" from "+whose)
	}
	if c.told != "" {
		deeds = append(deeds, "told "+c.told+" to return "+task)
	}
	if c.status != nil {
		said := "recorded its status: " + c.status.State
		if len(deeds) == 0 {
			said = "recorded the status of " + task + ": " + c.status.State
		}
		if c.status.Attempt > 0 {
			said += fmt.Sprintf(", from attempt %d", c.status.Attempt)
		}
		deeds = append(deeds, said)
	}
	if c.attempt != "" {
		said := "put attempt " + c.attempt + " on record"
		if c.ended.Reason != "" {
			said += " (" + c.ended.Reason + ")"
		}
		deeds = append(deeds, said)
	}
	if c.to != "" {
		deeds = append(deeds, fmt.Sprintf("assigned %s to %s as attempt %d", task, c.to, c.assigned.Attempt))
	}
	if c.removed {
		deeds = append(deeds, "removed "+task+" and everything below it")
	}
	if c.progress && len(deeds) == 0 && !c.removed {
		deeds = append(deeds, "noted its progress on "+task)
	}
	return explain.Conjoin(deeds)
}

// alone reports whether the write only removes the assignment of the task.
func (c change) alone() bool {
	return c.from != "" && c.to == "" && c.status == nil && c.attempt == "" && !c.removed
}

// deed describes a write by its effect on a task or, without an effect, by its
// operations.
func (t *explainer) deed(w explain.Write, task string) explain.Deed {
	c := changeOf(w, task)
	what := c.deed(w.Invoke.Process, t.Call(task))
	switch {
	case c.alone() && !t.finished(task, w):
		what += " and in the same write put nothing in its place"
	case what == "":
		what = "wrote " + explain.Operations(w.Invoke.Ops())
	}
	by := w.Invoke.Process
	if epoch, claims := explain.Claim(w); claims {
		by = explain.InTheNameOf(by, epoch)
	} else if c.to != "" {
		by += fmt.Sprintf(", without a check of its epoch (%d),", c.assigned.Epoch)
	}
	if c.others > 0 {
		what += ", in one write with changes of " + explain.Count(c.others, "other task")
	}
	return explain.Deed{By: by, What: what, Whom: []string{c.from, c.to}}
}

// finished reports whether a task had its status before a write.
func (t *explainer) finished(task string, before explain.Write) bool {
	return slices.ContainsFunc(t.Touching(task), func(w explain.Write) bool {
		return w.Invoke.Seq < before.Invoke.Seq && w.Fate == record.OK && changeOf(w, task).status != nil
	})
}
