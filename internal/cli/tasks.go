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

// Cancel cancels tasks, and prints the state of each.
func Cancel(ctx context.Context, o *Options, s Streams, tasks []string) error {
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		late := false
		for _, task := range tasks {
			status, err := c.Cancel(ctx, task)
			if err != nil {
				return err
			}
			if err := printf(s.Out, "%s\t%s\n", task, status.State); err != nil {
				return err
			}
			if status.State != recipe.Cancelled {
				late = true
				printf(s.Err, "%s had ended before it could be cancelled: it is %s\n", task, status.State)
			}
		}
		if late {
			return errTask
		}
		return nil
	})
}

// Collect removes finished tasks.
func Collect(ctx context.Context, o *Options, tasks []string) error {
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		for _, task := range tasks {
			if err := c.Collect(ctx, task); err != nil {
				return err
			}
		}
		return nil
	})
}

// List lists tasks: those in a state, or all if state is empty.
func List(ctx context.Context, o *Options, s Streams, state string) error {
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
			if found := stateOf(t); state == "" || found == state {
				rows.add(t.Name, found, t.Worker, t.Attempts)
			}
		}
		for _, u := range all.Unreadable {
			printf(s.Err, "not shown by the server: %s: %s\n", u.Path, oneLine(u.Reason, ""))
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
