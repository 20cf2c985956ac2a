package explore

import (
	"context"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// dying creates a lock that no other process removes, counts, and removes it.
func dying(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	if _, err := session.Do(ctx, zkapi.Create("/lock", nil, zkapi.Persistent)); err != nil {
		seen, _ := session.Do(ctx, zkapi.Exists("/lock").Watched())
		_, _ = host.Wait(ctx, seen.Watch)
	}
	blindlyOn(ctx, session)
	_, _ = session.Do(ctx, zkapi.Delete("/lock", zkapi.AnyVersion))
}

// spinning looks for ever for a counter of three, unless another process stops it. Then it
// counts.
func spinning(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	for session.Cause() == nil {
		zkapi.Checkpoint(host, "look", session)
		n, err := session.Do(ctx, zkapi.Get("/n"))
		if err == nil && len(n.Data) == 1 {
			zkapi.Checkpoint(host, "count", session)
			_, _ = session.Do(ctx, zkapi.Set("/n", []byte("xx"), zkapi.AnyVersion))
			return
		}
	}
}

// revived counts when its first session has ended.
func revived(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	_, _ = host.Wait(ctx, session.Done())
	if session, err := host.Open(ctx); err == nil {
		blindlyOn(ctx, session)
	}
}

// TestGoal_IsSoughtByEveryTransition compares the search for states from which the goal cannot
// be reached with one that keeps every transition.
func TestGoal_IsSoughtByEveryTransition(t *testing.T) {
	for name, w := range map[string]*World{
		"a lock that stays":         toy(2, Bounds{Crashes: 1}, dying),
		"a circle":                  toy(2, Bounds{}, spinning),
		"a circle that is left":     mixedCount(Bounds{}, blindly, spinning),
		"a circle after a loss":     mixedCount(Bounds{Losses: 1}, blindly, spinning),
		"a circle after an end":     mixedCount(Bounds{Expiries: 1}, byVersion, spinning),
		"a goal after a fault only": mixedCount(Bounds{Expiries: 1}, revived),
		"two locks":                 toy(2, Bounds{Expiries: 1}, byLock),
		"two locks with a loss":     toy(2, Bounds{Losses: 1}, byLock),
		"three that give up":        toy(3, Bounds{Losses: 1}, byVersion),
		"a goal that is reached":    toy(3, Bounds{}, byLock),
		"a goal that is ignored":    toy(3, Bounds{Lags: 1}, byVersion),
	} {
		w.Judge = patient{w.Judge}
		for _, by := range []Reductions{{}, AllReductions()} {
			r, err := search(t.Context(), w, Limits{Reduce: by}, nil, true)
			if err != nil {
				t.Fatal(err)
			}
			want := nearest(t, w)
			switch {
			case (r.Found == nil) != (want < 0):
				t.Errorf("%s, reductions %v: found %+v, the nearest such state is after %d steps", name, by, r.Found, want)
			case r.Found != nil && by == (Reductions{}) && len(r.Found.Schedule) != want:
				t.Errorf("%s: found after %d steps, the nearest such state is after %d", name, len(r.Found.Schedule), want)
			}
		}
	}
}

// mixedCount is mixed with the goal that every process counts.
func mixedCount(bounds Bounds, programs ...Program) *World {
	w := mixed(bounds, programs...)
	w.Judge = toy(len(programs), bounds, nil).Judge
	return w
}

// nearest is after how many steps a state is reached from which the goal cannot be, -1 if
// after none.
func nearest(t *testing.T, w *World) int {
	t.Helper()
	g, err := Explored(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	reaches := make([]bool, g.Len())
	for changed := true; changed; {
		changed = false
		for n := range g.Len() {
			if reaches[n] {
				continue
			}
			s := make(state, g.visited.width)
			g.visited.get(g.ids[n], s)
			reaches[n] = g.space.verdictOn(s).goal
			for e := range g.Edges(n) {
				reaches[n] = reaches[n] || !e.By.fault() && reaches[e.To]
			}
			changed = changed || reaches[n]
		}
	}
	level, seen := []int{0}, map[int]bool{0: true}
	for depth := 0; len(level) > 0; depth++ {
		if slices.ContainsFunc(level, func(n int) bool { return !reaches[n] }) {
			return depth
		}
		var next []int
		for _, n := range level {
			for e := range g.Edges(n) {
				if !seen[e.To] {
					seen[e.To] = true
					next = append(next, e.To)
				}
			}
		}
		level = next
	}
	return -1
}
