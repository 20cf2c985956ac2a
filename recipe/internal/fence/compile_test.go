package fence_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// attempt is a line that code may try. It has the compiler's answer, or none if the line is
// allowed.
type attempt struct{ name, code, answer string }

// attempts are lines of a master or a worker.
var attempts = []attempt{
	{"a read", `r.term.Session.Do(ctx, fence.Get("/a"))`, ""},
	{"reads", `r.doAll([]fence.Read{fence.Exists("/a"), fence.Children("/b").Watched()})`, ""},
	{"a fenced write of a master", `r.term.Write(zkapi.Delete("/a", 1))`, ""},
	{"a fenced write of a worker", `i.write(ctx, zkapi.Delete("/a", 1))`, ""},
	{"a write of a master", `r.term.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"a multi of a master", `r.term.Session.Do(ctx, zkapi.Multi(zkapi.Set("/a", nil, 1)))`, "cannot use zkapi.Multi"},
	{"a write of a worker", `i.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"writes of a worker", `i.Session.DoAll(ctx, []zkapi.Op{zkapi.Delete("/a", 1)})`, "cannot use []zkapi.Op"},
	{"a write among reads", `r.doAll([]fence.Read{zkapi.Delete("/a", 1)})`, "cannot use zkapi.Delete"},
	{"a read made of a write", `_ = fence.Read{op: zkapi.Delete("/a", 1)}`, "cannot refer to unexported field op"},
	{"a read turned into a write", `_ = fence.Read(zkapi.Delete("/a", 1))`, "cannot convert"},
	{"the session itself", `_ = i.Session.session`, "i.Session.session undefined"},
	{"the session by its type", `_ = zkapi.Session(i.Session)`, "cannot convert i.Session"},
}

// inElections are such lines of a candidate or of a leader.
var inElections = []attempt{
	{"a read of a candidate", `c.Session.Do(ctx, fence.Get("/a"))`, ""},
	{"a fenced write of a leader", `t.Write(zkapi.Delete("/a", 1))`, ""},
	{"a write of a candidate", `c.Session.Do(ctx, zkapi.Create("/a", nil, zkapi.Persistent))`, "cannot use zkapi.Create"},
	{"a write of a leader", `t.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"writes of a leader", `t.Session.DoAll(ctx, []zkapi.Op{zkapi.Delete("/a", 1)})`, "cannot use []zkapi.Op"},
	{"the session of a leader", `_ = zkapi.Session(t.Session)`, "cannot convert t.Session"},
}

// ofApplications are such lines of package election, in which only a Leadership writes.
var ofApplications = []attempt{
	{"a read of a leader", `l.term.Session.Do(ctx, fence.Get("/a"))`, ""},
	{"a fenced write", `l.Write(ctx, zkapi.Delete("/a", 1))`, ""},
	{"a write of a leader", `l.term.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"a write without the epoch", `l.Do(ctx, zkapi.Delete("/a", 1))`, "l.Do undefined"},
	{"a write of a candidate", `s.Do(ctx, zkapi.Delete("/a", 1))`, "s.Do undefined"},
}

// The code of the roles is compiled with one more file. What it tries without the claim must not
// compile, and nothing else may fail, else the answers prove nothing.
func TestUnfencedWrite_DoesNotCompile(t *testing.T) {
	for _, room := range []struct {
		folder, name, has string
		attempts          []attempt
	}{
		{"../..", "recipe", "r *reconciler, i *incarnation", attempts},
		{"../elect", "elect", "c Candidate, t *Term", inElections},
		{"../../election", "election", "l *Leadership, s *standing", ofApplications},
	} {
		t.Run(room.name, func(t *testing.T) { mustNotCompile(t, room.folder, room.name, room.has, room.attempts) })
	}
}

// mustNotCompile compiles attempts as a function of a package that has some values.
func mustNotCompile(t *testing.T, folder, name, has string, attempts []attempt) {
	t.Helper()
	code := []string{
		"package " + name,
		`import ("context"; "` + module + `recipe/internal/fence"; "` + module + `zkapi")`,
		"func attempts(ctx context.Context, " + has + ") {",
	}
	first := len(code) + 1
	for _, a := range attempts {
		code = append(code, a.code)
	}
	answers := compile(t, folder, strings.Join(append(code, "}", ""), "\n"))
	for n, a := range attempts {
		got := answers[first+n]
		if (got == "") != (a.answer == "") || !strings.Contains(got, a.answer) {
			t.Errorf("%s: the compiler says %q, not %q", a.name, got, a.answer)
		}
		delete(answers, first+n)
	}
	if len(answers) > 0 {
		t.Errorf("the compiler also says, by line: %v", answers)
	}
}

const module = "github.com/ringmaster-zk/ringmaster/"

// complaint is one line of the compiler about the file that was added.
var complaint = regexp.MustCompile(`attempts\.go:(\d+):\d+: (.*)`)

// compile builds the package in a folder with one more file and returns what the compiler says
// of that, by line.
func compile(t *testing.T, at, code string) map[int]string {
	t.Helper()
	recipe, err := filepath.Abs(at)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	added, overlay := filepath.Join(folder, "attempts.go"), filepath.Join(folder, "overlay.json")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(recipe, "attempts.go"): added}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{added: []byte(code), overlay: replaced} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-overlay", overlay, ".")
	build.Dir = recipe
	out, err := build.CombinedOutput()
	said := map[int]string{}
	for _, m := range complaint.FindAllStringSubmatch(string(out), -1) {
		line := 0
		if _, err := fmt.Sscan(m[1], &line); err != nil {
			t.Fatal(err)
		}
		said[line] += m[2]
	}
	if err == nil || len(said) == 0 {
		t.Fatalf("the compiler has no complaint about that file (%v):\n%s", err, out)
	}
	return said
}
