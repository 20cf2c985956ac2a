package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// tree is how the nemesis finds its targets in the recipe's tree.
func tree() nemesis.Recipe {
	return nemesis.Recipe{
		Leader:       candidate.Leader,
		Elects:       candidate.Elects,
		Registration: func(name string) string { return "/workers/" + name },
		Held: func(ctx context.Context, z nemesis.Znodes) (map[string]int, error) {
			return counted(ctx, z, func(string) bool { return true })
		},
		Residents: func(ctx context.Context, z nemesis.Znodes) (map[string]int, error) {
			return counted(ctx, z, func(task string) bool { return strings.HasPrefix(task, "task-"+ResidentPrefix) })
		},
		Assigns: func(part zkapi.Op, to string) bool {
			return part.Kind == zkapi.KindCreate && strings.HasPrefix(part.Path, "/assign/"+to+"/")
		},
		Changing: "/tasks",
	}
}

// counted counts the assignments of each worker whose tasks fit; a worker without any
// is left out.
func counted(ctx context.Context, z nemesis.Znodes, such func(task string) bool) (map[string]int, error) {
	inboxes, err := z.Do(ctx, zkapi.Children("/assign"))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return nil, err
	}
	held := map[string]int{}
	for _, w := range inboxes.Children {
		inbox, err := z.Do(ctx, zkapi.Children("/assign/"+w))
		if err != nil {
			return nil, err
		}
		for _, task := range inbox.Children {
			if such(task) {
				held[w]++
			}
		}
	}
	return held, nil
}

// Open counts the tasks without a status, and the assignments, of those and of others.
// It moves when tasks have come or gone, which only the workload and the retention make
// them do.
func Open(ctx context.Context, z nemesis.Znodes) (subject.Open, error) {
	listed, err := z.Do(ctx, zkapi.Children("/tasks"))
	if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
		return subject.Open{}, err
	}
	ops := make([]zkapi.Op, len(listed.Children))
	for i, t := range listed.Children {
		ops[i] = zkapi.Exists("/tasks/" + t + "/status")
	}
	tasks, assignments := 0, 0
	for _, reply := range z.DoAll(ctx, ops) {
		if reply.Err != nil {
			return subject.Open{}, reply.Err
		}
		if !reply.Found {
			tasks++
		}
	}
	held, err := counted(ctx, z, func(string) bool { return true })
	for _, n := range held {
		assignments += n
	}
	return subject.Open{
		Items: tasks + assignments, Moves: int64(listed.Stat.Cversion), Left: fmt.Sprintf("%d tasks without a status, %d assignments left", tasks, assignments),
	}, err
}
