package workload

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestOpen_CountsTheTree finds who leads, who holds what, and what is still to be done.
func TestOpen_CountsTheTree(t *testing.T) {
	session, err := (&zk.Env{Server: zk.NewServer(time.Minute)}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if open, err := Open(ctx, session); err != nil || open.Items != 0 {
		t.Errorf("an empty tree: %+v, %v", open, err)
	}
	if _, _, err := candidate.Leader(ctx, session); !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("nobody leads: %v", err)
	}
	for _, p := range []string{
		"/tasks", "/tasks/task-a", "/tasks/task-b", "/tasks/task-b/status", "/tasks/task-resident.1", "/assign", "/assign/worker-1", "/assign/worker-2",
		"/assign/worker-1/task-a", "/assign/worker-1/task-resident.1",
	} {
		if _, err := session.Do(ctx, zkapi.Create(p, nil, zkapi.Persistent)); err != nil {
			t.Fatal(p, err)
		}
	}
	if _, err := session.Do(ctx, zkapi.Create("/master", []byte("node-1:0"), zkapi.Ephemeral)); err != nil {
		t.Fatal(err)
	}
	want := subject.Open{Items: 4, Moves: 3, Left: "2 tasks without a status, 2 assignments left"}
	if open, err := Open(ctx, session); err != nil || !reflect.DeepEqual(open, want) {
		t.Errorf("got %+v, %v, want %+v", open, err, want)
	}
	if name, of, err := candidate.Leader(ctx, session); err != nil || name != "node-1" || of != session.ID() {
		t.Errorf("%s leads, in session %d: %v", name, of, err)
	}
	all := tree()
	if held, err := all.Held(ctx, session); err != nil || !maps.Equal(held, map[string]int{"worker-1": 2}) {
		t.Errorf("held %v, %v", held, err)
	}
	if held, err := all.Residents(ctx, session); err != nil || !maps.Equal(held, map[string]int{"worker-1": 1}) {
		t.Errorf("residents %v, %v", held, err)
	}
}

// TestTree_KnowsItsWrites: an election, and an assignment to a worker.
func TestTree_KnowsItsWrites(t *testing.T) {
	all := tree()
	for _, c := range []struct {
		part           zkapi.Op
		elects, assign bool
	}{
		{zkapi.Create("/master", nil, zkapi.Ephemeral), true, false},
		{zkapi.Delete("/master", 0), false, false},
		{zkapi.Create("/assign/worker-1/task-a", nil, zkapi.Persistent), false, true},
		{zkapi.Create("/assign/worker-12/task-a", nil, zkapi.Persistent), false, false},
		{zkapi.Create("/assign/worker-1", nil, zkapi.Persistent), false, false},
		{zkapi.Delete("/assign/worker-1/task-a", 0), false, false},
	} {
		if all.Elects(c.part) != c.elects || all.Assigns(c.part, "worker-1") != c.assign {
			t.Errorf("%v %s: an election is %v, an assignment to worker-1 is %v", c.part.Kind, c.part.Path, !c.elects, !c.assign)
		}
	}
}
