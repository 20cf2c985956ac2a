package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// explained is a tree with a task and a worker of one name, and a task in quarantine.
func explained() *fakeServer {
	return &fakeServer{nodes: map[string]string{
		"/tasks": "", "/workers": "", "/assign": "", "/candidates": "", "/backlog": "", "/collect": "",
		"/quarantine": leftAlone, "/tasks/task-bad": "", "/tasks/both": "", "/assign/both": "",
		"/tasks/task-late": `#ringmaster {"not_before":"2100-01-02T03:04:05Z"} x`,
	}}
}

// TestExplain_PrintsReasons: for people with local times, for scripts with all that is typed.
func TestExplain_PrintsReasons(t *testing.T) {
	person := &terminal{t: t, servers: explained().start(t)}
	t.Setenv("TZ", "UTC")
	const nobody = "- no master leads (nobody is in the queue of candidates): nothing is assigned or taken back until one does\n"
	const lost = "- worker both is not registered: no session holds its name\n"
	for words, want := range map[string]string{
		"task-late": "task task-late: pending\n" + nobody + "- it is not to begin before 2100-01-02 03:04:05\n",
		"task-bad": "task task-bad: pending\n" + nobody +
			"- the master ignores task task-bad since 2026-01-02 03:04:05, and tries again at 2026-01-02 03:05:05 (refused 7 times): zk: not authenticated\n" +
			"- no worker is registered\n",
		"both":        "task both: pending\n" + nobody + "- no worker is registered\n\nworker both\n" + nobody + lost,
		"task/both":   "task both: pending\n" + nobody + "- no worker is registered\n",
		"worker/both": "worker both\n" + nobody + lost,
	} {
		if code, out, problem := person.types("", "explain", words); code != 0 || out != want {
			t.Errorf("%s: exit code %d\n%s%s", words, code, out, problem)
		}
	}
	_, out, problem := person.types("", "explain", "--json", "both")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatal(out, problem)
	}
	var v struct {
		Kind, Name, State string
		Reasons           []map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &v); err != nil || v.Kind != "task" || v.Name != "both" || v.State != "pending" || len(v.Reasons) != 2 ||
		v.Reasons[1]["kind"] != "no-workers" || v.Reasons[1]["task"] != "both" || v.Reasons[1]["text"] != "no worker is registered" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestExplain_RefusesWrongUse: with the code and the remedy. Names of nothing have a code of
// their own.
func TestExplain_RefusesWrongUse(t *testing.T) {
	person := &terminal{t: t, servers: explained().start(t)}
	for words, want := range map[string]struct {
		code exit.Code
		says string
	}{
		"late":                        {exit.NotFound, "no such task or worker: late; there is a task of the name task-late"},
		"worker/none":                 {exit.NotFound, "no such worker: none"},
		"task/none":                   {exit.NotFound, "no such task: none"},
		"a/b":                         {exit.WrongUse, `"a/b" is not the name of a task or a worker: give a name such as`},
		"both --strategy none":        {exit.WrongUse, `--strategy "none": choose least-loaded or sticky`},
		"both --max-attempts -1":      {exit.WrongUse, "--max-attempts -1 must not be negative"},
		"both --tasks-per-worker -1":  {exit.WrongUse, "--tasks-per-worker -1 must not be negative"},
		"":                            {exit.WrongUse, "give NAME"},
		"both more":                   {exit.WrongUse, "give NAME"},
		"both --connect-timeout=-1ms": {exit.WrongUse, "--connect-timeout -1ms"},
	} {
		code, out, problem := person.types("", append([]string{"explain"}, strings.Fields(words)...)...)
		if exit.Code(code) != want.code || !strings.Contains(problem, want.says) || out != "" {
			t.Errorf("%s: exit code %d\n%s%s", words, code, out, problem)
		}
	}
}

// TestExplain_LetsNoZnodeControlTheTerminal: neither a reason nor a name.
func TestExplain_LetsNoZnodeControlTheTerminal(t *testing.T) {
	const evil, quoted = "\x1b[2Jx\r\n- no master leads\x07\u202e", `\u001b[2Jx\r\n- no master leads\u0007\u202e`
	server := &fakeServer{nodes: map[string]string{
		"/tasks": "", "/workers": "", "/assign": "", "/candidates": "", "/backlog": "", "/collect": "", "/master": evil,
		"/quarantine":   `{"epoch":1,"left":[{"kind":"task","name":"task-a","reason":"` + quoted + `","since":"2026-01-02T03:04:05Z","refused":1}]}`,
		"/workers/evil": evil, "/assign/evil": evil,
		"/tasks/task-a": "", "/tasks/task-a/attempt-1": `{"worker":"` + quoted + `","reason":"` + quoted + `","ended":"2099-01-02T03:04:05Z"}`,
		"/tasks/task-b": "", "/tasks/task-b/status": `{"state":"` + quoted + `","reason":"` + quoted + `"}`,
		"/tasks/task-c": "#ringmaster {\"" + evil + "} ",
	}}
	person := &terminal{t: t, servers: server.start(t)}
	for _, words := range [][]string{{"task-a"}, {"task-b"}, {"task-c"}, {"evil"}, {"task-a", "--json"}, {"task-b", "--json"}, {"x\u202e"}} {
		code, out, problem := person.types("", append([]string{"explain"}, words...)...)
		if strings.ContainsFunc(out+problem, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || strings.Contains(out, "x\n- no master leads") || code != 0 && code != 6 && code != 8 {
			t.Errorf("%q: %d %q %q", words, code, out, problem)
		}
	}
}
