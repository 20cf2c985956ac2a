package record

import "testing"

func TestParsePath_EachKind(t *testing.T) {
	for path, want := range map[string]Znode{
		"/master":              {Kind: Mastership},
		"/master/candidate-1":  {},
		"/workers":             {Kind: Workers},
		"/workers/w":           {Kind: Registration, Worker: "w"},
		"/tasks":               {Kind: Tasks},
		"/tasks/t":             {Kind: Task, Task: "t"},
		"/tasks/t/status":      {Kind: TaskStatus, Task: "t"},
		"/tasks/t/progress":    {Kind: TaskProgress, Task: "t"},
		"/tasks/t/attempt-2":   {Kind: Attempt, Task: "t", Number: 2},
		"/tasks/t/left-3":      {Kind: Left, Task: "t", Number: 3},
		"/tasks/t/attempt-0":   {Task: "t"},
		"/tasks/t/attempt-x":   {Task: "t"},
		"/tasks/t/attempt-1/x": {Task: "t"},
		"/tasks/t/status/x":    {Task: "t"},
		"/assign":              {Kind: Assign},
		"/assign/w":            {Kind: Inbox, Worker: "w"},
		"/assign/w/t":          {Kind: Assignment, Worker: "w", Task: "t"},
		"/assign/w/t/x":        {Worker: "w", Task: "t"},
		"/collect/t":           {Kind: Collection, Task: "t"},
		"/collect":             {},
		"/backlog":             {},
		"/":                    {},
		"":                     {},
	} {
		if got := ParsePath(path); got != want {
			t.Errorf("%s is %+v, want %+v", path, got, want)
		}
	}
}

func TestTaskOf_Paths(t *testing.T) {
	for path, want := range map[string]string{
		"/tasks/t": "t", "/tasks/t/attempt-1": "t", "/assign/w/t": "t", "/assign/w/t/x": "t",
		"/tasks": "", "/assign": "", "/assign/w": "", "/workers/t": "", "/collect/t": "", "task": "",
	} {
		if got := TaskOf(path); got != want {
			t.Errorf("%s is of %q, want %q", path, got, want)
		}
	}
}

func TestParseTask_WithAndWithoutOptions(t *testing.T) {
	for data, want := range map[string]struct {
		id string
		o  TaskOptions
	}{
		`{"id":"a"}`: {"a", TaskOptions{}},
		"#ringmaster {\"attempts\":3}\n{\"id\":\"b\"}":   {"b", TaskOptions{Attempts: 3}},
		"#ringmaster {\"resident\":true} {\"id\":\"c\"}": {"c", TaskOptions{Resident: true}},
		"#ringmaster by hand":                            {"", TaskOptions{}},
		"run this":                                       {"", TaskOptions{}},
	} {
		if id, o := ParseTask(data); id != want.id || o != want.o {
			t.Errorf("%q: %q, %+v", data, id, o)
		}
	}
	if _, payload := ParseOptions("#ringmaster {\"attempts\":3}\nrun this"); payload != "run this" {
		t.Errorf("the payload is %q", payload)
	}
}

func TestParseStatus_Data(t *testing.T) {
	for data, want := range map[string]Entry{
		`{"state":"failed","worker":"w","epoch":2,"attempt":1}`: {State: Failed, Worker: "w", Token: Token{Epoch: 2, Attempt: 1}},
		"by hand":        {State: Done, Result: "by hand"},
		`{"worker":"w"}`: {State: Done, Result: `{"worker":"w"}`},
	} {
		if got := ParseStatus(data); got != want {
			t.Errorf("%s: %+v", data, got)
		}
	}
}
