package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Attempt is one execution that ended without a result.
type Attempt struct {
	Token  Token
	Worker string
	Reason string
	Ended  time.Time // by the clock of the process that recorded it
	// Left means that the attempt ended because its worker left in good order. It does
	// not count, up to MasterConfig.MaxHandovers of them.
	Left bool
}

// TaskDetail is all information about one task. State, Worker and Attempts are as in an
// Overview.
type TaskDetail struct {
	TaskInfo

	Payload  []byte
	Status   *Status   // nil while it has not ended; empty if it cannot be read
	Token    Token     // of the assigned execution
	History  []Attempt // the attempts on record, in order; of a resident task the latest ones
	Progress []byte    // nil for none

	// Unreadable lists the znodes that this client may not read. The rest is complete.
	Unreadable []Unreadable
	// Problems are znodes of the task with the wrong kind: not persistent, or not alive.
	Problems []Problem
}

// Inspect reads everything about a task, with as many reads as it has attempts and there are
// workers. It is for people and tools. The parts are read one after the other, so they may
// not be of one moment. It fails if the client may read nothing of the task.
func (c *Client) Inspect(ctx context.Context, task string) (TaskDetail, error) {
	if c.env == nil {
		return TaskDetail{}, errZero
	}
	var d TaskDetail
	if err := checkTask(task); err != nil {
		return d, err
	}
	err := c.withSession(ctx, func(session zkapi.Session) (err error) {
		in := &inspection{session: session, layout: c.layout}
		if _, err := session.Do(ctx, zkapi.Sync(c.layout.task(task))); err != nil && !zkapi.Refused(err) {
			return err
		}
		if d, err = in.inspect(ctx, task); err != nil {
			return err
		}
		d.Unreadable, err = in.unreadable()
		return err
	})
	return d, err
}

// inspect reads everything about a task.
func (in *inspection) inspect(ctx context.Context, task string) (TaskDetail, error) {
	d := TaskDetail{TaskInfo: TaskInfo{Name: task}}
	got, err := in.session.Do(ctx, zkapi.Get(in.layout.task(task)))
	if errors.Is(err, zkapi.ErrNoNode) {
		return d, fmt.Errorf("%w: %s", ErrNoTask, task)
	}
	if _, err := in.shown(in.layout.task(task), err); err != nil {
		return d, err
	}
	var unread error
	if d.Options, d.Payload, unread = decodeTask(got.Data); unread != nil {
		d.Problems = append(d.Problems, in.layout.optionsProblem(task, unread))
	} else if what := mistyped(got.Data); what != "" {
		d.Problems = append(d.Problems, in.layout.mistypedProblem(task, what))
	}
	if err == nil && got.Stat.Owner() != zkapi.OwnerNone {
		d.Problems = append(d.Problems, in.layout.taskProblem(task, got.Stat))
	}
	if err := in.assignment(ctx, &d); err != nil {
		return d, err
	}
	if err := in.below(ctx, &d); err != nil {
		return d, err
	}
	d.State = d.state()
	return d, nil
}

// state is how far the task has got, by its status and its assignment.
func (d *TaskDetail) state() State {
	switch {
	case d.Status != nil:
		return d.Status.ended()
	case d.Worker != "":
		return Assigned
	}
	return Pending
}

// below reads the znodes below the task. If it may not list them, it reads those whose names
// it knows.
func (in *inspection) below(ctx context.Context, d *TaskDetail) error {
	task := in.layout.task(d.Name)
	listed, err := in.session.Do(ctx, zkapi.Children(task))
	there, err := in.shown(task, err)
	if err != nil {
		return err
	}
	if !there {
		listed.Children = []string{"status", "progress"}
	}
	below := taskChildren(listed.Children)
	d.Attempts = int(below.attempts)
	ops := make([]zkapi.Op, len(listed.Children))
	for i, child := range listed.Children {
		ops[i] = zkapi.Get(task + "/" + child)
	}
	for i, reply := range in.session.DoAll(ctx, ops) {
		there, err := in.shown(ops[i].Path, reply.Err)
		if err != nil {
			return err
		}
		n, isAttempt := attemptNumber(listed.Children[i])
		if problem, bad := in.layout.belowProblem(d.Name, listed.Children[i], reply.Stat); there && bad {
			d.Problems = append(d.Problems, problem)
			there = isAttempt // which counts as long as it is there
		}
		if isOdd(listed.Children[i]) {
			d.Problems = append(d.Problems, in.layout.numberProblem(d.Name, listed.Children[i]))
		}
		switch {
		case !there && listed.Children[i] == "status" && errors.Is(reply.Err, zkapi.ErrNoAuth): // so there is one
			d.Status = &Status{}
		case !there:
		case listed.Children[i] == "status":
			status := decodeStatus(reply.Data)
			d.Status = &status
			if problem, odd := in.layout.wordProblem(d.Name, status); odd {
				d.Problems = append(d.Problems, problem)
			}
		case listed.Children[i] == "progress":
			d.Progress = append([]byte{}, reply.Data...)
		case isAttempt:
			record := attemptRecord{Token: Token{Attempt: n}}
			_ = json.Unmarshal(reply.Data, &record) // one made by hand says little
			d.History = append(d.History, Attempt{record.Token, record.Worker, record.Reason, record.Ended, slices.Contains(below.left, n)})
		}
	}
	slices.SortFunc(d.History, func(a, b Attempt) int { return int(a.Token.Attempt - b.Token.Attempt) })
	return nil
}

// assignment finds the worker that holds the task.
func (in *inspection) assignment(ctx context.Context, d *TaskDetail) error {
	inboxes, err := in.session.Do(ctx, zkapi.Children(in.layout.assign()))
	if there, err := in.shown(in.layout.assign(), err); !there {
		return err
	}
	workers := in.fitting(in.layout.inbox, inboxes.Children)
	ops := make([]zkapi.Op, len(workers))
	for i, w := range workers {
		ops[i] = zkapi.Get(in.layout.assignment(w, d.Name))
	}
	for i, reply := range in.session.DoAll(ctx, ops) {
		there, err := in.shown(ops[i].Path, reply.Err)
		if err != nil {
			return err
		}
		if !there && !errors.Is(reply.Err, zkapi.ErrNoAuth) {
			continue
		}
		var record assignmentRecord
		_ = json.Unmarshal(reply.Data, &record)
		d.Worker, d.Token = workers[i], record.Token
		if there && reply.Stat.Owner() != zkapi.OwnerNone {
			d.Problems = append(d.Problems, in.layout.assignmentProblem(workers[i], d.Name, reply.Stat))
		}
	}
	return nil
}

// Unreadable is a znode that this client may not read.
type Unreadable struct {
	Path   string
	Reason string // the server's
}

// longestShown is the length in bytes of the longest path that is printed in full.
const longestShown = 1 << 10

// inspection reads many znodes. If the server refuses one of them, that ends nothing: the
// znode is listed, and the rest is read.
type inspection struct {
	session zkapi.Session
	layout  layout
	hidden  []Unreadable
	refused []string // paths of the znodes that the server has not shown
	first   error    // the first refusal
	some    bool     // something was shown
}

// shown reports by the error of a read whether the znode could be read. It returns an error
// only if that concerns more than this znode.
func (in *inspection) shown(path string, err error) (bool, error) {
	switch {
	case err == nil:
		in.some = true
		return true, nil
	case errors.Is(err, zkapi.ErrNoNode):
		return false, nil
	case zkapi.Refused(err):
		in.refused = append(in.refused, path)
		in.hides(path, err)
		return false, nil
	}
	return false, err
}

// find checks whether a znode exists. A missing znode is no proof of read permission: servers
// tell every client that a znode is missing.
func (in *inspection) find(ctx context.Context, path string) (zkapi.Result, error) {
	found, err := fence.Look(ctx, fence.Of(in.session), fence.Exists(path))
	if err == nil && !found.Found {
		err = fmt.Errorf("%s: %w", path, zkapi.ErrNoNode)
	}
	_, err = in.shown(path, err)
	return found, err
}

func (in *inspection) hides(path string, err error) {
	if len(path) > longestShown {
		path = brief(path)
	}
	if slices.ContainsFunc(in.hidden, func(u Unreadable) bool { return u.Path == path }) {
		return
	}
	if in.first == nil {
		in.first = err
	}
	in.hidden = append(in.hidden, Unreadable{path, observe.Clip(err.Error())})
}

// fitting leaves out names that are too long for a request.
func (in *inspection) fitting(path func(string) string, names []string) []string {
	var fit []string
	for _, name := range names {
		if longest := longestName(fence.Of(in.session)); len(name) > longest {
			in.hides(path(name), nameTooLong(name, longest))
			continue
		}
		fit = append(fit, name)
	}
	return fit
}

// unreadable lists the znodes that could not be read, by path. If nothing could be read, it
// returns the refusal.
func (in *inspection) unreadable() ([]Unreadable, error) {
	if !in.some && in.first != nil {
		return nil, in.first
	}
	slices.SortFunc(in.hidden, func(a, b Unreadable) int { return strings.Compare(a.Path, b.Path) })
	return in.hidden, nil
}
