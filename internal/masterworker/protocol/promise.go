package protocol

import (
	"fmt"
	"slices"
)

// promised names the promise of the writer that the state breaks, "" if it breaks none.
// A promise is about a fact that no demand can check, and that only the holder of the
// claim can change.
func (s *state) promised(w *Write) string {
	t := &s.task
	switch w.Kind {
	case AssignTask:
		for _, at := range s.holders() {
			return fmt.Sprintf("the task is assigned already, to %s", ref(at))
		}
		if !t.next(w.Record.Attempt) {
			return fmt.Sprintf("attempt %d is not the next one: the last on record is %d", w.Record.Attempt, t.last())
		}
		return s.assignable(w)
	case ReassignTask:
		if why := s.endsAttempt(w); why != "" {
			return why
		}
		return s.assignable(w)
	case ReleaseTask:
		if !t.within(w.Token.Attempt, w.Left) {
			return fmt.Sprintf("the task is allowed %d attempts, and has used all of them", t.budget)
		}
		return s.endsAttempt(w)
	case TakeTask:
		same := t.assigned[w.Worker]
		same.Taken = true
		return unlessTrue(w.Record == same, fmt.Sprintf("the assignment is %s", t.assigned[w.Worker]))
	case CollectTask, Collect, CollectTaskPart, CollectPart:
		return s.removable(w)
	case RevokeTask:
		same := t.assigned[w.Worker]
		same.Revoked = true
		if w.Record != same {
			return fmt.Sprintf("the assignment is %s", t.assigned[w.Worker])
		}
		return unlessTrue(t.resident, "the task is not resident")
	case DropTask:
		if !t.ended() {
			return "the task has no status and is not deleted"
		}
		return s.takesFromLive(w)
	case MootEnding:
		return unlessTrue(t.ended(), "the task has no status and is not deleted")
	case FailTask:
		return s.spent(w)
	case PruneAttempts:
		return t.prunable(w.Children)
	case CompleteTask:
		r := t.assigned[w.Worker]
		if r.Token != w.Token {
			return fmt.Sprintf("the assignment is %s", r)
		}
		return unlessTrue(s.serves(w.Session, w.Worker, r.Incarnation), "it was assigned to an incarnation of another session")
	case GiveBack:
		r := t.assigned[w.Worker]
		if w.Left && t.resident {
			return "a resident task has no budget, so its attempts need no mark"
		}
		return unlessTrue(r.Token == w.Token, fmt.Sprintf("the assignment is %s", r))
	}
	return ""
}

// removable: the removed thing is held by no worker. Masters that do not know of that
// write no parts. A part of a cancelled task must be a master's, because only a master
// knows that the task will not be assigned any more.
func (s *state) removable(w *Write) string {
	if w.Kind == CollectTask && !s.sparesWorkers(w) {
		return ""
	}
	for _, at := range s.holders() {
		return fmt.Sprintf("%s still holds the task", ref(at))
	}
	if w.Kind == CollectPart && s.task.firstLife() && s.task.status.state == "cancelled" {
		return "the task is cancelled, so only a master may remove its parts"
	}
	return ""
}

// proper names a wrong statement of a write about itself, whatever the answer.
func (s *state) proper(w *Write) string {
	r := w.Record
	switch w.Kind {
	case AssignTask, ReassignTask:
		switch {
		case r.Epoch != w.Epoch:
			return fmt.Sprintf("the assignment says epoch %d", r.Epoch)
		case r.Incarnation != w.Incarnation:
			return fmt.Sprintf("the assignment says incarnation %d", r.Incarnation)
		case r.Revoked || r.Taken:
			return "a new assignment is neither revoked nor taken"
		case w.Kind == ReassignTask && r.Attempt != w.Token.Attempt+1:
			return fmt.Sprintf("attempt %d does not come after attempt %d", r.Attempt, w.Token.Attempt)
		}
	case RevokeTask:
		return unlessTrue(r.Revoked, "the assignment is not revoked")
	case TakeTask:
		return unlessTrue(r.Taken, "the assignment is not taken")
	case CollectTask, Collect:
		return unlessTrue(slices.Contains(w.Children, statusChild), "the write does not delete the status")
	case CollectTaskPart, CollectPart:
		if slices.Contains(w.Children, statusChild) {
			return "the status may be deleted only together with the task"
		}
		return unlessTrue(len(w.Children) > 0, "nothing is deleted")
	case SubmitTask:
		return unlessTrue(!w.Resident || w.Budget == 0, "a resident task has no budget")
	}
	return s.given(w)
}

// given: a worker records only executions that it was given, with their tokens, and has
// results only of those that its own session was given.
func (s *state) given(w *Write) string {
	worker := w.From
	switch w.Kind {
	case CompleteTask, GiveBack:
		worker = w.Worker
	case ReassignTask, ReleaseTask, FailTask:
	default:
		return ""
	}
	if worker == 0 {
		return unlessTrue(!w.Left, "the attempt was on record before")
	}
	if w.From > 0 && !s.sparesWorkers(w) {
		return unlessTrue(w.Token.Epoch == w.Epoch, fmt.Sprintf("the record says epoch %d", w.Token.Epoch))
	}
	for g := range s.task.given {
		if g.worker == worker && g.Token == w.Token && (w.Kind != CompleteTask || s.serves(w.Session, g.worker, g.incarnation)) {
			return ""
		}
	}
	return fmt.Sprintf("%s was never given attempt %d of epoch %d", ref(worker), w.Token.Attempt, w.Token.Epoch)
}

func unlessTrue(kept bool, otherwise string) string {
	if kept {
		return ""
	}
	return otherwise
}

// String tells a record.
func (r Record) String() string {
	text := fmt.Sprintf("attempt %d of epoch %d for incarnation %d", r.Attempt, r.Epoch, r.Incarnation)
	if r.Revoked {
		text += ", revoked"
	}
	if r.Taken {
		text += ", taken"
	}
	return text
}

// holders are the workers that the task is assigned to.
func (s *state) holders() []int {
	var all []int
	for w := range s.workers {
		if _, there := s.task.assigned[w+1]; there {
			all = append(all, w+1)
		}
	}
	return all
}

// assignable: a client wants the task, and it has not ended. It is not promised that
// the worker does not retire, because a master that knows the new incarnation may not
// have read its record yet.
func (s *state) assignable(w *Write) string {
	t, r := &s.task, w.Record
	switch {
	case t.lives == 0:
		return "no client has submitted the task"
	case !t.exists:
		return "the task is deleted"
	case t.status.state != "" && t.status.state != "cancelled":
		return "the task is " + t.status.state
	case t.firstLife() && t.parted:
		return "a part of the task was removed"
	case !t.within(r.Attempt-1, w.Left):
		return fmt.Sprintf("the task is allowed %d attempts", t.budget)
	}
	return ""
}

// endsAttempt: the attempt that ends is exactly the assigned one.
func (s *state) endsAttempt(w *Write) string {
	if assigned := s.task.assigned[w.From]; w.Token.Attempt != assigned.Attempt || s.sparesWorkers(w) && w.Token != assigned.Token {
		return fmt.Sprintf("the assignment is %s", assigned)
	}
	if w.Left && s.task.resident {
		return "a resident task has no budget, so its attempts need no mark"
	}
	return s.takesFromLive(w)
}

// takesFromLive: an assignment of a live worker is removed only by a write of that worker.
func (s *state) takesFromLive(w *Write) string {
	return unlessTrue(!s.sparesWorkers(w) || s.lost(w.From), fmt.Sprintf("%s is alive, and may still record the end of the attempt", ref(w.From)))
}

// sparesWorkers reports whether the writing master is of a build that takes nothing from a
// live worker, records the tokens of assignments, and counts no attempt whose worker
// left.
func (s *state) sparesWorkers(w *Write) bool { return s.spares[w.Epoch-1] }

// spent: a task fails when its attempts are spent, with the last one on record.
func (s *state) spent(w *Write) string {
	t := &s.task
	switch {
	case t.resident:
		return "a resident task does not fail"
	case t.firstLife() && !s.allSpent(w):
		return fmt.Sprintf("the task is allowed %d attempts", t.budget)
	case w.From > 0:
		return s.endsAttempt(w)
	case len(t.assigned) > 0:
		return "the task is assigned"
	}
	last := Token{Epoch: t.attempts[t.last()], Attempt: t.last()}
	if !s.sparesWorkers(w) {
		last.Epoch = w.Epoch
	}
	return unlessTrue(w.Token == last && last.Attempt > 0, fmt.Sprintf("attempt %d of epoch %d is the last on record", last.Attempt, last.Epoch))
}

// allSpent: the attempts of the task are spent, as that master counts.
func (s *state) allSpent(w *Write) bool {
	if !s.sparesWorkers(w) {
		return w.Token.Attempt >= s.task.budget
	}
	return s.task.spent(w.Token.Attempt, w.Left) == s.task.budget
}

// prunable: the oldest records go, and enough stay.
func (t *task) prunable(numbers []int32) string {
	left := 0
	for n := range t.attempts {
		if slices.Contains(numbers, n) {
			continue
		}
		left++
		if len(numbers) > 0 && n < slices.Max(numbers) {
			return fmt.Sprintf("attempt %d is older and stays", n)
		}
	}
	if left < kept {
		return fmt.Sprintf("%d records stay, but %d must stay", left, kept)
	}
	return unlessTrue(t.resident, "the task is not resident")
}
