package cli

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// A shell that completes a word waits for at most completionTime, and is given at most
// completions names.
const (
	completionTime = 2 * time.Second
	completions    = 1000
)

// harmless matches names that mean nothing else to a shell. Shells may expand the words that
// they are offered, and anyone may have chosen the name of a task.
var harmless = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]*$`)

// CompleteTasks lists the names of tasks that begin with what was typed, and are not among
// the arguments. It lists none if the servers do not answer soon.
func CompleteTasks(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, "/tasks"), args, begun)
}

// CompleteSubjects is CompleteTasks for tasks and workers.
func CompleteSubjects(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, "/tasks", "/workers"), args, begun)
}

// CompleteElections is CompleteTasks for elections.
func CompleteElections(ctx context.Context, o *Options, args []string, begun string) []string {
	return offered(children(ctx, o, elections), args, begun)
}

// children are the names of the znodes right below some znodes of the namespace.
func children(ctx context.Context, o *Options, parents ...string) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	quiet := *o
	quiet.LogLevel = "error"
	env, _, _, err := quiet.connect()
	if err != nil {
		return nil
	}
	session, err := env.Open(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = session.Close(ctx) }() // it owns no znodes
	for _, parent := range parents {
		listed, _ := session.Do(ctx, zkapi.Children(quiet.Namespace+parent)) // none are offered if they cannot be read
		names = append(names, listed.Children...)
	}
	return names
}

// offered are the names to offer to a shell, in order.
func offered(names, args []string, begun string) []string {
	names = slices.DeleteFunc(names, func(name string) bool {
		return !harmless.MatchString(name) || !strings.HasPrefix(name, begun) || slices.Contains(args, name)
	})
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), completions)]
}
