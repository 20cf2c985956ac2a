package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// CheckTaskNames reports an argument that cannot be the name of a task: the last part of a
// path in ZooKeeper.
func CheckTaskNames(names []string) error {
	for _, name := range names {
		if strings.Contains(name, "/") || name == "" || zkapi.CheckPath("/"+name) != nil {
			return fmt.Errorf("%q is not the name of a task: give a name such as task-invoice.17", name)
		}
	}
	return nil
}

// Cancel cancels tasks, and prints the state of each. A task that is not there does not stop it.
func Cancel(ctx context.Context, o *Options, s Streams, tasks []string) error {
	late := false
	err := o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		return each(s, tasks, func(task string) error {
			status, err := c.Cancel(ctx, task)
			if err != nil {
				return err
			}
			if status.State != recipe.Cancelled {
				late = true
				printf(s.Err, "%s had ended before it could be cancelled: it is %s\n", task, status.State)
			}
			return printf(s.Out, "%s\t%s\n", task, status.State)
		})
	})
	if err == nil && late {
		return errTask
	}
	return err
}

// Collect removes finished tasks. A task that is not there, or is not finished, does not stop it.
func Collect(ctx context.Context, o *Options, s Streams, tasks []string) error {
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		return each(s, tasks, func(task string) error { return c.Collect(ctx, task) })
	})
}

// each does something for each task. An error that may be about one task only, such as that it
// is not there, is told at once if there are several tasks, and the others have their turn.
// The most important one is returned. Every other error ends it.
func each(s Streams, tasks []string, do func(task string) error) error {
	var worst error
	failed := 0
	for _, task := range tasks {
		err := do(task)
		if err == nil {
			continue
		}
		if len(tasks) == 1 || !among(recipe.ErrNoTask, recipe.ErrUnfinished, zkapi.ErrNoAuth)(err) {
			return err
		}
		printf(s.Err, "ringmaster: %v\n", err)
		failed++
		if worst == nil || rank(err) < rank(worst) {
			worst = err
		}
	}
	if worst == nil {
		return nil
	}
	return fmt.Errorf("%d of %d tasks failed; the most important error: %w", failed, len(tasks), worst)
}

// listed is a line of tasks list --json.
type listed struct {
	Task     string `json:"task"`
	State    string `json:"state"`
	Worker   string `json:"worker,omitempty"`
	Attempts int    `json:"attempts_lost"`
}

// List lists tasks: those in a state, or all if state is empty.
func List(ctx context.Context, o *Options, s Streams, state string, asJSON bool) error {
	if state != "" && !slices.Contains(States, state) {
		return misuse("--state %q: choose %s", state, strings.Join(States, ", "))
	}
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		all, err := c.Overview(ctx)
		if err != nil {
			return err
		}
		var rows table
		rows.add("TASK", "STATE", "WORKER", "ATTEMPTS LOST")
		for _, t := range all.Tasks {
			found := stateOf(t)
			if state != "" && found != state {
				continue
			}
			if !asJSON {
				rows.add(t.Name, found, t.Worker, t.Attempts)
			} else if err := printJSON(s.Out, listed{t.Name, found, t.Worker, t.Attempts}); err != nil {
				return err
			}
		}
		for _, u := range all.Unreadable {
			printf(s.Err, "not shown by the server: %s: %s\n", u.Path, oneLine(u.Reason, ""))
		}
		if asJSON {
			return nil
		}
		return rows.print(s.Out, onTerminal(s.Out))
	})
}

// Show prints all about a task.
func Show(ctx context.Context, o *Options, out io.Writer, task string, asJSON bool) error {
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		d, err := c.Inspect(ctx, task)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(out, detailOf(d))
		}
		return printDetail(out, d)
	})
}

// States are all results of stateOf.
var States = []string{
	string(recipe.Pending), string(recipe.Assigned), string(recipe.Done), string(recipe.Failed), string(recipe.Cancelled),
	unknownState,
}

// unknownState is the state of a task whose status the server does not show.
const unknownState = "unknown"

// stateOf is the state of a task as lists show it.
func stateOf(t recipe.TaskInfo) string {
	if t.State == "" || t.State == recipe.Finished {
		return unknownState
	}
	return string(t.State)
}
