package exploration

import (
	"context"
	"fmt"
	"io"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// Run runs the engine, shows its progress on out, and judges what it has found. An error
// says that the result would mean nothing.
func (e *Exploration) Run(ctx context.Context, out io.Writer) (*Result, error) {
	r, err := e.explore(ctx, out)
	if err != nil {
		return nil, err
	}
	r.exploration = e
	r.Verdict = e.judge(r)
	r.Sentence = e.sentence(r)
	return r, nil
}

// explore chooses the engine and runs it.
func (e *Exploration) explore(ctx context.Context, out io.Writer) (*Result, error) {
	tell := func(p explore.Progress) {
		fmt.Fprintf(out, "\r%s states, %s a second, depth %d, %s queued   ", grouped(p.States),
			grouped(int64(float64(p.States)/max(p.Elapsed.Seconds(), 0.001))), p.Depth, grouped(int64(p.Frontier)))
	}
	defer fmt.Fprintln(out)
	switch {
	case e.Replay != "":
		found, err := explore.Replay(e.World.Model, e.Schedule)
		return &Result{Found: found, covered: fmt.Sprintf("the %d steps of %s", len(e.Schedule), e.Replay)}, err
	case e.Engine == "bfs":
		return e.everyState(ctx, tell)
	}
	return e.schedules(ctx, tell)
}

func (e *Exploration) limits() explore.Limits {
	return explore.Limits{Time: e.Time, States: e.States, Reduce: e.Reduce}
}

// everyState visits all states.
func (e *Exploration) everyState(ctx context.Context, tell func(explore.Progress)) (*Result, error) {
	r, err := explore.BFS(ctx, e.World.Model, e.limits(), tell)
	if err != nil {
		return nil, err
	}
	reduced := ""
	if r.Reduced != (explore.Reductions{}) {
		reduced = "; reductions: " + r.Reduced.String()
	}
	return &Result{
		Found: r.Found, complete: r.Complete, limit: r.Limit, seen: r.Seen,
		covered: fmt.Sprintf("%s states, %s transitions, depth %d, %.1f s (%s a second, %d bytes a state%s)", grouped(r.States), grouped(r.Transitions), r.Depth,
			r.Elapsed.Seconds(), grouped(int64(float64(r.States)/r.Elapsed.Seconds())), int64(r.Bytes)/r.States, reduced),
		counts: map[string]int{"states": int(r.States), "transitions": int(r.Transitions), "depth": r.Depth, "local_states": r.Locals, "trees": r.Trees},
	}, nil
}

// schedules goes through schedules, all of them or those that are drawn.
func (e *Exploration) schedules(ctx context.Context, tell func(explore.Progress)) (*Result, error) {
	var w *explore.Walks
	var err error
	switch e.Engine {
	case "dfs":
		w, err = explore.DFS(ctx, e.World.Model, e.limits())
	case "random":
		w, err = explore.Random(ctx, e.World.Model, e.Seed, e.limits(), tell)
	case "pct":
		w, err = explore.PCT(ctx, e.World.Model, e.Seed, e.Depth, e.limits(), tell)
	}
	if err != nil {
		return nil, err
	}
	return &Result{
		Found: w.Found, complete: w.Complete, limit: w.Limit, seen: w.Seen,
		covered: fmt.Sprintf("%s schedules, %s steps, up to %d long, %.1f s", grouped(w.Schedules), grouped(w.Steps), w.Deepest, w.Elapsed.Seconds()),
		counts:  map[string]int{"schedules": int(w.Schedules), "steps": int(w.Steps), "depth": w.Deepest},
	}, nil
}
