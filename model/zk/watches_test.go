package zk_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWatches_FireByTheirMode has a client for each mode, and one with both tables, and lists
// who gets what for two changes of one kind.
func TestWatches_FireByTheirMode(t *testing.T) {
	var w zk.Watches[string]
	data, children := zk.Watch{Path: "/a", Table: zk.DataWatches}, zk.Watch{Path: "/a", Table: zk.ChildWatches}
	w.Set("once", data, zk.WatchOnce)
	w.Set("both", data, zk.WatchOnce)
	w.Set("both", children, zk.WatchOnce)
	w.Set("forever", data, zk.WatchPersistent)
	w.Set("deep", data, zk.WatchRecursive)
	w.Set("gone", data, zk.WatchRecursive)
	w.Drop("gone")
	var other zk.Watches[string]
	w.Set("moved", data, zk.WatchOnce)
	w.Set("moved", data, zk.WatchPersistent)
	w.Move("moved", &other)
	fire := func(kind zkapi.Kind, path string) (got []string) {
		w.Fire(zk.Change{Path: path, Kind: kind}, func(c string, f zk.Fired, again bool) {
			got = append(got, fmt.Sprintf("%s %d %v", c, f.Event.Type, again))
		})
		slices.Sort(got)
		return got
	}
	for i, step := range []struct {
		kind zkapi.Kind
		path string
		want []string
	}{
		{zkapi.KindSet, "/a/b", []string{"deep 3 false"}},
		{zkapi.KindDelete, "/a", []string{"both 2 false", "both 2 true", "deep 2 false", "forever 2 false", "once 2 false"}},
		{zkapi.KindCreate, "/a", []string{"deep 1 false", "forever 1 false"}},
		{zkapi.KindSet, "/ab", nil},
	} {
		if got := fire(step.kind, step.path); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %q, want %q", i+1, got, step.want)
		}
	}
	if w.Has("once", data, zk.WatchOnce) || len(w.Of("once")) != 0 {
		t.Error("a watch that has fired is there")
	}
	if len(w.Of("moved")) != 0 || !other.Has("moved", data, zk.WatchOnce) || !other.Has("moved", data, zk.WatchPersistent) || other.Count() != 1 {
		t.Error("the other server does not have the watches that were moved to it")
	}
	if !w.Unset("deep", data, zk.WatchRecursive) || w.Unset("deep", data, zk.WatchRecursive) || fire(zkapi.KindSet, "/a/b") != nil {
		t.Error("a watch that was removed is there")
	}
}
