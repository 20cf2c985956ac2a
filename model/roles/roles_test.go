package roles

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

func show(w *explore.World, f *explore.Finding) {
	if f != nil {
		fmt.Fprintln(os.Stderr, f.Violations)
		for i, s := range explore.Explain(w, f.Schedule) {
			fmt.Fprintf(os.Stderr, "%3d %s: %s  -> %s\n", i+1, s.Process, s.Text, s.Answer)
		}
	}
}

func TestTryDFS(t *testing.T) {
	c := Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2}
	w, _ := c.World()
	r, err := explore.DFS(context.Background(), w, explore.Limits{Time: 20 * time.Second})
	fmt.Fprintf(os.Stderr, "%+v %v\n", r.Schedules, err)
	fmt.Fprintf(os.Stderr, "pruned %d steps %d deepest %d ends %d complete %v %v\n", r.Pruned, r.Steps, r.Deepest, len(r.Ends), r.Complete, r.Elapsed)
	show(w, r.Found)
	c.Bounds = explore.Bounds{Expiries: 2, Losses: 2, Crashes: 1}
	w, _ = c.World()
	for d := range 8 {
		if d == 0 {
			r, err = explore.Random(context.Background(), w, 1, explore.Limits{Time: 5 * time.Second}, nil)
		} else {
			r, err = explore.PCT(context.Background(), w, 1, d, explore.Limits{Time: 5 * time.Second}, nil)
		}
		fmt.Fprintf(os.Stderr, "d=%d schedules %d steps %d deepest %d complete %v %v seen %q\n", d, r.Schedules, r.Steps, r.Deepest, r.Complete, r.Elapsed, r.Seen)
		show(w, r.Found)
	}
}

func TestTry(t *testing.T) {
	for _, c := range []Config{

		{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Losses: 1, Lags: 1}},
		{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Without: "sync-after-doubt", Bounds: explore.Bounds{Losses: 1, Lags: 1}},
		{Masters: 1, Workers: 1, Tasks: 1, Attempts: 3, Bounds: explore.Bounds{Crashes: 1, Lags: 1}},
		{Masters: 1, Workers: 1, Tasks: 1, Twins: true, Attempts: 2, Library: explore.Replacing, Bounds: explore.Bounds{Expiries: 1}},
	} {
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.BFS(context.Background(), w, explore.Limits{Time: 60 * time.Second}, func(p explore.Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(os.Stderr, "%+v: complete=%v %s states=%d moves=%d depth=%d locals=%d trees=%d steps=%d %v %d B/state seen=%q\n", c, r.Complete, r.Limit, r.States, r.Transitions, r.Depth, r.Locals, r.Trees, r.Steps, r.Elapsed, int64(r.Bytes)/r.States, r.Seen)
		show(w, r.Found)
	}
}
