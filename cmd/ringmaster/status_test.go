package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
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
