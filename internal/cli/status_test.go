package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// TestStatus_SaysWhatIsNotReadable: it says of the master and of the tasks that they are
// not shown, not that there are none.
func TestStatus_SaysWhatIsNotReadable(t *testing.T) {
	v := Overview{namespace: "/app", Unreadable: []unreadable{{Znode: "/app/master"}, {Znode: "/app/tasks"}}}
	var b strings.Builder
	if err := show(&b, v, false, false); err != nil || !strings.Contains(b.String(), "MASTER   not shown\n") || !strings.Contains(b.String(), "0 cancelled (not shown)\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
	for want, m := range map[string]leader{
		"m1 host:1, epoch 3": {Name: "m1", Address: "host:1", Epoch: 3, Session: "0x7"},
		"host:1 made by hand, session 0x7: no master of Ringmaster can lead until /master is deleted": {Address: "host:1", Session: "0x7", ByHand: true},
		"made by hand, session 0x7: no master of Ringmaster can lead until /master is deleted":        {Session: "0x7", ByHand: true},
	} {
		if got := (Overview{Master: &m}).masterLine(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStatus_ShowsLocalTime: all lists for people show local time in one form, whatever
// the zone is in which it was recorded.
func TestStatus_ShowsLocalTime(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("here", 3600)
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	var b strings.Builder
	v := Overview{Hanging: []hanging{{Task: "task-a", Worker: "w1", Abandoned: at}}, Quarantined: []quarantined{{Kind: "task", Name: "b", Since: at}}}
	if err := show(&b, v, false, false); err != nil {
		t.Fatal(err)
	}
	d := recipe.TaskDetail{TaskInfo: recipe.TaskInfo{Name: "c"}, Status: &recipe.Status{State: recipe.Failed, Ended: at}, History: []recipe.Attempt{{Ended: at}}}
	if err := printDetail(&b, d); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "2026-01-02 04:04:05"); n != 4 {
		t.Errorf("%d times in that form, 4 are wanted:\n%s", n, b.String())
	}
}

// TestStatus_SaysWhoWaits: as far as the tree shows it, for people and for scripts.
func TestStatus_SaysWhoWaits(t *testing.T) {
	leader := recipe.Leader{Name: "m1", Address: "m1", Epoch: 1, Session: 7}
	tasks := []recipe.TaskInfo{{Name: "a", State: recipe.Pending}, {Name: "b", State: recipe.Pending}, {Name: "c", State: recipe.Done}}
	assigned := []recipe.TaskInfo{{Name: "a", State: recipe.Assigned, Worker: "w1"}}
	alive, lost := []recipe.WorkerInfo{{Name: "w1", Alive: true}}, []recipe.WorkerInfo{{Name: "w1"}}
	hidden := []recipe.Unreadable{{Path: "/app/master"}, {Path: "/app/workers"}}
	for name, c := range map[string]struct {
		o    recipe.Overview
		want string
	}{
		"nobody":      {recipe.Overview{Tasks: tasks}, "WAITING\n2 tasks wait for a master: start a master\n2 tasks wait for a worker: start a worker\n"},
		"a master":    {recipe.Overview{Tasks: tasks, Leader: leader}, "WAITING\n2 tasks wait for a worker: start a worker\n"},
		"a worker":    {recipe.Overview{Tasks: tasks, Workers: alive}, "WAITING\n2 tasks wait for a master: start a master\n"},
		"a lost one":  {recipe.Overview{Tasks: assigned, Workers: lost, Leader: leader}, "WAITING\n1 task waits for a worker: start a worker\n"},
		"both":        {recipe.Overview{Tasks: tasks, Workers: alive, Leader: leader}, ""},
		"no task":     {recipe.Overview{Tasks: tasks[2:]}, ""},
		"not shown":   {recipe.Overview{Tasks: tasks, Unreadable: hidden}, ""},
		"full":        {recipe.Overview{Tasks: tasks, Workers: alive, Leader: leader, MaxBacklog: 2}, "WAITING\nsubmissions wait for room, because the backlog is full: start more workers, or raise --max-backlog\n"},
		"nearly full": {recipe.Overview{Tasks: tasks, Workers: alive, Leader: leader, MaxBacklog: 3}, ""},
	} {
		var b, j strings.Builder
		v := overviewOf(c.o, "/app")
		if err := show(&b, v, false, false); err != nil {
			t.Fatal(err)
		}
		if err := show(&j, v, true, false); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.want) || strings.Contains(b.String(), "WAITING") != (c.want != "") || strings.Contains(j.String(), `"waiting"`) != (c.want != "") {
			t.Errorf("%s:\n%s%s", name, b.String(), j.String())
		}
	}
}
