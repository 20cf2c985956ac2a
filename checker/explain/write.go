package explain

import (
	"fmt"
	"slices"
	"strings"

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
	epoch          int32 // that the write checks
	claimed, hired bool  // it checks an epoch, an incarnation
	others         int   // tasks that it changes, too
}

// changeOf finds the effect of a write on a task.
func changeOf(w write, task string) change {
	var c change
	others := map[string]bool{}
	for _, op := range w.Invoke.Ops() {
		z := record.ParsePath(op.Path)
		own := record.TaskOf(op.Path) == task
		switch {
		case op.Kind == "check" && op.Path == record.AssignPath:
			c.claimed, c.epoch = true, op.Version
		case op.Kind == "check" && z.Kind == record.Inbox:
			c.hired = true
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
		deeds = append(deeds, "told "+c.told+" to give "+task+" back")
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
		deeds = append(deeds, "removed "+task+" with all that it had")
	}
	if c.progress && len(deeds) == 0 && !c.removed {
		deeds = append(deeds, "noted its progress on "+task)
	}
	return conjoin(deeds)
}

// alone reports whether the write only removes the assignment of the task.
func (c change) alone() bool {
	return c.from != "" && c.to == "" && c.status == nil && c.attempt == "" && !c.removed
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "one " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func conjoin(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// sentence describes a write by its effect on a task or, without an effect, by its
// operations.
func (t *telling) sentence(w write, task string) string {
	c := changeOf(w, task)
	deed := c.deed(w.Invoke.Process, t.call(task))
	switch {
	case c.alone() && !t.finished(task, w):
		deed += " and in the same write put nothing in its place"
	case deed == "":
		deed = "wrote " + operations(w.Invoke.Ops())
	}
	who := w.Invoke.Process
	switch {
	case c.claimed:
		who += fmt.Sprintf(", in the name of epoch %d,", c.epoch)
	case c.to != "" && !c.claimed:
		who += fmt.Sprintf(", without a check of its epoch (%d),", c.assigned.Epoch)
	}
	if c.others > 0 {
		deed += ", in one write with what it did to " + count(c.others, "other task")
	}
	if w.outcome == record.Fail && w.Operation.Outcome() == record.Fail {
		return "Refused, " + strings.TrimSuffix(w.refusal, " (not applied)") + ": " + who + " " + deed + "."
	}
	return who + " " + deed + fate(w)
}

// finished reports whether a task had its status before a write.
func (s *scene) finished(task string, before write) bool {
	return slices.ContainsFunc(s.byTask[task], func(i int) bool {
		w := s.writes[i]
		return w.Invoke.Seq < before.Invoke.Seq && w.outcome == record.OK && changeOf(w, task).status != nil
	})
}

// fate says in words what became of a write that was not plainly refused.
func fate(w write) string {
	heard := w.Operation.Outcome() != record.Info
	switch {
	case w.outcome == record.OK && heard:
		return "."
	case w.outcome == record.OK:
		return ". It heard no answer, but ZooKeeper applied it."
	case w.outcome == record.Fail:
		return ". It heard no answer, and it was not applied: " + w.refusal + "."
	}
	return ". No answer came, so it did not know whether it was applied."
}

// operations describes a write znode by znode.
func operations(ops []record.Op) string {
	const most = 5
	var all []string
	for i, op := range ops {
		if i == most {
			all = append(all, count(len(ops)-most, "more operation"))
			break
		}
		said := op.Kind + " " + op.Path
		if (op.Kind == "check" || op.Kind == "set") && op.Version >= 0 {
			said += fmt.Sprintf(" at version %d", op.Version)
		}
		all = append(all, said)
	}
	return conjoin(all)
}

// call is the name of a task in a story: the story's own task needs no name.
func (t *telling) call(task string) string {
	if task == t.task {
		return "the task"
	}
	return task
}

// write adds the line of a write.
func (t *telling) write(w write, task string) {
	c := changeOf(w, task)
	t.cast[c.from], t.cast[c.to] = true, true
	t.add(Line{
		At: w.at, Zxid: w.zxid, order: w.zxid, Process: w.Invoke.Process, Text: t.sentence(w, task),
		Events: []int{w.Invoke.Seq, w.Done.Seq}, Refused: w.outcome == record.Fail && w.zxid != 0,
	})
}

// election adds the line of an election.
func (t *telling) election(e election) {
	text := fmt.Sprintf("%s was elected with epoch %d, in session %s: /master and version %d of /assign in one write", e.Invoke.Process, e.epoch, e.Invoke.Session(), e.epoch)
	t.add(Line{At: e.at, Zxid: e.zxid, order: e.zxid, Process: e.Invoke.Process, Text: text + fate(e.write), Events: []int{e.Invoke.Seq, e.Done.Seq}})
}

// writeOf is the write that an event belongs to.
func (s *scene) writeOf(seq int) (write, bool) {
	i := slices.IndexFunc(s.writes, func(w write) bool { return w.Invoke.Seq == seq || w.Done.Seq == seq && seq > 0 })
	if i < 0 {
		return write{}, false
	}
	return s.writes[i], true
}
