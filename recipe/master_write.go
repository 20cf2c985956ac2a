package recipe

import (
	"cmp"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// writeRow is how the master writes one action.
type writeRow struct {
	// ops are its operations, except the end of an assignment and its record, which have the
	// same form in all actions that end one.
	ops func(r *reconciler, d decide.Transition, known prepared) []zkapi.Op
	// subject is the kind of the subject if a refusal names no operation.
	subject string
	// registered says that its worker must be alive, in the incarnation that was seen.
	registered bool
	// reads says that the holder's assignment is read first.
	reads bool
	// notifies says that /workers/<w> of the holder is set, at which the worker looks.
	notifies bool
	// divides says that one multi may hold a part of it; the rest follows.
	divides bool
	// observe, if there is one, is called when it has been written.
	observe func(r *reconciler, d decide.Transition)
}

var writeTable = [decide.Actions]writeRow{
	decide.AssignTask:    {ops: (*reconciler).createAssignment, subject: taskSubject, registered: true, observe: (*reconciler).observeAssignment},
	decide.ReassignTask:  {ops: (*reconciler).createAssignment, subject: taskSubject, registered: true},
	decide.ReleaseTask:   {ops: (*reconciler).nothingElse, subject: taskSubject},
	decide.RevokeTask:    {ops: (*reconciler).revoke, subject: taskSubject, registered: true, reads: true, observe: (*reconciler).observeRevocation},
	decide.DropTask:      {ops: (*reconciler).nothingElse, subject: taskSubject},
	decide.TakeTask:      {ops: (*reconciler).take, subject: taskSubject, registered: true, reads: true, notifies: true},
	decide.FenceWorker:   {ops: (*reconciler).fence, subject: workerSubject, observe: (*reconciler).readHolderAgain},
	decide.FailTask:      {ops: (*reconciler).createFailure, subject: taskSubject},
	decide.CollectTask:   {ops: (*reconciler).collect, subject: taskSubject, divides: true},
	decide.DropRequest:   {ops: (*reconciler).deleteRequest, subject: requestSubject},
	decide.PruneAttempts: {ops: (*reconciler).prune, subject: taskSubject},
	decide.OpenInbox:     {ops: (*reconciler).createInbox, subject: workerSubject, observe: (*reconciler).readHolderAgain},
}

// checkWrites returns an error if something is missing in a table of writes.
func checkWrites(table []writeRow) error {
	for a, row := range table {
		if row.ops == nil || row.subject == "" {
			return fmt.Errorf("%v (%s): its row needs ops and subject", decide.Action(a), decide.Action(a).Explain())
		}
		if row.notifies && !row.reads {
			return fmt.Errorf("%v: a row that notifies must also read, because the notice is written into the assignment", decide.Action(a))
		}
	}
	return nil
}

// applied updates the view with the written decisions.
func (r *reconciler) applied(decisions []decide.Transition, ops []zkapi.Op) {
	now := r.now()
	for _, d := range decisions {
		row := writeTable[d.Action]
		if row.divides && !r.layout.removes(ops, d.Task) {
			r.partly(d.Task, ops)
			continue
		}
		if row.observe != nil {
			row.observe(r, d)
		}
		if d.Action.Ends() && d.From != "" {
			r.term.obs.Metrics.AttemptEnded("master")
		}
		r.view.Apply(d, r.term.epoch(), now)
	}
}

// batch is the multi for as many decisions as fit. A worker that is given
// something must be alive, in the incarnation that was seen.
func (r *reconciler) batch(decisions []decide.Transition, known prepared) (n int, ops []zkapi.Op) {
	size := 0
	checked, notified := map[string]bool{}, map[string]bool{}
	for _, d := range decisions {
		row, worker := writeTable[d.Action], cmp.Or(d.To, d.Holder)
		var add []zkapi.Op
		if row.registered && !checked[worker] {
			add = append(add,
				zkapi.Check(r.layout.worker(worker), zkapi.AnyVersion),
				zkapi.Check(r.layout.inbox(worker), r.view.Worker(worker).Incarnation))
		}
		add = append(add, r.write(d, known)...)
		if row.notifies && !notified[worker] { // one set is enough, because the data stays the same
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
func (r *reconciler) write(d decide.Transition, known prepared) []zkapi.Op {
	l := r.layout
	var ops []zkapi.Op
	if d.From != "" {
		ops = append(ops, zkapi.Delete(l.assignment(d.From, d.Task), zkapi.AnyVersion))
	}
	if d.From != "" && d.Action.Ends() {
		ops = append(ops, zkapi.Create(l.attempt(d.Task, d.Ends), encode(attemptRecord{
			Token: d.Token, Worker: d.From, Reason: d.Reason, Ended: r.now().UTC(),
		}), zkapi.Persistent).WithACL(l.access.record()))
		if d.Left && !r.view.Task(d.Task).Options.Resident { // that has no budget
			ops = append(ops, zkapi.Create(l.left(d.Task, d.Ends), nil, zkapi.Persistent).WithACL(l.access.record()))
		}
	}
	return append(ops, writeTable[d.Action].ops(r, d, known)...)
}

// nothingElse is for actions that only end an assignment.
func (r *reconciler) nothingElse(decide.Transition, prepared) []zkapi.Op { return nil }

func (r *reconciler) createAssignment(d decide.Transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Create(r.layout.assignment(d.To, d.Task), encode(assignmentRecord{
		Token: Token{Epoch: r.term.epoch(), Attempt: d.Starts}, Incarnation: r.view.Worker(d.To).Incarnation,
	}), zkapi.Persistent).WithACL(r.layout.access.master())}
}

func (r *reconciler) revoke(d decide.Transition, known prepared) []zkapi.Op {
	record := known.assigned[d.Task]
	record.Revoked = true
	return []zkapi.Op{zkapi.Set(r.layout.assignment(d.Holder, d.Task), encode(record), zkapi.AnyVersion)}
}

// take asks a worker to give a task back.
func (r *reconciler) take(d decide.Transition, known prepared) []zkapi.Op {
	record := known.assigned[d.Task]
	record.Taken, record.Reason = true, d.Reason
	return []zkapi.Op{zkapi.Set(r.layout.assignment(d.Holder, d.Task), encode(record), zkapi.AnyVersion)}
}

// fence takes the claim from a worker.
func (r *reconciler) fence(d decide.Transition, _ prepared) []zkapi.Op {
	record := encode(claimRecord{Record: claims.Record{Holder: d.Holder}, Fenced: true})
	return []zkapi.Op{zkapi.Set(r.layout.inbox(d.Holder), record, r.view.Worker(d.Holder).Incarnation)}
}

func (r *reconciler) createFailure(d decide.Transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Create(r.layout.status(d.Task), Status{
		State: Failed, Reason: "all attempts ended without a result", Token: d.Token, Ended: r.now().UTC(),
	}.encode(), zkapi.Persistent).WithACL(r.layout.access.record())}
}

// collect removes a finished task, or a part of it, and with the last part the request.
func (r *reconciler) collect(d decide.Transition, known prepared) []zkapi.Op {
	part, rest := r.layout.removal(d.Task, *r.view.Task(d.Task).Leftover, r.bounds)
	if r.view.Wanted(d.Task) && rest == nil {
		return append(part, r.deleteRequest(d, known)...)
	}
	return part
}

func (r *reconciler) deleteRequest(d decide.Transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{zkapi.Delete(r.layout.request(d.Task), zkapi.AnyVersion)}
}

func (r *reconciler) prune(d decide.Transition, _ prepared) []zkapi.Op {
	var ops []zkapi.Op
	records := r.view.Task(d.Task).Records
	for _, n := range records[:len(records)-decide.KeptAttempts] {
		ops = append(ops, zkapi.Delete(r.layout.attempt(d.Task, n), zkapi.AnyVersion))
	}
	return ops
}

// createInbox makes an inbox only while its worker is there. If the worker has left since the master
// looked, its name may have been pruned, and the inbox would bring the name back.
func (r *reconciler) createInbox(d decide.Transition, _ prepared) []zkapi.Op {
	return []zkapi.Op{
		zkapi.Check(r.layout.worker(d.Holder), zkapi.AnyVersion),
		zkapi.Create(r.layout.inbox(d.Holder), nil, zkapi.Persistent).WithACL(r.layout.access.inbox()),
	}
}

func (r *reconciler) observeAssignment(d decide.Transition) {
	task := r.view.Task(d.Task)
	r.term.obs.Metrics.Assigned(r.now().Sub(latest(task.Waiting, task.Due)))
}

func (r *reconciler) observeRevocation(d decide.Transition) {
	if d.Avoid {
		r.term.obs.Logger.WarnContext(r.term.Active, "a resident task shows no progress: its worker is told to give it back, and keeps it until the handler has returned", "task", d.Task, "worker", d.Holder)
	}
}

// readHolderAgain makes the next pass read an inbox that is new, or has another claim.
func (r *reconciler) readHolderAgain(d decide.Transition) { r.stale[d.Holder] = true }
