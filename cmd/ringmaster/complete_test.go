package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

// TestCompletion_KnowsTheWords: names of tasks and workers, states, strategies. It offers no name that a
// shell could take for something else.
func TestCompletion_KnowsTheWords(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{
		"/app": "", "/app/tasks": "", "/app/tasks/task-b": "", "/app/tasks/task-a": "", "/app/tasks/other": "",
		"/app/workers": "", "/app/workers/w1": "", "/app/workers/other": "", "/app/workers/w$(x)": "",
		"/app/elections": "", "/app/elections/scheduler": "", "/app/elections/reports": "",
		"/app/standby": "", "/app/standby/billing": "", "/app/queues": "", "/app/queues/mail": "", "/app/queues/orders": "",
		"/app/locks": "", "/app/locks/nightly": "", "/app/locks/weekly": "",
		"/app/counters": "", "/app/counters/visits": "", "/app/barriers": "", "/app/barriers/upgrade": "", "/app/barriers/lane-7": "",
		"/app/tasks/task-$(touch x)": "", "/app/tasks/task-\u202e": "", "/app/tasks/task-`id`": "",
	}}
	person := &terminal{t: t, servers: server.start(t) + "/app"}
	for words, want := range map[string]string{
		"cancel ":                   "other\ntask-a\ntask-b\n:4\n",
		"collect task-":             "task-a\ntask-b\n:4\n",
		"collect task-a task-":      "task-b\n:4\n",
		"tasks show t":              "task-a\ntask-b\n:4\n",
		"tasks show task-a ":        ":4\n",
		"explain ":                  "other\ntask-a\ntask-b\nw1\n:4\n",
		"explain w":                 "w1\n:4\n",
		"explain w1 ":               ":4\n",
		"lead ":                     "reports\nscheduler\n:4\n",
		"leader s":                  "scheduler\n:4\n",
		"leader scheduler ":         ":4\n",
		"standby ":                  "billing\n:4\n",
		"failover b":                "billing\n:4\n",
		"failover --layout ":        "path\nyarn\nhdfs\n:4\n",
		"lock n":                    "nightly\n:4\n",
		"locks ":                    "nightly\nweekly\n:4\n",
		"locks nightly ":            ":4\n",
		"queue put ":                "mail\norders\n:4\n",
		"queue take o":              "orders\n:4\n",
		"queue ls mail ":            ":4\n",
		"counter ":                  "visits\n:4\n",
		"barrier ":                  "upgrade\n:4\n",
		"explain --strategy ":       "least-loaded\nsticky\n:4\n",
		"tasks list --state ":       "pending\nassigned\ndone\nfailed\ncancelled\nunknown\n:4\n",
		"master --strategy ":        "least-loaded\nsticky\n:4\n",
		"node --exec x --strategy ": "least-loaded\nsticky\n:4\n",
		"worker --unreturned ":      "wait\nabandon:\nend:\n:4\n",
		"status --log-level ":       "debug\ninfo\nwarn\nerror\n:4\n",
	} {
		if _, out, problem := person.types("", append([]string{"__complete"}, strings.Split(words, " ")...)...); out != want {
			t.Errorf("%s: %q, want %q; %s", words, out, want, problem)
		}
	}
	person.servers = "127.0.0.1:1"
	if code, out, _ := person.types("", "__complete", "cancel", ""); code != 0 || out != ":4\n" {
		t.Errorf("without servers: %d, %q", code, out)
	}
}

// TestVersion_SaysWhichBuildItIs.
func TestVersion_SaysWhichBuildItIs(t *testing.T) {
	code, out, problem := (&terminal{t: t}).types("", "--version")
	if code != 0 || !strings.HasPrefix(out, "ringmaster version (devel), ") || !strings.Contains(out, "go1.") {
		t.Errorf("%d, %q, %s", code, out, problem)
	}
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3, commit abc, with changes, go1.26": {GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}, Settings: settings},
		"(devel), go1.26":                          {GoVersion: "go1.26"},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := versionOf(nil); !strings.HasPrefix(got, "unknown go") {
		t.Errorf("%q", got)
	}
}
