package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// ended is a server on which the tasks a and b have ended.
func ended(t *testing.T) *terminal {
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/tasks/task-a": "", "/tasks/task-a/status": `{"state":"done","result":"one\r\ntask-z\tdone\t\u001b[2J"}`,
		"/tasks/task-b": "", "/tasks/task-b/status": `{"state":"done","result64":"/wAb"}`,
	}}
	return &terminal{t: t, servers: server.start(t)}
}

// TestSubmit_LinesAreMatchedToTheirInput by their order, by ids, by numbers, and in JSON. No result looks
// like a line of the command.
func TestSubmit_LinesAreMatchedToTheirInput(t *testing.T) {
	person := ended(t)
	const in = "b\tx\na\ty\n"
	for _, c := range []struct {
		flags string
		want  []string
	}{
		{"", []string{`task-b	done	\xff\x00\x1b`, `task-a	done	one  task-z done \x1b[2J`, ""}},
		{"--numbers", []string{`1	task-b	done	\xff\x00\x1b`, `2	task-a	done	one  task-z done \x1b[2J`, ""}},
	} {
		code, out, problem := person.types(in, append([]string{"submit", "--lines", "--ids", "--wait"}, strings.Fields(c.flags)...)...)
		lines := strings.Split(out, "\n")
		if code != 0 || !slices.Equal(lines, c.want) {
			t.Errorf("%s: exit code %d, %q, want %q; %s", c.flags, code, lines, c.want, problem)
		}
	}
	code, out, problem := person.types(in, "submit", "--lines", "--ids", "--wait", "--json")
	got := map[string]string{}
	for line := range strings.Lines(out) {
		var o struct {
			Line                int
			Task, State, Result string
			Base64              string `json:"result_base64"`
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Errorf("%v: %q", err, line)
		}
		got[o.Task] = fmt.Sprint(o.Line, o.State, o.Base64)
		if o.Task == "task-a" && o.Result != "one\r\ntask-z\tdone\t\x1b[2J" {
			t.Errorf("%q", o.Result)
		}
	}
	if code != 0 || got["task-a"] != "2done" || got["task-b"] != "1done/wAb" {
		t.Errorf("exit code %d, %v, %s", code, got, problem)
	}
	if code, out, _ := person.types("x", "submit", "--wait", "--id", "b"); code != 0 || out != "\xff\x00\x1b" {
		t.Errorf("the result of one task in a pipe: %d, %q", code, out)
	}
}

// TestSubmit_WrongLinesDoNotStopTheOthers: a line that is too long, and one without an id,
// are told with their numbers.
func TestSubmit_WrongLinesDoNotStopTheOthers(t *testing.T) {
	person := ended(t)
	in := "a\tx\n" + strings.Repeat("\x1b", 2*recipe.MaxPayload) + "\nno id\nb\ty"
	code, out, problem := person.types(in, "submit", "--lines", "--ids")
	lines := strings.Fields(out)
	if exit.Code(code) != exit.WrongUse || !slices.Equal(lines, []string{"task-a", "task-b"}) {
		t.Errorf("exit code %d, %q, %s", code, lines, problem)
	}
	for _, want := range []string{`ringmaster: line 2 "\\x1b\\x1b`, `ringmaster: line 3 "no id": there is no id`, "2 tasks were accepted, 2 lines failed"} {
		if !strings.Contains(problem, want) {
			t.Errorf("%q is missing in %s", want, problem)
		}
	}
	for _, words := range []string{"submit --ids x", "submit --numbers x"} {
		if code, _, problem := person.types("", strings.Fields(words)...); exit.Code(code) != exit.WrongUse || !strings.Contains(problem, "--lines") {
			t.Errorf("%s: %d, %s", words, code, problem)
		}
	}
}

// TestTasks_OneThatFailsDoesNotStopTheOthers: cancel and collect go on, name each task that
// they could not take, and the exit code is that of the most important error.
func TestTasks_OneThatFailsDoesNotStopTheOthers(t *testing.T) {
	b, person := dev(t)
	if code, _, problem := person.types("a\tx\nb\tx\nc\tx\nd\tx\n", "submit", "--lines", "--ids"); code != 0 {
		t.Fatal(code, problem)
	}
	for _, c := range []struct {
		words    string
		want     exit.Code
		out      string
		problems []string
	}{
		{"cancel task-x task-a task-b", exit.NotFound, "task-a\tcancelled\ntask-b\tcancelled\n", []string{
			"ringmaster: no such task: task-x\n", "1 of 3 tasks failed; the most important error: no such task: task-x",
		}},
		{"collect task-c task-d", exit.NotAsAsked, "", []string{"task-c\n", "task-d\n", "2 of 2 tasks failed"}},
		{"cancel task-x", exit.NotFound, "", []string{"ringmaster: no such task: task-x\n"}},
	} {
		code, out, problem := person.types("", strings.Fields(c.words)...)
		if exit.Code(code) != c.want || out != c.out {
			t.Errorf("%s: exit code %d, %q, want %d, %q", c.words, code, out, c.want, c.out)
		}
		for _, want := range c.problems {
			if !strings.Contains(problem, want) {
				t.Errorf("%s: %q is missing in %s", c.words, want, problem)
			}
		}
	}
	if code := person.leaves(b); code != 0 {
		t.Errorf("dev ended with %d", code)
	}
}

// TestTasks_ListsNamesWithoutLossInJSON: a name that a table has to write out can be read.
func TestTasks_ListsNamesWithoutLossInJSON(t *testing.T) {
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/tasks/task-\u202ea": "", "/tasks/task-\u202ea/status": `{"state":"done"}`, "/tasks/task-b": "",
	}}
	person := &terminal{t: t, servers: server.start(t)}
	for words, want := range map[string]string{
		"tasks list --json":              `{"task":"task-b","state":"pending","attempts_lost":0}` + "\n" + `{"task":"task-\u202ea","state":"done","attempts_lost":0}` + "\n",
		"tasks list --state done --json": `{"task":"task-\u202ea","state":"done","attempts_lost":0}` + "\n",
	} {
		if code, out, problem := person.types("", strings.Fields(words)...); code != 0 || out != want {
			t.Errorf("%s: exit code %d, %q, want %q; %s", words, code, out, want, problem)
		}
	}
}
