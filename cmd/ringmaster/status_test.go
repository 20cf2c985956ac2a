package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

// leftAlone is what a master has written to /quarantine.
const leftAlone = `{"epoch":1,"more":3,"left":[` +
	`{"kind":"task","name":"task-bad","reason":"zk: not authenticated","since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:05Z","refused":7},` +
	`{"kind":"worker","name":"xxx... (400000 bytes)","reason":"request too large","since":"2026-01-02T03:04:05Z","refused":1}]}`

// TestStatus_ShowsTheQuarantine: for people and for scripts.
func TestStatus_ShowsTheQuarantine(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/workers": "", "/assign": "", "/candidates": "", "/backlog": `{"epoch":1,"limit":5}`, "/quarantine": leftAlone,
	}}
	person := &terminal{t: t, servers: server.start(t)}
	t.Setenv("TZ", "UTC")
	code, out, problem := person.types("", "status")
	want := `IN QUARANTINE: the master ignores these
task task-bad since 2026-01-02 03:04:05, refused 7 times, tried again at 03:05:05
  zk: not authenticated
worker xxx... (400000 bytes) since 2026-01-02 03:04:05, until its znode is deleted
  request too large
and 3 more
`
	if code != 0 || !strings.HasSuffix(out, want) || !strings.Contains(out, "BACKLOG  0 of 5\n") {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	_, out, _ = person.types("", "status", "--json")
	var v cli.Overview
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err, out)
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want = fmt.Sprint([]any{
		[]any{"task", "task-bad", "zk: not authenticated", since, since.Add(time.Minute), 7},
		[]any{"worker", "xxx... (400000 bytes)", "request too large", since, time.Time{}, 1},
	})
	if got := fmt.Sprint(v.Quarantined); v.More != 3 || strings.NewReplacer("{", "[", "}", "]").Replace(got) != want {
		t.Errorf("%+v", v)
	}
}

// TestStatus_ShowsAllThatIsReadable: znodes that the server does not show are named with its
// reason, and everything else is there.
func TestStatus_ShowsAllThatIsReadable(t *testing.T) {
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
	var v cli.Overview
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

// TestStatus_LetsNoZnodeControlTheTerminal: neither in a table nor in an error.
func TestStatus_LetsNoZnodeControlTheTerminal(t *testing.T) {
	const evil = "\x1b[2Jx\r\nMASTER  m9\x07"
	const quoted = `\u001b[2Jx\r\nMASTER  m9\u0007`
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/workers": "", "/assign": "", "/candidates": "", "/backlog": "",
		"/quarantine":  `{"epoch":1,"left":[{"kind":"` + quoted + `","name":"` + quoted + `","reason":"` + quoted + `","since":"2026-01-02T03:04:05Z","refused":1}]}`,
		"/workers/bad": evil, "/assign/bad": evil, "/candidates/c-0000000001": evil, "/master": evil,
		"/tasks/task-a": evil, "/tasks/task-a/status": `{"state":"` + quoted + `","reason":"` + quoted + `","worker":"` + quoted + `","result":"` + quoted + `"}`,
		"/tasks/task-b": "#ringmaster {\"key\":\"\x7f\"} ", "/tasks/task-b/progress": evil, "/tasks/task-b/attempt-1": `{"worker":"` + quoted + `","reason":"` + quoted + `"}`,
	}}
	person := &terminal{t: t, servers: server.start(t)}
	for _, words := range [][]string{{"status"}, {"tasks", "list"}, {"tasks", "show", "task-a"}, {"tasks", "show", "task-b"}} {
		_, out, problem := person.types("", words...)
		if strings.ContainsFunc(out+problem, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || strings.Contains(out, "\nMASTER  m9") {
			t.Errorf("%q: %q %q", words, out, problem)
		}
	}
}
