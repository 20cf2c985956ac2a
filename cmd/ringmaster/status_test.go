package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// leftAlone is what a master has written to /quarantine.
const leftAlone = `{"epoch":1,"more":3,"left":[` +
	`{"kind":"task","name":"task-bad","reason":"zk: not authenticated","since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:05Z","refused":7},` +
	`{"kind":"worker","name":"xxx... (400000 bytes)","reason":"request too large","since":"2026-01-02T03:04:05Z","refused":1}]}`

// TestStatusShowsWhatIsLeftAlone: for people and for scripts.
func TestStatusShowsWhatIsLeftAlone(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/workers": "", "/assign": "", "/candidates": "", "/backlog": `{"epoch":1,"limit":5}`, "/quarantine": leftAlone,
	}}
	person := &terminal{t: t, servers: server.start(t)}
	t.Setenv("TZ", "UTC")
	code, out, problem := person.types("", "status")
	want := `LEFT ALONE BY THE MASTER, because the server refuses something
task task-bad since 2026-01-02 03:04:05, refused 7 times, tried again at 03:05:05
  zk: not authenticated
worker xxx... (400000 bytes) since 2026-01-02 03:04:05, until its znode is gone
  request too large
and 3 more
`
	if code != 0 || !strings.HasSuffix(out, want) || !strings.Contains(out, "BACKLOG  0 of 5\n") {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	_, out, _ = person.types("", "status", "--json")
	var v overview
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err, out)
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if len(v.Quarantined) != 2 || v.More != 3 ||
		v.Quarantined[0] != (quarantined{"task", "task-bad", "zk: not authenticated", since, since.Add(time.Minute), 7}) ||
		v.Quarantined[1] != (quarantined{"worker", "xxx... (400000 bytes)", "request too large", since, time.Time{}, 1}) {
		t.Errorf("%+v", v)
	}
}

// TestStatusShowsTheRest: znodes that the server does not show are named with its reason,
// and everything else is there.
func TestStatusShowsTheRest(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{
		"/app": "", "/app/tasks": "", "/app/workers": "", "/app/assign": "", "/app/candidates": "", "/app/backlog": "", "/app/quarantine": "",
		"/app/tasks/task-good": "payload", "/app/tasks/task-good/status": "by hand", "/app/tasks/task-bad": "", "/app/tasks/task-bad/status": "",
		"/app/tasks/task-half": "", "/app/tasks/task-half/attempt-1": "{}",
	}, locked: map[string]bool{"/app/tasks/task-bad": true, "/app/tasks/task-bad/status": true, "/app/tasks/task-half": true, "/app/candidates": true}}
	person := &terminal{t: t, servers: server.start(t)}
	code, out, problem := person.types("", "status", "--namespace", "/app")
	want := `NOT SHOWN BY THE SERVER to this identity
/app/candidates
  children /app/candidates: access denied by the znode's ACL (NoAuth, code -102) (not applied)
/app/tasks/task-bad
  children /app/tasks/task-bad: access denied by the znode's ACL (NoAuth, code -102) (not applied)
/app/tasks/task-bad/status
  get /app/tasks/task-bad/status: access denied by the znode's ACL (NoAuth, code -102) (not applied)
/app/tasks/task-half
  children /app/tasks/task-half: access denied by the znode's ACL (NoAuth, code -102) (not applied)
`
	if code != 0 || !strings.HasSuffix(out, want) || !strings.Contains(out, "TASKS    3: 1 pending, 0 assigned, 1 done, 0 failed, 0 cancelled, 1 unknown\n") {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	_, out, _ = person.types("", "status", "--namespace", "/app", "--json")
	var v overview
	if err := json.Unmarshal([]byte(out), &v); err != nil || len(v.Unreadable) != 4 || v.Unreadable[1].Znode != "/app/tasks/task-bad" || v.Tasks.Unknown != 1 {
		t.Errorf("%v: %s", err, out)
	}
	code, out, problem = person.types("", "tasks", "list", "--namespace", "/app")
	if code != 0 || !strings.Contains(out, "task-good  done") || !strings.Contains(out, "task-bad   unknown") || strings.Count(problem, "not shown by the server: ") != 4 {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	code, out, problem = person.types("", "tasks", "show", "task-half", "--namespace", "/app")
	if code != 0 || !strings.Contains(out, "payload    not shown") || !strings.Contains(out, "not shown  /app/tasks/task-half: get /app/tasks/task-half: access denied") {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	code, out, problem = person.types("", "tasks", "show", "task-none", "--namespace", "/app")
	if code != 8 {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
}

// TestStatusShowsWhatIsNotShown: it says of the master and of the tasks that they are
// not shown, not that there are none.
func TestStatusShowsWhatIsNotShown(t *testing.T) {
	v := overview{namespace: "/app", Unreadable: []unreadable{{Znode: "/app/master"}, {Znode: "/app/tasks"}}}
	var b strings.Builder
	if err := show(&b, v, false, false); err != nil || !strings.Contains(b.String(), "MASTER   not shown\n") || !strings.Contains(b.String(), "0 cancelled (not shown)\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
	for want, m := range map[string]leader{
		"m1 host:1, epoch 3": {Name: "m1", Address: "host:1", Epoch: 3, Session: "0x7"},
		"host:1 made by hand, session 0x7: no master of Ringmaster leads until it is gone": {Address: "host:1", Session: "0x7", ByHand: true},
		"made by hand, session 0x7: no master of Ringmaster leads until it is gone":        {Session: "0x7", ByHand: true},
	} {
		if got := (overview{Master: &m}).leads(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestListsShowOneKindOfTime: all lists for people show local time in one form, whatever
// the zone is in which it was recorded.
func TestListsShowOneKindOfTime(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("here", 3600)
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	var b strings.Builder
	v := overview{Hanging: []hanging{{Task: "task-a", Worker: "w1", Abandoned: at}}, Quarantined: []quarantined{{Kind: "task", Name: "b", Since: at}}}
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

// TestShow_KeepsPhaseAndStateApart: in JSON phase is how far a task is, and state how it
// ended.
func TestShow_KeepsPhaseAndStateApart(t *testing.T) {
	for state, want := range map[recipe.State]string{
		recipe.Pending: `"phase":"pending","attempts"`, recipe.Assigned: `"phase":"assigned","worker":"w1"`,
		recipe.Done: `"phase":"finished","state":"done"`, recipe.Finished: `"phase":"finished","token"`,
	} {
		d := recipe.TaskDetail{TaskInfo: recipe.TaskInfo{Name: "a", State: state}}
		switch {
		case state == recipe.Finished:
			d.Status = &recipe.Status{} // it is not shown
		case state.Ended():
			d.Status = &recipe.Status{State: state}
		case state == recipe.Assigned:
			d.Worker = "w1"
		}
		if line, err := json.Marshal(detailOf(d)); err != nil || !strings.Contains(string(line), want) {
			t.Errorf("%s: %s, want %s", state, line, want)
		}
	}
}
