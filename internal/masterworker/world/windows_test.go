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
	{small(func(c *Config) { c.Window = 2 }), 3522, 10345, 35, false},
	{small(func(c *Config) { c.Masters, c.Window = 2, 2 }), 77432, 291982, 40, false},
	{small(func(c *Config) { c.Tasks, c.Window = 2, 2 }), 19128, 59468, 51, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Window = 2, true, 3 }), 8116, 25301, 46, false},
	{small(func(c *Config) { c.Tasks, c.Apart = 2, true }), 22159, 66497, 49, false},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window = 2, true, 2 }), 34420, 104852, 49, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart = 2, true, true }), 22159, 66497, 49, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart, c.Window = 2, true, true, 2 }), 66740, 203223, 49, false},
	{small(func(c *Config) { c.Tasks, c.Together, c.Apart, c.Window = 2, true, true, 3 }), 67700, 206479, 49, false},
	{small(func(c *Config) { c.Tasks, c.Failures, c.Apart, c.Window = 2, 1, true, 2 }), 49566, 153218, 60, true},
	{small(func(c *Config) { c.Tasks, c.Residents, c.Apart, c.Window = 2, 2, true, 2 }), 13656, 39020, 39, false},
	{small(func(c *Config) { c.Residents, c.Cancel, c.Window = 1, true, 2 }), 30899, 96938, 56, false},
	{small(func(c *Config) { c.Collect, c.Window = true, 3 }), 4794, 14559, 41, false},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect, c.Window = true, 1, true, 3 }), 4815, 14192, 67, false},
	{small(func(c *Config) { c.Cancel, c.Resubmit, c.Window = true, true, 2 }), 138478, 437783, 83, true},
	{small(func(c *Config) { c.Window, c.Bounds.Losses = 2, 1 }), 68324, 221982, 46, true},
	{small(func(c *Config) { c.Window, c.Bounds.Expiries = 2, 1 }), 91288, 292653, 61, true},
	{small(func(c *Config) { c.Window, c.Bounds.Crashes = 2, 1 }), 129746, 433777, 66, true},
	{small(func(c *Config) { c.Parts, c.Failures, c.Collect, c.Window, c.Bounds.Crashes = true, 1, true, 2, 1 }), 228170, 753510, 90, true},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window, c.Bounds.Lags = 2, true, 2, 1 }), 362245, 1457356, 51, true},
	{small(func(c *Config) { c.Tasks, c.Apart, c.Window, c.Bounds.Losses = 2, true, 2, 1 }), 1691162, 5779528, 59, true},

	// Here the order in which threads of one process go on is a choice, too.
	{small(func(c *Config) { c.Turns = true }), 4750, 13303, 44, false},
	{small(func(c *Config) { c.Turns, c.Residents, c.Cancel = true, 1, true }), 31770, 92755, 65, false},
	{small(func(c *Config) { c.Turns, c.Masters = true, 2 }), 102264, 358414, 49, true},
	{small(func(c *Config) { c.Turns, c.Tasks, c.Window = true, 2, 2 }), 164284, 432697, 65, true},
	{small(func(c *Config) { c.Turns, c.Bounds.Expiries = true, 1 }), 172893, 477610, 77, true},
	{small(func(c *Config) { c.Turns, c.Bounds.Crashes = true, 1 }), 172569, 537378, 76, true},
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
