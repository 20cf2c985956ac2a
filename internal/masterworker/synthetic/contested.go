package synthetic

import "github.com/ringmaster-zk/ringmaster/record"

// Shape of a contested run.
const (
	contestedLength = 200 // submissions, records of a status and readings of it
	contestedRounds = 19  // of submissions, one from each client
	contestedFrom   = 3   // the first round after which a status is recorded
	contestants     = 5   // clients
)

// Contested is a run of 200 operations on one task: 95 submissions of the same id, five
// at a time; records of its status, whose answers are lost if there are pending ones;
// and clients that read the status, five at a time. Of the pending records, at most 16,
// the last was applied, and the workers of the others were gone before their records
// arrived. One of the last readings is of a status that was not recorded: no order of
// the 200 operations explains it. Everything else is valid.
func Contested(pending int) *Record {
	c := newCluster(1, 1, 4, contestants)
	t := &task{id: "contested", name: "task-contested", budget: int32(pending) + 1, client: c.clients[0]}
	records := max(pending, 1)
	var impossible status
	for round := range contestedRounds {
		c.submitAtOnce(t)
		if round == contestedFrom-1 {
			c.assign([]*task{t}, c.workers[0])
		}
		if n := round - contestedFrom + 1; n >= 1 && n <= records {
			c.contend(t, n == records, pending > 0)
		}
		if round == contestedFrom {
			impossible = t.status
		}
	}
	if pending < 2 {
		impossible.Result = "of nobody"
	}
	c.read(t, impossible, contestedLength-contestedRounds*contestants-records)
	return c.finish()
}

// submitAtOnce makes every client submit the task; one of the submissions makes it.
func (c *cluster) submitAtOnce(t *task) {
	calls, writes := make([]record.Event, len(c.clients)), make([]sent, len(c.clients))
	for i, client := range c.clients {
		calls[i] = c.invoke(client, record.Event{Kind: record.Submit, Of: record.Submission{ID: t.id}})
		writes[i] = c.send(client, create(t.path(""), t.payload()))
	}
	for _, i := range c.random.Perm(len(c.clients)) {
		if _, made := c.tree[t.path("")]; made {
			c.refuse(writes[i], record.NodeExists, 0)
		} else {
			c.arrive(writes[i], answered)
		}
		c.complete(calls[i], record.OK, record.Submission{ID: t.id, Task: t.name})
	}
}

// contend makes the worker that has the task record a result. Only the last record
// arrives; after each other, the next worker gets the task.
func (c *cluster) contend(t *task, last, unknown bool) {
	c.start(t)
	w := c.succeeds(t)
	switch {
	case !last:
		c.arrive(w, lost)
		old := t.worker
		c.expire(old, "expire-worker")
		c.open(old)
		c.register(old)
		c.reassign(t, c.workers[int(t.token.Attempt)%len(c.workers)])
	case unknown:
		c.arrive(w, unheard)
	default:
		c.arrive(w, answered)
	}
}

// read has the clients wait for the status that many times. The third last of them
// hears an impossible status.
func (c *cluster) read(t *task, impossible status, times int) {
	for done := 0; done < times; {
		var calls []record.Event
		for _, client := range c.clients[:min(len(c.clients), times-done)] {
			calls = append(calls, c.invoke(client, record.Event{Kind: record.Await, Of: record.Answer{Task: t.name, ID: t.id}}))
		}
		for _, call := range calls {
			heard := t.status
			if done == times-3 {
				heard = impossible
			}
			c.hear(call, heard)
			done++
		}
	}
}
