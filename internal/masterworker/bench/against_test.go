package bench

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// printedFirst is what a build before suites prints (commit 17de02d).
const printedFirst = `using the image ringmaster-zookeeper
baseline: 20000 znodes created one by one, 128 in flight: 3437 per second
backlog of 20000 tasks, 1 master, 4 workers: 1590 tasks per second from the master's start to the last status
ratio: 0.46 tasks for each znode of the baseline (a task is three znodes made or removed, and three reads)
`

func TestReadFigures_OfEachBuild(t *testing.T) {
	const printed = `time=12:00 level=INFO msg="a: b: c"
drain (not counted): 5000 creates, 5000 in multis and 5000 tasks warmed the servers up in 7.1 s
drain: znodes created one by one, 128 in flight: 3437/s
drain: tasks done: 1590/s of 20000, 4 workers, 0.46 x znodes one by one
residents: a worker leaves: all owned again: 7.4 s after, 25000 were its
lone: one task, from Submit to its result: median 20.03ms, p99 31ms, 4.51 x one create (medians)
other: no suite: 12/s

2 cores, 3 ZooKeeper servers on it:

drain  tasks done  1590/s of 20000, 4 workers  0.46 x znodes one by one
`
	for _, c := range []struct {
		printed string
		want    []figure
	}{
		{printed, []figure{
			{"drain", "znodes created one by one, 128 in flight", "3437/s", 0},
			{"drain", "tasks done", "1590/s of 20000, 4 workers", 0.46},
			{"residents", "a worker leaves: all owned again", "7.4 s after, 25000 were its", 0},
			{"lone", "one task, from Submit to its result", "median 20.03ms, p99 31ms", 4.51},
		}},
		{printedFirst, []figure{
			{"drain", "znodes created one by one, 128 in flight", "3437/s", 0},
			{"drain", "tasks done", "1590/s of 20000, 4 workers", 0.46},
		}},
		{"ratio: 0.46 tasks for each znode of the baseline\n", nil},
		{"", nil},
	} {
		if got := readFigures(c.printed, []string{"drain", "residents", "lone"}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v", c.printed, got)
		}
	}
}

// TestReadFigures_ReadsWhatABedPrints: a row comes back as it was.
func TestReadFigures_ReadsWhatABedPrints(t *testing.T) {
	var out bytes.Buffer
	b := &bed{out: &out, suite: "kill"}
	b.against(1.0567, "its session timeout of 10s", "a worker is killed: its tasks run elsewhere", "median 10.57s, longest 11s of 5")
	b.says("the stranger's session", "kept")
	want := []figure{
		{"kill", "a worker is killed: its tasks run elsewhere", "median 10.57s, longest 11s of 5", 1.06},
		{"kill", "the stranger's session", "kept", 0},
	}
	if got := readFigures(out.String(), []string{"kill"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestFigure_Number(t *testing.T) {
	for text, want := range map[string]struct {
		n    float64
		unit string
		ok   bool
	}{
		"2716/s of 20000, 4 workers":          {2716, "/s", true},
		"27795 tasks/s":                       {27795, "tasks/s", true},
		"median 3.7ms, p99 175ms":             {0.0037, "s", true},
		"median 1m2s, longest 2m":             {62, "s", true},
		"130µs":                               {0.00013, "s", true},
		"7.4 s after, 25000 were its":         {7.4, "s", true},
		"1.8 requests/s, 0.6 of them writes":  {1.8, "requests/s", true},
		"9, 4 of them writes":                 {9, "", true},
		"163 MB of heap after a collection":   {163, "MB", true},
		"kept":                                {0, "", false},
		"":                                    {0, "", false},
		"lost: the session timeout is over 3": {3, "", true},
	} {
		n, unit, ok := figure{figure: text}.number()
		if n != want.n || unit != want.unit || ok != want.ok {
			t.Errorf("%q: %v %q %v", text, n, unit, ok)
		}
	}
}

// TestCompare_DividesMeans: figures of two turns each, one that only one build has, one that is no
// number, and two of different units.
func TestCompare_DividesMeans(t *testing.T) {
	a := []figure{
		{"drain", "tasks done", "3000/s", 0.9}, {"idle", "at rest", "2 requests/s", 0}, {"neighbour", "session", "kept", 0}, {"lone", "new", "9", 0},
		{"drain", "tasks done", "5000/s", 1.1}, {"drain", "tasks done", "4000/s", 1}, {"drain", "the same", "7/s", 0.2}, {"submit", "the same", "7/s", 0.2},
	}
	b := []figure{{"drain", "tasks done", "1000/s", 0.4}, {"drain", "tasks done", "3000/s", 0.6}, {"idle", "at rest", "2 s", 0}, {"neighbour", "session", "kept", 0}}
	var out bytes.Buffer
	if err := compare(a, b, &out); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for line := range strings.Lines(out.String()) {
		var cells []string
		for _, cell := range strings.Split(line, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		got = append(got, cells)
	}
	want := [][]string{
		{"suite", "what", "A", "B", "A / B", "A / B, each against its baseline"},
		{"drain", "tasks done", "3000/s | 5000/s | 4000/s", "1000/s | 3000/s", "2.00", "2.00"},
		{"idle", "at rest", "2 requests/s", "2 s", "-", "-"},
		{"neighbour", "session", "kept", "kept", "-", "-"},
		{"lone", "new", "9", "-", "-", "-"},
		{"drain", "the same", "7/s", "-", "-", "-"},
		{"submit", "the same", "7/s", "-", "-", "-"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if q := quotient([2][]figure{{{figure: "1/s"}}, {{figure: "0/s"}}}, figure.number); q != "-" {
		t.Errorf("by zero: %s", q)
	}
}

const (
	helpFirst = "Measure how fast\n\nFlags:\n  -h, --help           help for bench\n      --image string   image\n      --servers int    number\n      --tasks int      number\n      --workers int    number\n"
	helpThen  = "Measure.\n\nSuites:\n  drain      how fast\n  lone       one task\n\nUsage:\n  torture bench [flags]\n\nFlags:\n      --suite strings   what\n      --tasks int      number of --workers\n"
)

func TestAbility_Flags(t *testing.T) {
	off := map[string]string{"larger": "0", "warm-up": "0"}
	for _, c := range []struct {
		help       string
		suites     []string
		given      map[string]string
		own, older string
		refused    string
	}{
		{helpFirst, []string{"drain"}, nil, "--suite=drain --larger=0 --warm-up=0", "", ""},
		{helpFirst, []string{"drain"}, map[string]string{"tasks": "7", "servers": "1"}, "--suite=drain --servers=1 --tasks=7 --larger=0 --warm-up=0", "--servers=1 --tasks=7", ""},
		{helpFirst, []string{"lone"}, nil, "", "", "it has no suite lone; it has drain"},
		{helpFirst, []string{"drain"}, map[string]string{"larger": "9"}, "", "", "it has no --larger"},
		{helpThen, []string{"drain", "lone"}, map[string]string{"tasks": "7"}, "--suite=drain,lone --tasks=7 --larger=0 --warm-up=0", "--suite=drain,lone --tasks=7", ""},
		{helpThen, []string{"kill"}, nil, "", "", "it has no suite kill"},
		{strings.Replace(helpThen, "drain ", "other ", 1), []string{"drain"}, nil, "", "", "it has no suite drain"},
		{helpThen, []string{"lone"}, map[string]string{"workers": "7"}, "", "", "it has no --workers"},
		{helpThen + "      --larger int   n\n      --warm-up int   n\n", []string{"drain"}, map[string]string{"larger": "5"}, "--suite=drain --larger=5", "--suite=drain --larger=5", ""},
	} {
		own, older, err := readAbility(c.help).Flags(c.suites, c.given, off)
		if got := strings.Join(own, " "); got != c.own {
			t.Errorf("%v %v: own %s", c.suites, c.given, got)
		}
		if got := strings.Join(older, " "); got != c.older {
			t.Errorf("%v %v: older %s", c.suites, c.given, got)
		}
		if (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%v %v: %v", c.suites, c.given, err)
		}
	}
}

// script makes a command that prints the help of a bench, or what a bench prints.
func script(t *testing.T, help, printed string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "torture")
	text := "#!/bin/sh\nif [ \"$2\" = --help ]; then cat <<'END'\n" + help + "END\nexit; fi\necho \"$@\" >> \"$0.calls\"\ncat <<'END'\n" + printed + "END\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAgainst_TakesTurns runs two commands that print the figures of benches.
func TestAgainst_TakesTurns(t *testing.T) {
	older := script(t, helpFirst, printedFirst)
	own := script(t, helpThen, "drain: tasks done: 3180/s of 20000, 4 workers, 0.92 x znodes one by one\n")
	ability, err := AbilityOf(t.Context(), older)
	if err != nil || !ability.flags["workers"] || ability.flags["suite"] {
		t.Fatalf("%+v %v", ability, err)
	}
	var out bytes.Buffer
	err = Against(t.Context(), []string{"drain"}, Build{"A", own, []string{"--suite=drain", "--tasks=5"}}, Build{"B", older, []string{"--tasks=5"}}, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for path, want := range map[string]string{own: "bench --suite=drain --tasks=5\n", older: "bench --tasks=5\n"} {
		if calls, err := os.ReadFile(path + ".calls"); err != nil || string(calls) != want+want {
			t.Errorf("%s: %s %v", path, calls, err)
		}
	}
	order := []string{"A, turn 1 of 2", "B, turn 1 of 2", "A, turn 2 of 2", "B, turn 2 of 2", "A / B"}
	rest := out.String()
	for _, next := range order {
		_, after, ok := strings.Cut(rest, next)
		if !ok {
			t.Fatalf("no %q in its place:\n%s", next, &out)
		}
		rest = after
	}
	if row := strings.Join(strings.Fields(rest[strings.Index(rest, "tasks done"):]), " "); row != "tasks done 3180/s of 20000, 4 workers | 3180/s of 20000, 4 workers 1590/s of 20000, 4 workers | 1590/s of 20000, 4 workers 2.00 2.00 drain znodes created one by one, 128 in flight - 3437/s | 3437/s - -" {
		t.Error(row)
	}
}

func TestAgainst_RefusesWhatIsNoBench(t *testing.T) {
	for _, path := range []string{"/nowhere/torture", "/bin/true", script(t, "", "")} {
		if _, err := AbilityOf(t.Context(), path); !errors.Is(err, ErrNotABuild) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	var out bytes.Buffer
	if err := Against(t.Context(), []string{"drain"}, Build{"A", "/bin/false", nil}, Build{"B", "/bin/false", nil}, &out); err == nil || !strings.Contains(err.Error(), "A, /bin/false") {
		t.Errorf("%v", err)
	}
}
