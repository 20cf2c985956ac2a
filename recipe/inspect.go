package recipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Attempt is one execution that ended without a result.
type Attempt struct {
	Token  Token
	Worker string
	Reason string
	Ended  time.Time // by the clock of who recorded it
	// Left means that the attempt ended because its worker left in good order. It does
	// not count, up to MasterConfig.MaxHandovers of them.
	Left bool
}

// TaskDetail is everything that is known of one task.
type TaskDetail struct {
	Name     string
	Payload  []byte
	Options  Options
	Status   *Status   // nil while it is not finished
	Worker   string    // that it is assigned to
	Token    Token     // of that execution
	Attempts []Attempt // that are on record, in order
	Progress []byte    // nil for none
}

// Phase is how far the task has got.
func (t TaskDetail) Phase() Phase {
	switch {
	case t.Status != nil:
		return PhaseFinished
	case t.Worker != "":
		return PhaseAssigned
	}
	return PhasePending
}

// Inspect reads everything about a task, with as many reads as it has attempts
// and there are workers. It is for people and tools; the parts are read one after
// the other and may not belong to one moment.
func (c *Client) Inspect(ctx context.Context, task string) (TaskDetail, error) {
	d := TaskDetail{Name: task}
	err := c.withSession(ctx, func(session zkapi.Session) error {
		if _, err := session.Do(ctx, zkapi.Sync(c.layout.task(task))); err != nil {
			return err
		}
		got, err := session.Do(ctx, zkapi.Get(c.layout.task(task)))
		if errors.Is(err, zkapi.ErrNoNode) {
			return fmt.Errorf("%w: %s", ErrNoTask, task)
		}
		if err != nil {
			return err
		}
		d = TaskDetail{Name: task}
		d.Options, d.Payload = decodeTask(got.Data)
		if err := c.inspectAssignment(ctx, session, &d); err != nil {
			return err
		}
		return c.inspectBelow(ctx, session, &d)
	})
	return d, err
}

// inspectBelow reads what is below the task.
func (c *Client) inspectBelow(ctx context.Context, session zkapi.Session, d *TaskDetail) error {
	listed, err := session.Do(ctx, zkapi.Children(c.layout.task(d.Name)))
	if err != nil {
		return err
	}
	below := taskChildren(listed.Children)
	ops := make([]zkapi.Op, len(listed.Children))
	for i, child := range listed.Children {
		ops[i] = zkapi.Get(c.layout.task(d.Name) + "/" + child)
	}
	for i, reply := range session.DoAll(ctx, ops) {
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		switch n, isAttempt := attemptNumber(listed.Children[i]); {
		case listed.Children[i] == "status":
			status := decodeStatus(reply.Data)
			d.Status = &status
		case listed.Children[i] == "progress":
			if reply.Stat.Alive() {
				d.Progress = append([]byte{}, reply.Data...)
			}
		case isAttempt:
			record := attemptRecord{Token: Token{Attempt: n}}
			_ = json.Unmarshal(reply.Data, &record) // one made by hand says little
			left := slices.Contains(below.left, n)
			d.Attempts = append(d.Attempts, Attempt{record.Token, record.Worker, record.Reason, record.Ended, left})
		}
	}
	slices.SortFunc(d.Attempts, func(a, b Attempt) int { return int(a.Token.Attempt - b.Token.Attempt) })
	return nil
}

// inspectAssignment finds out who has the task.
func (c *Client) inspectAssignment(ctx context.Context, session zkapi.Session, d *TaskDetail) error {
	inboxes, err := session.Do(ctx, zkapi.Children(c.layout.assign()))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil
	}
	if err != nil {
		return err
	}
	ops := make([]zkapi.Op, len(inboxes.Children))
	for i, w := range inboxes.Children {
		ops[i] = zkapi.Get(c.layout.assignment(w, d.Name))
	}
	for i, reply := range session.DoAll(ctx, ops) {
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		var record assignmentRecord
		_ = json.Unmarshal(reply.Data, &record)
		d.Worker, d.Token = inboxes.Children[i], record.Token
	}
	return nil
}

// WorkerDetail is one worker as the tree shows it.
type WorkerDetail struct {
	Name        string
	Address     string // empty when it is not alive
	Alive       bool
	Incarnation int32
	Retiring    bool
	Capacity    int // that it asks for
	Assigned    []string
}

// Overview is everything as the tree shows it. Its parts are read one after the
// other and may not belong to one moment.
type Overview struct {
	Leader     Leader
	Candidates []string       // names of those that stand in line (MasterConfig.Queue), first come first
	Workers    []WorkerDetail // by name; those that are not alive only while they hold tasks
	Tasks      []TaskSummary  // by name
	MaxBacklog int            // 0 for none
	Problems   []Problem      // znodes in the way, by path

	// Quarantined is what the active master leaves alone for now, because the server
	// refuses what is to be done with it; while nobody leads, what the last master left
	// alone. It is at most 50 of them, and MoreQuarantined counts the others. What a
	// worker leaves alone, its log and its metric say.
	Quarantined     []Quarantined
	MoreQuarantined int
}

// TaskSummary is one task of an Overview.
type TaskSummary struct {
	Name     string
	Phase    Phase
	State    State // when finished
	Worker   string
	Attempts int // that have ended without a result
}

// Backlog counts the tasks that are not finished.
func (o Overview) Backlog() int {
	n := 0
	for _, t := range o.Tasks {
		if t.Phase != PhaseFinished {
			n++
		}
	}
	return n
}

// Overview reads the whole tree. It is for people and tools: it costs two reads
// for every worker and for every task.
func (c *Client) Overview(ctx context.Context) (Overview, error) {
	var o Overview
	err := c.withSession(ctx, func(session zkapi.Session) (err error) {
		o = Overview{}
		if o.Leader, _, err = (followed{c.env, c.see, session, c.layout}).readLeader(ctx); err != nil {
			return err
		}
		master, err := session.Do(ctx, zkapi.Exists(c.layout.master()))
		if err != nil {
			return err
		}
		if master.Found && !master.Stat.Alive() {
			o.Problems = append(o.Problems, c.layout.masterProblem(master.Stat))
		}
		if err := c.overviewCandidates(ctx, session, &o); err != nil {
			return err
		}
		if err := c.overviewNotices(ctx, session, &o); err != nil {
			return err
		}
		if err := c.overviewWorkers(ctx, session, &o); err != nil {
			return err
		}
		if err := c.overviewTasks(ctx, session, &o); err != nil {
			return err
		}
		slices.SortFunc(o.Problems, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
		return nil
	})
	return o, err
}

// overviewNotices reads what the master tells others. Only a master's word counts.
func (c *Client) overviewNotices(ctx context.Context, session zkapi.Session, o *Overview) error {
	replies := session.DoAll(ctx, []zkapi.Op{
		zkapi.Get(c.layout.backlog()), zkapi.Get(c.layout.quarantine()), zkapi.Exists(c.layout.assign()),
	})
	for _, reply := range replies {
		if reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoNode) {
			return reply.Err
		}
	}
	latest := replies[2].Stat.Version
	if said := replies[0].Data; len(said) > 0 {
		record, ok := bound(said, latest)
		if ok {
			o.MaxBacklog = record.Limit
		} else {
			o.Problems = append(o.Problems, noMastersWord(c.layout.backlog()))
		}
	}
	if said := replies[1].Data; len(said) > 0 {
		var record quarantineRecord
		if json.Unmarshal(said, &record) != nil || !aMastersWord(record.Epoch, latest) {
			o.Problems = append(o.Problems, noMastersWord(c.layout.quarantine()))
			return nil
		}
		for _, row := range record.Left {
			o.Quarantined = append(o.Quarantined, Quarantined{row.Kind, row.Name, row.Reason, row.Since, row.Until, row.Refused})
		}
		o.MoreQuarantined = record.More
	}
	return nil
}

func (c *Client) overviewCandidates(ctx context.Context, session zkapi.Session, o *Overview) error {
	line, err := session.Do(ctx, zkapi.Children(c.layout.candidates()))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return err
	}
	slices.SortFunc(line.Children, inLine)
	ops := make([]zkapi.Op, len(line.Children))
	for i, znode := range line.Children {
		ops[i] = zkapi.Get(c.layout.candidate(znode))
	}
	for i, reply := range session.DoAll(ctx, ops) {
		switch {
		case reply.Err == nil:
			if problem, bad := c.layout.candidateProblem(line.Children[i], reply.Stat); bad {
				o.Problems = append(o.Problems, problem)
				continue
			}
			o.Candidates = append(o.Candidates, string(reply.Data))
		case !errors.Is(reply.Err, zkapi.ErrNoNode):
			return reply.Err
		}
	}
	return nil
}

func (c *Client) overviewWorkers(ctx context.Context, session zkapi.Session, o *Overview) error {
	alive, err := session.Do(ctx, zkapi.Children(c.layout.workers()))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return err
	}
	known, err := session.Do(ctx, zkapi.Children(c.layout.assign()))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return err
	}
	names := slices.Concat(alive.Children, known.Children)
	slices.Sort(names)
	names = slices.Compact(names)
	var ops []zkapi.Op
	for _, w := range names {
		ops = append(ops, zkapi.Get(c.layout.worker(w)), zkapi.Get(c.layout.inbox(w)), zkapi.Children(c.layout.inbox(w)))
	}
	replies := session.DoAll(ctx, ops)
	for i, w := range names {
		here, claimed, inbox := replies[3*i], replies[3*i+1], replies[3*i+2]
		for _, reply := range []zkapi.Reply{here, claimed, inbox} {
			if reply.Err != nil && !errors.Is(reply.Err, zkapi.ErrNoNode) {
				return reply.Err
			}
		}
		if here.Err == nil && !here.Stat.Alive() {
			o.Problems = append(o.Problems, c.layout.workerProblem(w, here.Stat))
			here.Data = nil
		}
		if claimed.Err == nil && claimed.Stat.Owner() != zkapi.OwnerNone {
			o.Problems = append(o.Problems, claimProblem(c.layout.inbox(w), claimed.Stat))
		}
		var record claimRecord
		_ = json.Unmarshal(claimed.Data, &record) // one made by hand says nothing
		d := WorkerDetail{
			Name: w, Address: string(here.Data), Alive: here.Stat.Alive(), Incarnation: claimed.Stat.Version,
			Retiring: record.Retiring, Capacity: record.Capacity, Assigned: inbox.Children,
		}
		if d.Alive || len(d.Assigned) > 0 {
			o.Workers = append(o.Workers, d)
		}
	}
	return nil
}

func (c *Client) overviewTasks(ctx context.Context, session zkapi.Session, o *Overview) error {
	listed, err := session.Do(ctx, zkapi.Children(c.layout.tasks()))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return err
	}
	owner := map[string]string{}
	for _, w := range o.Workers {
		for _, t := range w.Assigned {
			owner[t] = w.Name
		}
	}
	var ops []zkapi.Op
	for _, t := range listed.Children {
		ops = append(ops, zkapi.Children(c.layout.task(t)), zkapi.Get(c.layout.status(t)))
	}
	replies := session.DoAll(ctx, ops)
	var showing []string // tasks that have progress
	for i, t := range listed.Children {
		below, status := replies[2*i], replies[2*i+1]
		if errors.Is(below.Err, zkapi.ErrNoNode) {
			continue
		}
		if below.Err != nil {
			return below.Err
		}
		if below.Stat.Owner() != zkapi.OwnerNone {
			o.Problems = append(o.Problems, c.layout.taskProblem(t, below.Stat))
		}
		if status.Err == nil && status.Stat.Owner() != zkapi.OwnerNone {
			o.Problems = append(o.Problems, c.layout.statusProblem(t, status.Stat))
		}
		if slices.Contains(below.Children, "progress") {
			showing = append(showing, t)
		}
		s := TaskSummary{Name: t, Phase: PhasePending, Worker: owner[t], Attempts: int(taskChildren(below.Children).attempts)}
		switch {
		case status.Err == nil:
			s.Phase, s.State = PhaseFinished, decodeStatus(status.Data).State
		case !errors.Is(status.Err, zkapi.ErrNoNode):
			return status.Err
		case s.Worker != "":
			s.Phase = PhaseAssigned
		}
		o.Tasks = append(o.Tasks, s)
	}
	return c.overviewProgress(ctx, session, showing, o)
}

// overviewProgress looks for progress that no session stands behind.
func (c *Client) overviewProgress(ctx context.Context, session zkapi.Session, tasks []string, o *Overview) error {
	ops := make([]zkapi.Op, len(tasks))
	for i, t := range tasks {
		ops[i] = zkapi.Exists(c.layout.progress(t))
	}
	for i, reply := range session.DoAll(ctx, ops) {
		if reply.Err != nil {
			return reply.Err
		}
		if reply.Found && !reply.Stat.Alive() {
			o.Problems = append(o.Problems, c.layout.progressProblem(tasks[i], reply.Stat))
		}
	}
	return nil
}
