package judge

// Task is the sequential specification of one task: it is accepted once, gets one
// status, and keeps it.
type Task struct {
	Accepted  bool
	Status    string // empty while there is none
	Collected bool
}

// Submit accepts the task. Submitting the same id again is no second task.
func (t Task) Submit() (Task, bool) {
	t.Accepted = true
	return t, true
}

// Record gives the task its status. It is right only if the task was accepted and
// has none.
func (t Task) Record(status string) (Task, bool) {
	if !t.Accepted || t.Status != "" {
		return t, false
	}
	t.Status = status
	return t, true
}

// Observe reads the status. Only the recorded status is right, and only as long as the
// task exists.
func (t Task) Observe(status string) (Task, bool) {
	return t, t.Accepted && t.Status == status && !t.Collected
}

// Collect removes the task. It is right only when it has its status.
func (t Task) Collect() (Task, bool) {
	right := t.Status != "" && !t.Collected
	t.Collected = true
	return t, right
}
