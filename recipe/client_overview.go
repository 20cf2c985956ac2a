package recipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Overview is the state of the whole tree. Its parts are read one after the other, so they
// may not be of one moment.
type Overview struct {
	Leader     Leader
	Candidates []string     // names of the candidates in the queue (MasterConfig.Queue), in order
	Workers    []WorkerInfo // by name; a dead worker is listed only while it holds tasks
	Tasks      []TaskInfo   // by name
	MaxBacklog int          // 0 for none
	Problems   []Problem    // znodes in the way, by path
	Hanging    []Hanging    // handlers that should have ended and may still run, by task

	// Quarantined lists the subjects that the active master leaves alone for now, because the
	// server refuses its requests for them. While no master leads, the list is the last
	// master's. It has at most 50 entries, and MoreQuarantined counts the others. A worker
	// reports its own quarantine in its log and its metric.
	Quarantined     []Quarantined
	MoreQuarantined int

	// Unreadable lists the znodes that this client may not read, by path. The rest is
	// complete.
	Unreadable []Unreadable
}

// Backlog counts the tasks that are not known to be finished.
func (o Overview) Backlog() int {
	n := 0
	for _, t := range o.Tasks {
		if !t.State.Ended() {
			n++
		}
	}
	return n
}

// Overview reads the whole tree. It is for people and tools: it costs three reads for every
// worker, one to four for every task, and one for every assignment. It fails if the client
// may read nothing of the tree.
func (c *Client) Overview(ctx context.Context) (Overview, error) {
	if c.env == nil {
		return Overview{}, errZero
	}
	var o Overview
	err := c.withSession(ctx, func(session zkapi.Session) (err error) {
		o = Overview{}
		look := &overviewReader{inspection: inspection{session: session, layout: c.layout}, Overview: &o}
		for _, part := range []func(context.Context) error{look.leader, look.parents, look.candidates, look.notices, look.workers, look.tasks, look.hanging} {
			if err := part(ctx); err != nil {
				return err
			}
		}
		slices.SortFunc(o.Problems, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
		o.Unreadable, err = look.unreadable()
		return err
	})
	return o, err
}

// overviewReader is the inspection of a whole tree.
type overviewReader struct {
	inspection
	*Overview
	finished int // tasks that have ended, as the notice of the backlog has it
}

func (o *overviewReader) problem(p Problem) { o.Problems = append(o.Problems, p) }

// leader reads which master leads, and whether another znode is in that place.
func (o *overviewReader) leader(ctx context.Context) error {
	found, master, err := o.layout.election().Look(ctx, fence.Of(o.session), o.inspection.hides)
	if leader := leaderOf(found); err != nil || leader.Exists() {
		o.Leader = leader
		_, err := o.shown(o.layout.master(), err)
		return err
	}
	if master.Found && !master.Stat.Alive() {
		o.problem(o.layout.masterProblem(master.Stat))
	}
	return nil
}

// parents checks that the parent znodes exist and are persistent.
func (o *overviewReader) parents(ctx context.Context) error {
	for _, p := range o.layout.parents() {
		seen, err := o.find(ctx, p.path)
		if err != nil {
			return err
		}
		if seen.Found && seen.Stat.Owner() != zkapi.OwnerNone {
			o.problem(o.layout.ensureProblem(p.path, seen.Stat))
		}
		if problem, bad := o.layout.versionProblem(p.path, seen.Stat.Version, 0); bad && p.path == o.layout.assign() {
			o.problem(problem)
		}
	}
	return nil
}

// notices reads the master's notices. Notices that another client wrote do not count.
func (o *overviewReader) notices(ctx context.Context) error {
	replies := o.session.DoAll(ctx, []zkapi.Op{zkapi.Get(o.layout.backlog()), zkapi.Get(o.layout.quarantine())})
	claimed, err := o.find(ctx, o.layout.assign())
	if err != nil || !claimed.Found {
		return err // without the epoch it is unknown whether a master has written them
	}
	latest := claimed.Stat.Version
	for i, path := range []string{o.layout.backlog(), o.layout.quarantine()} {
		there, err := o.shown(path, replies[i].Err)
		if err != nil {
			return err
		}
		if said := replies[i].Data; there && len(said) > 0 && !o.acceptNotice(path, said, latest) {
			o.problem(notFromMaster(path))
		}
	}
	return nil
}

// acceptNotice takes over a notice, or returns false if no master has written it.
func (o *overviewReader) acceptNotice(path string, data []byte, latest int32) bool {
	if path == o.layout.backlog() {
		record, ok := bound(data, latest)
		if ok {
			o.MaxBacklog, o.finished = record.Limit, record.Finished
		}
		return ok
	}
	var record quarantineRecord
	if json.Unmarshal(data, &record) != nil || !fromMaster(record.Epoch, latest) {
		return false
	}
	for _, row := range record.Left {
		o.Quarantined = append(o.Quarantined, Quarantined{row.Kind, row.Name, row.Reason, row.Since, row.Until, row.Refused})
	}
	o.MoreQuarantined = record.More
	return true
}

func (o *overviewReader) candidates(ctx context.Context) error {
	line, err := o.session.Do(ctx, zkapi.Children(o.layout.candidates()))
	if there, err := o.shown(o.layout.candidates(), err); !there {
		return err
	}
	names := o.fitting(o.layout.candidate, line.Children)
	slices.SortFunc(names, elect.ByArrival)
	ops := make([]zkapi.Op, len(names))
	for i, znode := range names {
		ops[i] = zkapi.Get(o.layout.candidate(znode))
	}
	for i, reply := range o.session.DoAll(ctx, ops) {
		there, err := o.shown(ops[i].Path, reply.Err)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if problem, bad := elect.Stray(o.layout.candidate(names[i]), reply.Stat); bad {
			o.problem(problem)
			continue
		}
		o.Candidates = append(o.Candidates, string(reply.Data))
	}
	return nil
}

// list is the children of a znode; none if they are not shown.
func (o *overviewReader) list(ctx context.Context, path string) ([]string, error) {
	listed, err := o.session.Do(ctx, zkapi.Children(path))
	_, err = o.shown(path, err)
	return listed.Children, err
}

func (o *overviewReader) workers(ctx context.Context) error {
	rows, err := o.readWorkers(ctx)
	for _, row := range rows {
		d := WorkerInfo{
			Name: row.name, Address: row.address, Alive: row.here.Alive(), Incarnation: row.inbox.Version,
			Retiring: row.record.Retiring, Capacity: row.record.Capacity, Assigned: row.tasks,
		}
		if d.Alive || len(d.Assigned) > 0 {
			o.Workers = append(o.Workers, d)
		}
		for _, problem := range row.problems {
			o.problem(problem)
		}
	}
	return err
}

// workerRow is what the tree has about one worker.
type workerRow struct {
	name     string
	address  string      // empty if it is not alive
	here     zkapi.Stat  // of /workers/<w>; zero if that does not exist
	inbox    zkapi.Stat  // of its inbox; zero likewise
	record   claimRecord // its claim
	tasks    []string    // assigned to it
	problems []Problem
}

// readWorkers reads the workers that are registered, or were.
func (o *overviewReader) readWorkers(ctx context.Context) ([]workerRow, error) {
	alive, err := o.list(ctx, o.layout.workers())
	if err != nil {
		return nil, err
	}
	known, err := o.list(ctx, o.layout.assign())
	if err != nil {
		return nil, err
	}
	names := slices.Concat(alive, known)
	slices.Sort(names)
	names = o.fitting(o.layout.worker, slices.Compact(names))
	var ops []zkapi.Op
	for _, w := range names {
		ops = append(ops, zkapi.Get(o.layout.worker(w)), zkapi.Get(o.layout.inbox(w)), zkapi.Children(o.layout.inbox(w)))
	}
	replies := o.session.DoAll(ctx, ops)
	for i, reply := range replies {
		if _, err := o.shown(ops[i].Path, reply.Err); err != nil {
			return nil, err
		}
	}
	rows := make([]workerRow, len(names))
	for i, w := range names {
		here, claimed, inbox := replies[3*i], replies[3*i+1], replies[3*i+2]
		if zkapi.Refused(here.Err) { // whether it is alive, another request may tell
			if here.Result, here.Err = o.session.Do(ctx, zkapi.Exists(o.layout.worker(w))); here.Err != nil && !zkapi.Refused(here.Err) {
				return nil, here.Err
			}
		}
		row := workerRow{name: w, here: here.Stat, inbox: claimed.Stat, tasks: inbox.Children}
		if here.Stat.Alive() {
			row.address = string(here.Data)
		}
		row.problems = row.check(o.layout, claimed)
		rows[i] = row
	}
	return rows, nil
}

// check reads the record of a claim, and returns what is wrong with the znodes of the worker.
func (row *workerRow) check(l layout, claimed zkapi.Reply) (problems []Problem) {
	if !row.here.Alive() && row.here.Czxid != 0 {
		problems = append(problems, l.workerProblem(row.name, row.here))
	}
	if claimed.Err == nil && claimed.Stat.Owner() != zkapi.OwnerNone {
		problems = append(problems, claimProblem(l.inbox(row.name), claimed.Stat))
	}
	if problem, bad := l.versionProblem(l.inbox(row.name), claimed.Stat.Version, renewals); bad && !row.here.Alive() || bad && claimed.Stat.Version < 0 {
		problems = append(problems, problem)
	}
	if what := row.record.checked(decodeRecord(claimed.Data, &row.record)); what != "" {
		problems = append(problems, l.capacityProblem(row.name, what))
	}
	return problems
}

func (o *overviewReader) tasks(ctx context.Context) error {
	listed, err := o.list(ctx, o.layout.tasks())
	if err != nil {
		return err
	}
	names := o.fitting(o.layout.task, listed)
	owner := map[string]string{}
	for _, w := range o.Workers {
		for _, t := range w.Assigned {
			owner[t] = w.Name
		}
	}
	children, statuses := o.lookBelow(ctx, names)
	var showing []string // tasks that have progress
	for i, t := range names {
		below, status := children[i], statuses[t]
		if errors.Is(below.Err, zkapi.ErrNoNode) || slices.Contains(below.Children, "status") && errors.Is(status.Err, zkapi.ErrNoNode) {
			continue // it was removed meanwhile
		}
		if _, err := o.shown(o.layout.task(t), below.Err); err != nil {
			return err
		}
		if _, err := o.shown(o.layout.status(t), status.Err); err != nil {
			return err
		}
		if below.Stat.Owner() != zkapi.OwnerNone {
			o.problem(o.layout.taskProblem(t, below.Stat))
		}
		if status.Err == nil && status.Stat.Owner() != zkapi.OwnerNone {
			o.problem(o.layout.statusProblem(t, status.Stat))
		}
		if problem, odd := o.layout.wordProblem(t, decodeStatus(status.Data)); odd && status.Err == nil && status.Stat.Owner() == zkapi.OwnerNone {
			o.problem(problem)
		}
		if slices.Contains(below.Children, "progress") {
			showing = append(showing, t)
		}
		o.Tasks = append(o.Tasks, summary(t, owner[t], below, status))
	}
	return o.progress(ctx, showing)
}

// lookBelow reads the children of tasks, and the status of those that may have one. A task
// without a status has the answer that there is none.
func (o *overviewReader) lookBelow(ctx context.Context, tasks []string) (children []zkapi.Reply, statuses map[string]zkapi.Reply) {
	var ops []zkapi.Op
	for _, t := range tasks {
		ops = append(ops, zkapi.Children(o.layout.task(t)))
	}
	children, statuses = o.session.DoAll(ctx, ops), map[string]zkapi.Reply{}
	var ended []string
	ops = nil
	for i, t := range tasks {
		statuses[t] = zkapi.Reply{Err: zkapi.ErrNoNode}
		if reply := children[i]; zkapi.Refused(reply.Err) || slices.Contains(reply.Children, "status") {
			ended, ops = append(ended, t), append(ops, zkapi.Get(o.layout.status(t)))
		}
	}
	for i, reply := range o.session.DoAll(ctx, ops) {
		statuses[ended[i]] = reply
	}
	return children, statuses
}

// summary describes one task by its children and its status as they were read.
func summary(t, worker string, below, status zkapi.Reply) TaskInfo {
	s := TaskInfo{Name: t, State: Pending, Worker: worker, Attempts: int(taskChildren(below.Children).attempts)}
	switch {
	case status.Err == nil && status.Stat.Owner() == zkapi.OwnerNone:
		s.State = decodeStatus(status.Data).ended()
	case errors.Is(status.Err, zkapi.ErrNoAuth): // so there is one
		s.State = Finished
	case zkapi.Refused(status.Err):
		s.State = ""
	case worker != "":
		s.State = Assigned
	}
	return s
}

// progress looks for progress that no session stands behind.
func (o *overviewReader) progress(ctx context.Context, tasks []string) error {
	ops := make([]zkapi.Op, len(tasks))
	for i, t := range tasks {
		ops[i] = zkapi.Exists(o.layout.progress(t))
	}
	for i, reply := range o.session.DoAll(ctx, ops) {
		if _, err := o.shown(ops[i].Path, reply.Err); err != nil {
			return err
		}
		if reply.Found && !reply.Stat.Alive() {
			o.problem(o.layout.progressProblem(tasks[i], reply.Stat))
		}
	}
	return nil
}
