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

// attempts are lines that code of a master, a candidate or a worker may try. Each has the
// compiler's answer, or none when the line is allowed.
var attempts = []struct{ name, code, answer string }{
	{"a read", `r.term.Session.Do(ctx, fence.Get("/a"))`, ""},
	{"reads", `r.doAll([]fence.Read{fence.Exists("/a"), fence.Children("/b").Watched()})`, ""},
	{"a fenced write of a master", `r.term.Write(zkapi.Delete("/a", 1))`, ""},
	{"a fenced write of a worker", `i.write(ctx, zkapi.Delete("/a", 1))`, ""},
	{"a write of a master", `r.term.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"a multi of a master", `r.term.Session.Do(ctx, zkapi.Multi(zkapi.Set("/a", nil, 1)))`, "cannot use zkapi.Multi"},
	{"a write of a worker", `i.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"a write of a candidate", `c.session.Do(ctx, zkapi.Create("/a", nil, zkapi.Persistent))`, "cannot use zkapi.Create"},
	{"writes of a worker", `i.Session.DoAll(ctx, []zkapi.Op{zkapi.Delete("/a", 1)})`, "cannot use []zkapi.Op"},
	{"a write among reads", `r.doAll([]fence.Read{zkapi.Delete("/a", 1)})`, "cannot use zkapi.Delete"},
	{"a read made of a write", `_ = fence.Read{op: zkapi.Delete("/a", 1)}`, "cannot refer to unexported field op"},
	{"a read turned into a write", `_ = fence.Read(zkapi.Delete("/a", 1))`, "cannot convert"},
	{"the session itself", `_ = i.Session.session`, "i.Session.session undefined"},
	{"the session by its type", `_ = zkapi.Session(i.Session)`, "cannot convert i.Session"},
}

// The code of the recipe's roles is compiled with one more file. What it tries without
// the claim must not compile, and nothing else may fail, else the answers prove nothing.
func TestUnfencedWrite_DoesNotCompile(t *testing.T) {
	code := []string{
		"package recipe",
		`import ("context"; "` + module + `recipe/internal/fence"; "` + module + `zkapi")`,
		"func attempts(ctx context.Context, r *reconciler, i *incarnation, c candidate) {",
	}
	first := len(code) + 1
	for _, a := range attempts {
		code = append(code, a.code)
	}
	answers := compile(t, strings.Join(append(code, "}", ""), "\n"))
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

// compile builds the recipe with one more file and returns what the compiler says of
// that, by line.
func compile(t *testing.T, code string) map[int]string {
	t.Helper()
	recipe, err := filepath.Abs("../..")
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
