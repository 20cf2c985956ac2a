package recipe

import (
	"encoding/json"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// prepared holds the data that must be read before decisions can be written.
type prepared struct {
	assigned map[string]assignmentRecord // by task: the assignments that are revoked or taken
	address  map[string][]byte           // by worker: the data of /workers/<w>
}

// question is one read before decisions can be written, and for which of them.
type question struct {
	of   int
	path string
}

// prepare reads the data that the decisions need: the assignments that are to be given back,
// and the token of each attempt that ends, because the attempt's record must have the token
// of its handler. This master knows the tokens that it gave out; it reads the others. If a
// znode has gone, its decision is dropped.
func (r *reconciler) prepare(decisions []decide.Transition) ([]decide.Transition, prepared, error) {
	p := prepared{assigned: map[string]assignmentRecord{}, address: map[string][]byte{}}
	questions := r.questions(decisions)
	if len(questions) == 0 {
		return decisions, p, nil
	}
	ops := make([]fence.Read, len(questions))
	for n, q := range questions {
		ops[n] = fence.Get(q.path)
	}
	gone := map[int]bool{}
	for n, reply := range r.doAll(ops) {
		q := questions[n]
		d := &decisions[q.of]
		missing := errors.Is(reply.Err, zkapi.ErrNoNode)
		if zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err) {
			s, _ := r.layout.subjectOf(zkapi.Get(q.path), reply.Err)
			r.quarantineSubject(s, reply.Err, false) // these reads only prepare a write
			gone[q.of] = true
			continue
		}
		if reply.Err != nil && !missing {
			return nil, p, reply.Err
		}
		if writeTable[d.Action].notifies && reply.Stat.NumChildren > 0 { // the worker cannot delete it, and is not to lose its claim for that
			r.quarantineTask(d.Task, &obstacle.Error{Problem: childrenProblem(q.path)}, false)
			gone[q.of] = true
			continue
		}
		var record assignmentRecord
		_ = json.Unmarshal(reply.Data, &record) // one made by hand says nothing
		if !canBeAttempt(record.Attempt) {
			record.Token = Token{}
		}
		switch {
		case q.path == r.layout.worker(d.Holder):
			p.address[d.Holder] = reply.Data
		case missing && q.path != r.layout.attempt(d.Task, d.Ends):
			gone[q.of] = true
		case d.Action.Ends():
			d.SetToken(record.Token)
		default:
			p.assigned[d.Task] = record
		}
	}
	var left []decide.Transition
	for i, d := range decisions {
		if !gone[i] && !(writeTable[d.Action].notifies && r.view.Worker(d.Holder).Quarantined) {
			left = append(left, d)
		}
	}
	return left, p, nil
}

// questions returns the necessary reads. None is needed if the token is known.
func (r *reconciler) questions(decisions []decide.Transition) []question {
	var all []question
	ask := func(of int, path string) { all = append(all, question{of, path}) }
	asked := map[string]bool{}
	for i := range decisions {
		d := &decisions[i]
		row := writeTable[d.Action]
		if row.notifies && !asked[d.Holder] {
			asked[d.Holder] = true
			ask(i, r.layout.worker(d.Holder))
		}
		switch token := r.knownToken(d); {
		case row.reads:
			ask(i, r.layout.assignment(d.Holder, d.Task))
		case !d.Action.Ends():
		case token.Attempt > 0:
			d.Token = token
		case d.From != "":
			ask(i, r.layout.assignment(d.From, d.Task))
		default:
			ask(i, r.layout.attempt(d.Task, d.Ends))
		}
	}
	return all
}

// knownToken is the token of the attempt that ends, if this master gave it out.
func (r *reconciler) knownToken(d *decide.Transition) Token {
	if task := r.view.Find(d.Task); task != nil && task.Token.Attempt == d.Ends {
		return task.Token
	}
	return Token{}
}
