package protocol

import (
	"maps"
	"slices"
)

// apply is the state after a write that was applied.
func (s *state) apply(w *Write) *state {
	n := *s
	switch w.Kind {
	case Close:
		return s.without(w.Session)
	case Elect:
		n.epoch++
		n.begun = append(slices.Clip(s.begun), w.Session)
		n.spares = append(slices.Clip(s.spares), w.Acks)
		n.master = w.Session
	case Resign:
		n.master = 0
	case OpenInbox, EnsureInbox:
		n.worker(w.Worker).inbox = 0
	case FenceWorker:
		to := n.worker(w.Worker)
		to.inbox = w.Incarnation + 1
		to.born = append(slices.Clip(to.born), 0)
	case Register:
		to := n.worker(w.Worker)
		to.session, to.retiring, to.acks, to.inbox = w.Session, false, w.Acks, w.Version+1
		to.born = append(slices.Clip(to.born), w.Session)
	case Retire:
		to := n.worker(w.Worker)
		to.retiring, to.inbox = true, w.Incarnation+1
		to.born = append(slices.Clip(to.born), w.Session)
	default:
		n.task.apply(w)
	}
	return &n
}

// worker is a worker's state that may be changed. The other workers' states stay shared
// with the state that this one was copied from.
func (s *state) worker(w int) *worker {
	s.workers = slices.Clone(s.workers)
	return &s.workers[w-1]
}

// apply changes the task, whose maps other states may share.
func (t *task) apply(w *Write) {
	switch w.Kind {
	case AssignTask:
		t.assign(w.Worker, w.Record)
		t.give(w)
	case RevokeTask, TakeTask:
		t.assign(w.Worker, w.Record)
	case ReassignTask:
		t.unassign(w.From)
		t.record(w)
		t.assign(w.Worker, w.Record)
		t.give(w)
	case ReleaseTask:
		t.unassign(w.From)
		t.record(w)
	case DropTask:
		t.unassign(w.From)
	case FailTask:
		if w.From > 0 {
			t.unassign(w.From)
			t.record(w)
		}
		t.status = status{"failed", w.Token}
	case CollectTask, Collect:
		t.past = max(t.past, t.last())
		t.exists, t.attempts, t.left, t.status, t.progress, t.parted = false, nil, nil, status{}, 0, false
	case CollectTaskPart, CollectPart:
		t.part(w.Children)
	case PruneAttempts:
		t.attempts = maps.Clone(t.attempts)
		for _, n := range w.Children {
			delete(t.attempts, n)
		}
	case CompleteTask, GiveBack, MootEnding:
		t.end(w)
	case ShowProgress:
		if w.How != "set" {
			t.progress = w.Session
		}
	case SubmitTask:
		t.exists, t.budget, t.resident = true, w.Budget, w.Resident
		t.lives++
	case CancelTask:
		t.status = status{state: "cancelled"}
	}
}

// part removes some of the znodes below the task.
func (t *task) part(children []int32) {
	t.past = max(t.past, t.last())
	t.attempts, t.left, t.parted = maps.Clone(t.attempts), maps.Clone(t.left), true
	for _, c := range children {
		switch {
		case c == progressChild:
			t.progress = 0
		case c < progressChild:
			delete(t.left, -1-c)
		default:
			delete(t.attempts, c)
		}
	}
}

// end applies the record that a worker makes.
func (t *task) end(w *Write) {
	t.unassign(w.Worker)
	if w.Shown {
		t.progress = 0
	}
	switch w.Kind {
	case CompleteTask:
		t.status = status{"done", w.Token}
	case GiveBack:
		t.record(w)
	}
}

func (t *task) assign(w int, r Record) {
	all := map[int]Record{w: r}
	for at, other := range t.assigned {
		if at != w {
			all[at] = other
		}
	}
	t.assigned = all
}

func (t *task) give(w *Write) {
	all := map[gift]bool{{w.Worker, w.Record.Token, w.Record.Incarnation}: true}
	maps.Copy(all, t.given)
	t.given = all
}

func (t *task) unassign(w int) {
	t.assigned = maps.Clone(t.assigned)
	delete(t.assigned, w)
}

func (t *task) record(w *Write) {
	all := map[int32]int32{w.Token.Attempt: w.Token.Epoch}
	maps.Copy(all, t.attempts)
	t.attempts = all
	if w.Left {
		left := map[int32]bool{w.Token.Attempt: true}
		maps.Copy(left, t.left)
		t.left = left
	}
}

// without is the state after the end of the session.
func (s *state) without(session int) *state {
	n := *s
	n.over = s.over.with(session)
	if n.master == session {
		n.master = 0
	}
	for w := range n.workers {
		if n.workers[w].session == session {
			n.worker(w + 1).session = 0
		}
	}
	if n.task.progress == session {
		n.task.progress = 0
	}
	return &n
}
