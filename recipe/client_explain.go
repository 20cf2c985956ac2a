package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrNoWorker means that there is no such worker: no session holds the name, and no worker has
// registered under it before.
var ErrNoWorker = errors.New("no such worker")

// What a name begins with if it names only a task, or only a worker.
const (
	taskPrefix   = "task/"
	workerPrefix = "worker/"
)

// Explain says why a task or a worker is as it is: why a task does not run or move, why a
// worker gets nothing. It reads the tree, and lets the code decide that decides for masters. It
// asks no process, and writes nothing. The name may begin with task/ or worker/; without that,
// a name that both a task and a worker have gets both explanations, the task's first. A name
// that nothing has is ErrNoTask, ErrNoWorker or both.
//
// masters is the configuration of the masters, as far as it decides about tasks (Strategy,
// TasksPerWorker, MaxAttempts, MaxHandovers, Backoff): the tree does not have it. The zero
// value has the defaults.
//
// Explain cannot know what only a process remembers. A master counts back-off and heartbeat
// timeouts from when it has seen their beginning, and forgets at a failover which workers a task
// avoids; the reasons rely on the attempts on record instead. A worker does not say which of
// its tasks wait for a free handler, nor which executions it has in quarantine. The tree does
// not say when a task was assigned, or when it was asked back. If the master has more than 50
// subjects in quarantine, some of them may be missing.
//
// Explain costs about as many reads as an Overview, and the data of the unfinished tasks that
// it compares with, at most a thousand of them apart from the assigned ones.
func (c *Client) Explain(ctx context.Context, name string, masters MasterConfig) ([]Explanation, error) {
	if c.env == nil {
		return nil, errZero
	}
	bare, kinds, err := subjectsNamed(name)
	if err != nil {
		return nil, err
	}
	p, err := masters.policy()
	if err != nil {
		return nil, err
	}
	p.Retention = 0 // the removal of finished tasks holds nothing up
	var found []Explanation
	err = c.withSession(ctx, func(session zkapi.Session) (err error) {
		e := &explainer{
			overviewReader: overviewReader{inspection: inspection{session: session, layout: c.layout}, Overview: &Overview{}},
			limits:         p.Limits, assumed: masters.TasksPerWorker == 0, now: c.env.Now(), view: decide.NewView(),
			claims: map[string]workerRow{}, holders: map[string]string{}, revoked: map[string]bool{},
		}
		found, err = e.explain(ctx, bare, kinds)
		return err
	})
	return found, err
}

// subjectsNamed splits a name into the kinds of what it may name, and the rest.
func subjectsNamed(name string) (string, []SubjectKind, error) {
	kinds, bare := []SubjectKind{TaskSubject, WorkerSubject}, name
	if task, ok := strings.CutPrefix(name, taskPrefix); ok {
		kinds, bare = kinds[:1], task
	} else if worker, ok := strings.CutPrefix(name, workerPrefix); ok {
		kinds, bare = kinds[1:], worker
	}
	if checkTask(bare) != nil {
		return "", nil, invalid("%q is not the name of a task or a worker: give a name such as task-invoice.17 or w1, or task/NAME or worker/NAME if a task and a worker have the same name", name)
	}
	return bare, kinds, nil
}

// explainer reads the tree into a view as masters have it, and finds reasons in the decisions
// about it.
type explainer struct {
	overviewReader
	limits  decide.Limits
	assumed bool // the bound of tasks per worker is the default
	now     time.Time
	view    *decide.View
	format  int // of the znodes
	look    decide.Look

	claims  map[string]workerRow // by worker
	holders map[string]string    // worker by task
	revoked map[string]bool      // tasks whose assignments are revoked or taken

	task    TaskDetail // if a task is explained
	waiting []string   // tasks that wait, in the order of assignment
	removal bool       // a client has asked for the removal of the task
}

func (e *explainer) explain(ctx context.Context, name string, kinds []SubjectKind) ([]Explanation, error) {
	if _, err := e.session.Do(ctx, zkapi.Sync(e.layout.assign())); err != nil && !zkapi.Refused(err) {
		return nil, err
	}
	for _, part := range []func(context.Context) error{e.leader, e.parents, e.candidates, e.notices, e.readClaims} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	kinds, err := e.existing(ctx, name, kinds)
	if err != nil {
		return nil, err
	}
	if slices.Contains(kinds, TaskSubject) {
		if e.task, err = e.inspect(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := e.readTasks(ctx, name); err != nil {
		return nil, err
	}
	e.decide(name)
	var all []Explanation
	for _, kind := range kinds {
		one := Explanation{Kind: kind, Name: name}
		if kind == TaskSubject {
			one.State, one.Resident, one.Reasons = e.task.State, e.task.Options.Resident, e.taskReasons()
		} else {
			one.Reasons = e.workerReasons(name)
		}
		all = append(all, one)
	}
	hidden, err := e.unreadable()
	for i := range all {
		all[i].Unreadable = hidden
		if len(all[i].Reasons) == 0 {
			all[i].Reasons = []Reason{e.notShownReason()}
		}
	}
	return all, err
}

// existing lists those of the kinds that have something of that name.
func (e *explainer) existing(ctx context.Context, name string, kinds []SubjectKind) ([]SubjectKind, error) {
	var found []SubjectKind
	var missing []error
	for _, kind := range kinds {
		_, there := e.claims[name]
		why := ErrNoWorker
		if kind == TaskSubject {
			seen, err := fence.Look(ctx, fence.Of(e.session), fence.Exists(e.layout.task(name)))
			if err != nil && !zkapi.Refused(err) {
				return nil, err
			}
			there, why = seen.Found || err != nil, ErrNoTask
		}
		if there {
			found = append(found, kind)
		} else {
			missing = append(missing, why)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, e.unknown(ctx, name, missing)
}

// unknownName is the error for a name that nothing has.
type unknownName struct {
	text string
	all  []error
}

func (u *unknownName) Error() string   { return u.text }
func (u *unknownName) Unwrap() []error { return u.all }

// unknown says that nothing has that name, and what may be the cause.
func (e *explainer) unknown(ctx context.Context, name string, missing []error) error {
	text := fmt.Sprintf("%v: %s", missing[0], name)
	if len(missing) > 1 {
		text = "no such task or worker: " + name
	}
	if missing[0] != ErrNoTask {
		return &unknownName{text, missing}
	}
	if seen, err := fence.Look(ctx, fence.Of(e.session), fence.Exists(e.layout.task(taskName(name)))); err == nil && seen.Found {
		text += fmt.Sprintf("; there is a task of the name %s", taskName(name))
	}
	if full, unfinished := e.full(ctx); full {
		text += fmt.Sprintf("; the backlog is full (%d of %d unfinished tasks): a client that submits it waits until there is room", unfinished, e.MaxBacklog)
	}
	return &unknownName{text, missing}
}

// full reports whether clients wait before they submit.
func (e *explainer) full(ctx context.Context) (bool, int) {
	if e.MaxBacklog == 0 {
		return false, 0
	}
	tasks, err := fence.Look(ctx, fence.Of(e.session), fence.Exists(e.layout.tasks()))
	unfinished := int(tasks.Stat.NumChildren) - e.finished
	return err == nil && unfinished >= e.MaxBacklog, unfinished
}
