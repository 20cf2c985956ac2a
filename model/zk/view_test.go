package zk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestView_LearnsOfWrites has two clients on one server: one watches /a for ever, and one has the
// session 7. Each step says what happens to the server, and the row beside it what the server
// has learned of by then and has told.
func TestView_LearnsOfWrites(t *testing.T) {
	leader := zk.NewTree()
	var told, news []string
	var v *zk.View[string]
	v = zk.NewView(leader, func(c string, f zk.Fired, _ bool) {
		told = append(told, fmt.Sprintf("%s hears %d at %d", c, f.Event.Type, v.Tree().Zxid()))
	}, func(session int64) { told = append(told, fmt.Sprint("the end of ", session)) }, func(changes []zk.Change) {
		for _, c := range changes {
			news = append(news, fmt.Sprintf("%s at %d after %d events", c.Path, v.Tree().Zxid(), len(told)))
		}
	})
	v.Watches.Set("c", zk.Watch{Path: "/a"}, zk.WatchPersistent)
	start := time.Now()
	var due time.Time
	write := func(op zkapi.Op) {
		next, _, changes, err := leader.Write(op, 7)
		if err != nil {
			t.Fatal(err)
		}
		leader = next
		v.See(zk.Step{Tree: next, Changes: changes, Due: due})
	}
	set := func() { write(zkapi.Set("/a", nil, zkapi.AnyVersion)) }
	for i, step := range []struct {
		do   func()
		zxid int64
		told []string
	}{
		{func() { write(zkapi.Create("/a", nil, zkapi.Ephemeral)) }, 1, []string{"c hears 1 at 1"}},
		{v.Lag, 1, nil},
		{set, 1, nil},
		{func() { v.Advance(2) }, 2, []string{"c hears 3 at 2"}},
		{set, 2, nil},
		{func() { v.Prompt(set) }, 4, []string{"c hears 3 at 3", "c hears 3 at 4"}},
		{func() { due = start.Add(time.Second); set() }, 4, nil},
		{func() { due = start.Add(time.Hour); set() }, 4, nil},
		{func() { v.AdvanceDue(start) }, 4, nil},
		{func() { v.AdvanceDue(start.Add(time.Second)) }, 5, []string{"c hears 3 at 5"}},
		{v.Isolate, 5, nil},
		{v.KeepUp, 5, nil},
		{func() { v.AdvanceDue(start.Add(time.Hour)) }, 5, nil},
		{v.Unite, 5, nil},
		{v.Resume, 6, []string{"c hears 3 at 6"}},
		{v.Isolate, 6, nil},
		{set, 6, nil},
		{v.Part, 6, nil},
		{v.Unite, 6, nil},
		{v.Resume, 6, nil},
		{func() { v.Join(leader) }, 7, nil},
		{func() { leader = zk.EndOf(7, leader, true).Tree; v.See(zk.EndOf(7, v.Tree(), false)) }, 8, []string{"the end of 7", "c hears 2 at 8"}},
	} {
		step.do()
		if v.Tree().Zxid() != step.zxid || !slices.Equal(told, step.told) {
			t.Errorf("step %d: the server is at zxid %d and has told %q, want %d and %q", i+1, v.Tree().Zxid(), told, step.zxid, step.told)
		}
		told = nil
	}
	if want := []string{"/a at 1 after 1 events", "/a at 2 after 1 events", "/a at 3 after 1 events", "/a at 4 after 2 events", "/a at 5 after 1 events", "/a at 6 after 1 events", "/a at 8 after 2 events"}; !slices.Equal(news, want) {
		t.Errorf("the news are %q, want %q", news, want)
	}
	if v.Refuses(8) || !v.Refuses(9) {
		t.Error("a client is refused that has seen what the server has, or one is not that has seen more")
	}
	if end := zk.EndOf(7, leader, true); end.Expired != 0 {
		t.Error("a session that its client closes has expired")
	}
}
