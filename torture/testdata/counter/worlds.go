package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// world is a world that torture explore can explore: processes that raise the counter once
// each.
type world struct {
	Processes int
	Careless  bool
}

func worlds(careless bool) func() subject.Worlds {
	return func() subject.Worlds {
		w := &world{Careless: careless}
		return subject.Worlds{
			Options: func(f *flag.FlagSet) { f.IntVar(&w.Processes, "processes", 3, "processes that raise the counter once") },
			World:   w.make,
			Properties: []subject.Property{
				{Name: "RaisedByOne", Says: "Each increment makes the counter greater by one."},
				{Name: "NoCrash", Says: "No process panics."},
				{Name: "GoalStaysReachable", Says: "Every process can still raise the counter."},
			},
		}
	}
}

func (w *world) make(given subject.Conditions) (subject.World, error) {
	if given.Without != "" {
		return subject.World{}, fmt.Errorf("--without %s: these worlds have no guards: leave it out", given.Without)
	}
	model := &explore.World{Tree: zk.NewStructuralTree(), Bounds: given.Bounds, Library: given.Library, Strands: given.Strands, Unfenced: given.Unfenced, Window: given.Window, Turns: given.Turns, Judge: judge{}}
	for i := range w.Processes {
		model.Processes = append(model.Processes, explore.Process{Name: fmt.Sprintf("client-%d", i+1), Program: program(Counter{path, w.Careless})})
	}
	if err := model.Validate(); err != nil {
		return subject.World{}, fmt.Errorf("--processes %d: %w", w.Processes, err)
	}
	return subject.World{Model: model, Who: fmt.Sprintf("processes=%d", w.Processes), Expected: []string{"raised"}, Config: *w}, nil
}

// program raises the counter once. It opens another session until it knows that it has.
// An answer that was lost leaves it in doubt; then it leaves the counter alone.
func program(counter Counter) explore.Program {
	return func(ctx context.Context, host explore.Host) {
		for ctx.Err() == nil {
			session, err := host.Open(ctx)
			if err != nil {
				continue
			}
			_, err = counter.Raise(ctx, session)
			if err == nil || zkapi.FateOf(err) == zkapi.Unknown {
				host.Note("done", "yes")
				_ = session.Close(ctx)
				return
			}
		}
	}
}

// judge judges every write and every state of the world.
type judge struct{}

// Write implements explore.Judge.
func (judge) Write(w explore.Write) []explore.Violation {
	before, after := value(w.Before), value(w.After)
	if !applied(w) || after == before+1 {
		return nil
	}
	return []explore.Violation{{Property: "RaisedByOne", Reason: fmt.Sprintf("%s wrote %d, and the counter was %d", w.Process, after, before)}}
}

// State implements explore.Judge: all is said of writes.
func (judge) State(explore.View) []explore.Violation { return nil }

// Goal implements explore.Judge.
func (judge) Goal(v explore.View) bool {
	for _, p := range v.Processes {
		if p.Notes["done"] == "" {
			return false
		}
	}
	return true
}

// Seen implements explore.Judge.
func (judge) Seen(w explore.Write) []string {
	if applied(w) {
		return []string{"raised"}
	}
	return nil
}

// applied reports whether a write has changed the counter, perhaps to the number that it
// had.
func applied(w explore.Write) bool { return w.Err == nil && w.Op.Path == path && w.Op.Kind.Writes() }

// value is the number in the counter; 0 while there is no counter.
func value(tree zk.Tree) int {
	got, err := tree.Read(zkapi.Get(path))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(string(got.Data))
	if err != nil {
		return -1
	}
	return n
}
