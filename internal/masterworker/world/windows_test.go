package world

import (
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// windows are complete worlds in which several requests of one DoAll are under way together.
// With Apart each decision, each end and each submission is a multi of its own, so that there
// are several of them; the world with a window of 1 shows what the window adds.
var windows = []struct {
	config                     Config
	states, transitions, depth int64
	deep                       bool
}{
	{small(func(c *Config) { c.Window = 2 }), 3570, 10485, 36, false},
	{small(func(c *Config) { c.Masters, c.Window = 2, 2 }), 78584, 296302, 41, false},
	{small(func(c *Config) { c.Tasks, c.Window = 2, 2 }), 24796, 77642, 54, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Window = 2, true, 3 }), 10498, 33128, 48, false},
	{small(func(c *Config) { c.Tasks, c.Apart = 2, true }), 28605, 86073, 52, false},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window = 2, true, 2 }), 42704, 130478, 52, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart = 2, true, true }), 28605, 86073, 52, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart, c.Window = 2, true, true, 2 }), 81910, 250210, 52, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart, c.Window = 2, true, true, 3 }), 82870, 253466, 52, false},
	{small(func(c *Config) { c.Tasks, c.Failures, c.Apart, c.Window = 2, 1, true, 2 }), 57770, 179401, 63, true},
	{small(func(c *Config) { c.Tasks, c.Residents, c.Apart, c.Window = 2, 2, true, 2 }), 13656, 39020, 39, false},
	{small(func(c *Config) { c.Residents, c.Cancel, c.Window = 1, true, 2 }), 30899, 96938, 56, false},
	{small(func(c *Config) { c.Collect, c.Window = true, 3 }), 5634, 17129, 42, false},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect, c.Window = true, 1, true, 3 }), 5541, 16311, 67, false},
	{small(func(c *Config) { c.Cancel, c.Resubmit, c.Window = true, true, 2 }), 138862, 438951, 84, true},
	{small(func(c *Config) { c.Window, c.Bounds.Losses = 2, 1 }), 70636, 229390, 47, true},
	{small(func(c *Config) { c.Window, c.Bounds.Expiries = 2, 1 }), 93670, 300599, 62, true},
	{small(func(c *Config) { c.Window, c.Bounds.Crashes = 2, 1 }), 132116, 441687, 67, true},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect, c.Window, c.Bounds.Crashes = true, 1, true, 2, 1 }), 284968, 933040, 90, true},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window, c.Bounds.Lags = 2, true, 2, 1 }), 412995, 1669274, 55, true},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window, c.Bounds.Losses = 2, true, 2, 1 }), 2305098, 7877183, 62, true},

	// Here the order in which threads of one process go on is a choice, too.
	{small(func(c *Config) { c.Turns = true }), 4798, 13443, 45, false},
	{small(func(c *Config) { c.Turns, c.Residents, c.Cancel = true, 1, true }), 31770, 92755, 65, false},
	{small(func(c *Config) { c.Turns, c.Masters = true, 2 }), 103416, 362734, 50, true},
	{small(func(c *Config) { c.Turns, c.Tasks, c.Window = true, 2, 2 }), 188992, 503423, 68, true},
	{small(func(c *Config) { c.Turns, c.Bounds.Expiries = true, 1 }), 176067, 487248, 78, true},
	{small(func(c *Config) { c.Turns, c.Bounds.Crashes = true, 1 }), 175027, 545476, 76, true},
}

// TestWindows_ReachWhatOneRequestAtATimeDoesNot: with a window of two the client's second task
// may be there without its first, because the multi that was sent second is carried out first.
func TestWindows_ReachWhatOneRequestAtATimeDoesNot(t *testing.T) {
	for window, want := range map[int]bool{1: false, 2: true} {
		w, err := small(func(c *Config) { c.Tasks, c.Together, c.Apart, c.Window = 2, true, true, window }).World()
		if err != nil {
			t.Fatal(err)
		}
		reached, mu := false, sync.Mutex{}
		w.Judge = watching{w.Judge, func(x explore.Write) {
			mu.Lock()
			defer mu.Unlock()
			reached = reached || there(x.After, "/tasks/task-2") && !there(x.After, "/tasks/task-1")
		}}
		if r := worldstest.Explore(t, w); r.Found != nil || reached != want {
			t.Errorf("window %d: the second task without the first: %v, want %v; found %v", window, reached, want, r.Found)
		}
	}
}

func there(tree zk.Tree, path string) bool {
	seen, err := tree.Read(zkapi.Exists(path))
	return err == nil && seen.Found
}
