package synthetic

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Shape of a run.
const (
	masters = 3
	workers = 4
	clients = 4

	wave      = 24 // tasks under way at a time
	faultEach = 60 // waves
	retention = 7 * time.Second
)

// PerTask is the average number of operations for a task of [Run], at least.
const PerTask = 5.9

// Run is a valid run with that many tasks. One task in four needs more than one
// attempt, one in thirty-two is cancelled, and one in two hundred has an operation of
// unknown outcome. Half of them are collected, by clients at once and by masters after
// their retention. In every 60th wave of 24 tasks a master or a worker loses its
// session.
func Run(seed uint64, tasks int) *Record {
	c := newCluster(seed, masters, workers, clients)
	r := &runner{cluster: c}
	for n := 0; r.made < tasks || len(r.retry) > 0; n++ {
		r.wave(n, min(wave, tasks-r.made))
		if n%faultEach == faultEach-1 {
			r.depose()
		}
	}
	return c.finish()
}

// runner is a run under way.
type runner struct {
	*cluster
	made   int
	retry  []*task // returned by a worker
	retain []*task // finished, to be collected by a master
}

// wave takes some new tasks, and the returned ones, through their next part.
func (r *runner) wave(n, fresh int) {
	open := r.submit(fresh)
	open = slices.DeleteFunc(open, func(t *task) bool {
		if r.random.IntN(32) != 0 {
			return false
		}
		r.cancel(t)
		return true
	})
	open, r.retry = append(r.retry, open...), nil
	for i, w := range r.workers {
		var mine []*task
		for j := i; j < len(open); j += len(r.workers) {
			mine = append(mine, open[j])
		}
		if len(mine) > 0 {
			r.assign(mine, w)
		}
	}
	for _, t := range open {
		r.start(t)
	}
	if n%faultEach == faultEach/2 {
		r.rob(r.workers[n/faultEach%len(r.workers)], open)
	}
	r.end(open)
	r.collect()
	r.write(r.leader, check("/assign", r.epoch))
}

// submit makes tasks. For some of them the client never hears the answer; half of those
// were made.
func (r *runner) submit(fresh int) []*task {
	var open []*task
	calls, writes := make([]record.Event, fresh), make([]sent, fresh)
	made := make([]*task, fresh)
	for i := range made {
		r.made++
		client := r.clients[r.made%len(r.clients)]
		t := &task{id: fmt.Sprintf("%s.%d", client.name, r.made), name: fmt.Sprintf("task-%08d-%s", r.made, client.name), budget: usualBudget, client: client}
		if r.random.IntN(16) == 0 {
			t.budget = 2
		}
		made[i] = t
		calls[i] = r.invoke(client, record.Event{Kind: record.Submit, Of: record.Submission{ID: t.id}})
		writes[i] = r.send(client, create(t.path(""), t.payload()))
	}
	for i, t := range made {
		switch r.random.IntN(400) {
		case 0:
			r.arrive(writes[i], lost)
			r.complete(calls[i], record.Info, record.Submission{ID: t.id})
		case 1:
			r.arrive(writes[i], unheard)
			r.complete(calls[i], record.Info, record.Submission{ID: t.id})
			open = append(open, t)
		default:
			r.arrive(writes[i], answered)
			r.complete(calls[i], record.OK, record.Submission{ID: t.id, Task: t.name, Created: true})
			t.awaits = []record.Event{r.invoke(t.client, record.Event{Kind: record.Await, Of: record.Answer{Task: t.name, ID: t.id}})}
			open = append(open, t)
		}
	}
	return open
}

// rob ends the session of a worker whose handlers are running. Its tasks go to other
// workers, or fail if that was the last attempt. The effects of its handlers outside
// are refused from then on.
func (r *runner) rob(w *member, open []*task) {
	r.expire(w, "expire-worker")
	r.open(w)
	r.register(w)
	next := 0
	for _, t := range open {
		if t.worker != w {
			continue
		}
		old, token := t.run, t.token
		if token.Attempt == t.budget {
			r.spend(t)
			r.failed(old, "session expired")
			continue
		}
		to := r.workers[next%len(r.workers)]
		for next++; to == w; next++ {
			to = r.workers[next%len(r.workers)]
		}
		r.reassign(t, to)
		r.start(t)
		r.act(t, token, w, false)
		r.failed(old, "session expired")
	}
}

// end ends all handlers, and reports the outcomes to all clients. A first attempt fails
// one time in four. Of some results the worker does not hear whether they were
// recorded.
func (r *runner) end(open []*task) {
	open = slices.DeleteFunc(open, func(t *task) bool { return t.status.State != "" })
	writes := make([]sent, len(open))
	for i, t := range open {
		if t.token.Attempt <= 2 && r.random.IntN(4) == 0 {
			writes[i] = r.fails(t)
		} else {
			writes[i] = r.succeeds(t)
		}
	}
	for i, t := range open {
		switch {
		case t.status.State == "":
			r.arrive(writes[i], answered)
			r.givenBack(t)
			continue
		case r.random.IntN(200) == 0:
			r.arrive(writes[i], unheard)
		case r.random.IntN(200) == 0:
			r.arrive(writes[i], lost)
			r.write(t.worker, writes[i].ops...)
		default:
			r.arrive(writes[i], answered)
		}
		r.tell(t)
		r.dispose(t)
	}
}

// givenBack tries a returned task again, unless its attempts are spent.
func (r *runner) givenBack(t *task) {
	if int32(len(t.attempts)) < t.budget {
		r.retry = append(r.retry, t)
		return
	}
	r.fail(t)
}

// spend takes the last attempt of a task from a worker that is gone.
func (r *runner) spend(t *task) {
	r.fail(t, remove(t.assigned(), nobody), t.ends(r.epoch, "the worker is gone"))
}

// fail records a failure by the master, in one write with the other operations.
func (r *runner) fail(t *task, besides ...record.Op) {
	t.status = status{State: "failed", Reason: "all attempts ended without a result", Token: record.Token{Epoch: r.epoch, Attempt: t.token.Attempt}}
	ops := append([]record.Op{check("/assign", r.epoch)}, besides...)
	r.write(r.leader, append(ops, create(t.path("/status"), encode(t.status)))...)
	r.tell(t)
}

// dispose collects a finished task, now or later, or lets it stay.
func (r *runner) dispose(t *task) {
	switch r.random.IntN(8) {
	case 0:
		r.write(t.client, t.collection()...)
		r.note(record.Event{Process: r.leader.name, Life: r.leader.life, Kind: record.Change, Of: record.TaskChange{Task: t.name, Fate: record.Collected}})
	case 1, 2, 3:
		r.retain = append(r.retain, t)
	}
}

// collect collects the tasks that the master has retained long enough.
func (r *runner) collect() {
	due := 0
	for due < len(r.retain) && r.now-r.retain[due].ended > retention {
		due++
	}
	for tasks := range slices.Chunk(r.retain[:due], 8) {
		ops := []record.Op{check("/assign", r.epoch)}
		for _, t := range tasks {
			ops = append(ops, t.collection()...)
		}
		r.write(r.leader, ops...)
		for _, t := range tasks {
			r.note(record.Event{Process: r.leader.name, Life: r.leader.life, Kind: record.Change, Of: record.TaskChange{Task: t.name, Fate: record.Collected}})
		}
	}
	r.retain = slices.Delete(r.retain, 0, due)
}

// depose ends the session of the leader, whose last write is refused because of that,
// and has the next master elected.
func (r *runner) depose() {
	old := r.leader
	late := r.send(old, check("/assign", r.epoch))
	r.complete(r.term, record.OK, record.Term{Epoch: r.epoch, Cause: "session expired"})
	r.expire(old, "expire-master")
	r.refuse(late, record.SessionExpired, -1)
	r.open(old)
	at := slices.Index(r.masters, old)
	r.elect(r.masters[(at+1)%len(r.masters)])
}
