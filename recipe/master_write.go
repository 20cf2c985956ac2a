package recipe

import (
	"cmp"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// writeRow is how the master writes one action.
type writeRow struct {
	// ops are its operations, but for the end of an assignment and its record, which
	// have the same form in all actions that end one.
	ops func(r *reconciler, d transition, known prepared) []zkapi.Op
	// subject is the kind of what a refusal is about that names no operation.
	subject string
	// registered says that its worker must be alive, in the incarnation that was seen.
	registered bool
	// reads says that what the holder's assignment says is read first.
	reads bool
	// notifies says that /workers/<w> of the holder is set, at which the worker looks.
	notifies bool
	// divides says that one multi may hold a part of it; the rest follows.
	divides bool
	// observe, if there is one, is called when it has been written.
	observe func(r *reconciler, d transition)
}

var writeTable = [actions]writeRow{
	assignTask:    {ops: (*reconciler).createAssignment, subject: taskSubject, registered: true, observe: (*reconciler).observeAssignment},
	reassignTask:  {ops: (*reconciler).createAssignment, subject: taskSubject, registered: true},
	releaseTask:   {ops: (*reconciler).nothingElse, subject: taskSubject},
	revokeTask:    {ops: (*reconciler).revoke, subject: taskSubject, registered: true, reads: true, observe: (*reconciler).observeRevocation},
	dropTask:      {ops: (*reconciler).nothingElse, subject: taskSubject},
	takeTask:      {ops: (*reconciler).take, subject: taskSubject, registered: true, reads: true, notifies: true},
	fenceWorker:   {ops: (*reconciler).fence, subject: workerSubject, observe: (*reconciler).readHolderAgain},
	failTask:      {ops: (*reconciler).createFailure, subject: taskSubject},
	collectTask:   {ops: (*reconciler).collect, subject: taskSubject, divides: true},
	dropRequest:   {ops: (*reconciler).deleteRequest, subject: requestSubject},
	pruneAttempts: {ops: (*reconciler).prune, subject: taskSubject},
	openInbox:     {ops: (*reconciler).createInbox, subject: workerSubject, observe: (*reconciler).readHolderAgain},
}

// checkWrites says what is missing in a table of writes.
func checkWrites(table []writeRow) error {
	for a, row := range table {
		if row.ops == nil || row.subject == "" {
			return fmt.Errorf("%v: it needs its operations, and what a refusal is about", action(a))
		}
		if row.notifies && !row.reads {
			return fmt.Errorf("%v: a worker is notified of what its assignment says, which is read first", action(a))
		}
	}
	return nil
}

// applied takes over into the view what has been written.
func (r *reconciler) applied(decisions []transition, ops []zkapi.Op) {
	now := r.now()
	for _, d := range decisions {
		row := writeTable[d.action]
		if row.divides && !r.layout.removes(ops, d.task) {
			r.partly(d.task, ops)
			continue
		}
		if row.observe != nil {
			row.observe(r, d)
		}
		if d.action.ends() && d.from != "" {
			r.term.obs.Metrics.AttemptEnded("master")
		}
		r.view.apply(d, r.term.epoch(), now)
	}
}

// batch is the multi for as many decisions as fit. A worker that is given
// something must be alive, in the incarnation that was seen.
func (r *reconciler) batch(decisions []transition, known prepared) (n int, ops []zkapi.Op) {
	size := 0
	checked, notified := map[string]bool{}, map[string]bool{}
	for _, d := range decisions {
		row, worker := writeTable[d.action], cmp.Or(d.to, d.holder)
		var add []zkapi.Op
		if row.registered && !checked[worker] {
			add = append(add,
				zkapi.Check(r.layout.worker(worker), zkapi.AnyVersion),
				zkapi.Check(r.layout.inbox(worker), r.view.worker(worker).incarnation))
		}
		add = append(add, r.write(d, known)...)
		if row.notifies && !notified[worker] { // once is enough, whatever to: it is set to what it is
			add = append(add, zkapi.Set(r.layout.worker(worker), known.address[worker], zkapi.AnyVersion))
		}
		bytes := sizeOf(add)
		if n > 0 && (len(ops)+len(add) > r.bounds.ops || size+bytes > r.bounds.bytes) {
			return n, ops
		}
		checked[worker] = checked[worker] || row.registered
		notified[worker] = notified[worker] || row.notifies
		ops, size, n = append(ops, add...), size+bytes, n+1
	}
	return n, ops
}

// write is the transition as operations on the tree.
func (r *reconciler) write(d transition, known prepared) []zkapi.Op {
	l := r.layout
	var ops []zkapi.Op
	if d.from != "" {
		ops = append(ops, zkapi.Delete(l.assignment(d.from, d.task), zkapi.AnyVersion))
	}
	if d.from != "" && d.action.ends() {
		ops = append(ops, zkapi.Create(l.attempt(d.task, d.ends), encode(attemptRecord{
			Token: d.token, Worker: d.from, Reason: d.reason, Ended: r.now().UTC(),
		}), zkapi.Persistent).WithACL(l.access.record()))
		if d.left && !r.view.task(d.task).options.Resident { // that has no budget
			ops = append(ops, zkapi.Create(l.left(d.task, d.ends), nil, zkapi.Persistent).WithACL(l.access.record()))
		}
	}
	return append(ops, writeTable[d.action].ops(r, d, known)...)
}

// nothingElse is for what only ends an assignment.
func (r *reconciler) nothingElse(transition, prepared) []zkapi.Op { return nil }

func (r *reconciler) createAssignment(d transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Create(r.layout.assignment(d.to, d.task), encode(assignmentRecord{
		Token: Token{Epoch: r.term.epoch(), Attempt: d.starts}, Incarnation: r.view.worker(d.to).incarnation,
	}), zkapi.Persistent).WithACL(r.layout.access.master())}
}

func (r *reconciler) revoke(d transition, known prepared) []zkapi.Op {
	record := known.assigned[d.task]
	record.Revoked = true
	return []zkapi.Op{zkapi.Set(r.layout.assignment(d.holder, d.task), encode(record), zkapi.AnyVersion)}
}

// take tells a worker to give a task back.
func (r *reconciler) take(d transition, known prepared) []zkapi.Op {
	record := known.assigned[d.task]
	record.Taken, record.Reason = true, d.reason
	return []zkapi.Op{zkapi.Set(r.layout.assignment(d.holder, d.task), encode(record), zkapi.AnyVersion)}
}

// fence takes the claim from a worker.
func (r *reconciler) fence(d transition, _ prepared) []zkapi.Op {
	record := encode(claimRecord{Holder: d.holder, Fenced: true})
	return []zkapi.Op{zkapi.Set(r.layout.inbox(d.holder), record, r.view.worker(d.holder).incarnation)}
}

func (r *reconciler) createFailure(d transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Create(r.layout.status(d.task), Status{
		State: Failed, Reason: "all attempts ended without a result", Token: d.token, Ended: r.now().UTC(),
	}.encode(), zkapi.Persistent).WithACL(r.layout.access.record())}
}

// collect removes a finished task, or a part of it, and with the last part the request.
func (r *reconciler) collect(d transition, known prepared) []zkapi.Op {
	part, rest := r.layout.removal(d.task, *r.view.task(d.task).leftover, r.bounds)
	if r.view.wanted(d.task) && rest == nil {
		return append(part, r.deleteRequest(d, known)...)
	}
	return part
}

func (r *reconciler) deleteRequest(d transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Delete(r.layout.request(d.task), zkapi.AnyVersion)}
}

func (r *reconciler) prune(d transition, _ prepared) []zkapi.Op {
	var ops []zkapi.Op
	records := r.view.task(d.task).records
	for _, n := range records[:len(records)-keptAttempts] {
		ops = append(ops, zkapi.Delete(r.layout.attempt(d.task, n), zkapi.AnyVersion))
	}
	return ops
}

func (r *reconciler) createInbox(d transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Create(r.layout.inbox(d.holder), nil, zkapi.Persistent).WithACL(r.layout.access.inbox())}
}

func (r *reconciler) observeAssignment(d transition) {
	task := r.view.task(d.task)
	r.term.obs.Metrics.Assigned(r.now().Sub(latest(task.waiting, task.due)))
}

func (r *reconciler) observeRevocation(d transition) {
	if d.avoid {
		r.term.obs.Logger.WarnContext(r.term.leading, "a resident task shows no progress: its worker is told to give it back, and keeps it until the handler has returned", "task", d.task, "worker", d.holder)
	}
}

// readHolderAgain makes the next pass read an inbox that is new, or has another claim.
func (r *reconciler) readHolderAgain(d transition) { r.stale[d.holder] = true }
