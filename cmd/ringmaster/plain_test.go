package main

import (
	"strings"
	"testing"
	"unicode"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"host:1 ü 日本 😀":               "host:1 ü 日本 😀",
		"a\r\nMASTER m9\tx":           "a  MASTER m9 x",
		"\x1b[2J\x07\u009b31m\u202eb": `\x1b[2J\x07\x9b31m\u202eb`,
		"\xff\xfe":                    "\ufffd",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestWhatZnodesHoldDoesNotControlTheTerminal: neither in a table nor in an error.
func TestWhatZnodesHoldDoesNotControlTheTerminal(t *testing.T) {
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
