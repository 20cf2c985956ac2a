package synthetic

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// status is a task's status as it is stored.
type status struct {
	State  string `json:"state"`
	Result string `json:"result,omitempty"`
	Reason string `json:"reason,omitempty"`
	Worker string `json:"worker,omitempty"`
	record.Token
}

// attempt is the record of an attempt that ended without a result.
type attempt struct {
	record.Token
	Worker string `json:"worker"`
	Reason string `json:"reason"`
}

// assignment is an assignment to a worker.
type assignment struct {
	Epoch       int32 `json:"epoch"`
	Attempt     int32 `json:"attempt"`
	Incarnation int32 `json:"incarnation"`
}

// task is a task under way.
type task struct {
	name, id string
	budget   int32
	client   *member
	awaits   []record.Event // that are not over

	worker   *member // the worker that has it
	token    record.Token
	run      record.Event
	attempts []int32 // on record
	status   status
	ended    time.Duration // when it got its status
}

func (t *task) path(child string) string { return "/tasks/" + t.name + child }

func (t *task) assigned() string { return "/assign/" + t.worker.name + "/" + t.name }

// payload is the data of the task's znode.
func (t *task) payload() string {
	payload := encode(struct {
		ID string `json:"id"`
	}{t.id})
	if t.budget != usualBudget {
		return fmt.Sprintf("#ringmaster {\"attempts\":%d}\n%s", t.budget, payload)
	}
	return payload
}

// usualBudget is the number of attempts of a task that does not ask for another; see
// package participant.
const usualBudget = 5

// assign gives tasks to workers, in one write of the leader.
func (c *cluster) assign(tasks []*task, to *member) {
	ops := []record.Op{check("/assign", c.epoch), check("/workers/"+to.name, nobody), check("/assign/"+to.name, to.incarnation)}
	for _, t := range tasks {
		t.worker, t.token = to, record.Token{Epoch: c.epoch, Attempt: int32(len(t.attempts)) + 1}
		ops = append(ops, create(t.assigned(), encode(assignment{c.epoch, t.token.Attempt, to.incarnation})))
	}
	c.write(c.leader, ops...)
}

// reassign moves a task from a dead worker to another.
func (c *cluster) reassign(t *task, to *member) {
	ops := []record.Op{
		check("/assign", c.epoch), check("/workers/"+to.name, nobody), check("/assign/"+to.name, to.incarnation),
		remove(t.assigned(), nobody), t.ends(c.epoch, "the worker is gone"),
	}
	t.worker, t.token = to, record.Token{Epoch: c.epoch, Attempt: t.token.Attempt + 1}
	c.write(c.leader, append(ops, create(t.assigned(), encode(assignment{c.epoch, t.token.Attempt, to.incarnation})))...)
}

// ends puts the attempt on record, in the name of that epoch.
func (t *task) ends(epoch int32, reason string) record.Op {
	t.attempts = append(t.attempts, t.token.Attempt)
	return create(t.path(fmt.Sprintf("/attempt-%d", t.token.Attempt)),
		encode(attempt{record.Token{Epoch: epoch, Attempt: t.token.Attempt}, t.worker.name, reason}))
}

// start has the worker run its handler, which acts on the system outside.
func (c *cluster) start(t *task) {
	t.run = c.invoke(t.worker, record.Event{Kind: record.Execute, Of: record.Execution{Task: t.name, ID: t.id, Token: t.token}})
	c.act(t, t.token, t.worker, true)
}

func (c *cluster) act(t *task, token record.Token, by *member, accepted bool) {
	c.note(record.Event{Process: "sink", Kind: record.Effect, Of: record.Act{Task: t.name, ID: t.id, Token: token, Accepted: accepted, By: by.alive()}})
}

// fails ends a handler without a result; the worker returns the task.
func (c *cluster) fails(t *task) sent {
	c.failed(t.run, "fails on purpose")
	return c.send(t.worker, check("/assign/"+t.worker.name, t.worker.incarnation), remove(t.assigned(), nobody), t.ends(t.token.Epoch, "fails on purpose"))
}

// failed ends an execution without a result.
func (c *cluster) failed(run record.Event, problem string) {
	end := run.Execution()
	end.Problem = problem
	c.complete(run, record.Fail, end)
}

// succeeds ends a handler with a result, which the worker records.
func (c *cluster) succeeds(t *task) sent {
	c.act(t, t.token, t.worker, true)
	t.status = status{State: "done", Result: fmt.Sprintf("%s by %s at %d.%d", t.id, t.worker.name, t.token.Epoch, t.token.Attempt), Worker: t.worker.name, Token: t.token}
	run := t.run.Execution()
	run.Result = t.status.Result
	c.complete(t.run, record.OK, run)
	return c.send(t.worker, check("/assign/"+t.worker.name, t.worker.incarnation), remove(t.assigned(), nobody), create(t.path("/status"), encode(t.status)))
}

// tell reports the status to all clients that wait for it.
func (c *cluster) tell(t *task) {
	t.ended = c.now
	c.note(record.Event{Process: c.leader.name, Life: c.leader.life, Kind: record.Change, Of: record.TaskChange{Task: t.name, Fate: record.Finished}})
	for _, a := range t.awaits {
		c.hear(a, t.status)
	}
	t.awaits = nil
}

func (c *cluster) hear(await record.Event, s status) {
	c.complete(await, record.OK, record.Answer{Task: await.Task(), ID: await.ID(), Token: s.Token, State: s.State, Result: s.Result})
}

// collection deletes a finished task exactly as it is.
func (t *task) collection() []record.Op {
	var ops []record.Op
	for _, n := range t.attempts {
		ops = append(ops, remove(t.path(fmt.Sprintf("/attempt-%d", n)), nobody))
	}
	return append(ops, remove(t.path("/status"), 0), remove(t.path(""), 0))
}

// cancel has the client cancel the task before any worker has it.
func (c *cluster) cancel(t *task) {
	call := c.invoke(t.client, record.Event{Kind: record.Cancel, Of: record.Answer{Task: t.name, ID: t.id}})
	t.status = status{State: "cancelled", Reason: "cancelled by a client"}
	c.write(t.client, create(t.path("/status"), encode(t.status)), set("/tasks", nobody, t.name))
	t.awaits = append(slices.Clip(t.awaits), call)
	c.tell(t)
}
