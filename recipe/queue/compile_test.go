package queue_test

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

// attempts are lines that code of a producer or a consumer may try. Each has the compiler's answer,
// or none when the line is allowed.
var attempts = []struct{ name, code, answer string }{
	{"a read", `s.lanes.Session.Do(ctx, fence.Get("/a"))`, ""},
	{"a write that counts once", `s.lanes.Send(ctx, once.Write{Ops: []zkapi.Op{zkapi.Delete("/a", 1)}})`, ""},
	{"a fenced write of a consumer", `t.Write(ctx, zkapi.Delete("/a", 1))`, ""},
	{"a write of a search", `s.lanes.Session.Do(ctx, zkapi.Delete("/a", 1))`, "cannot use zkapi.Delete"},
	{"a multi of a search", `s.view.session.Do(ctx, zkapi.Multi(zkapi.Set("/a", nil, 1)))`, "cannot use zkapi.Multi"},
	{"writes of a producer", `b.lanes.Session.DoAll(ctx, []zkapi.Op{zkapi.Delete("/a", 1)})`, "cannot use []zkapi.Op"},
	{"a write of a consumer", `t.tenure.term.Session.Do(ctx, zkapi.Set("/a", nil, 1))`, "cannot use zkapi.Set"},
	{"the session by its type", `_ = zkapi.Session(t.lanes.Session)`, "cannot convert t.lanes.Session"},
}

// The package is compiled with one more file. What it tries without the claim must not compile, and
// nothing else may fail, else the answers prove nothing.
func TestUnfencedWrite_DoesNotCompile(t *testing.T) {
	code := []string{
		"package queue",
		`import ("context"; "` + module + `recipe/internal/fence"; "` + module + `recipe/internal/once"; "` + module + `zkapi")`,
		"func attempts(ctx context.Context, s *search, b *batch, t *Taken) {",
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

// TestSession_IsInOneFile: only queue.go has the session itself, and can write without a claim.
func TestSession_IsInOneFile(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	ways := regexp.MustCompile(`zkapi\.Session\b|shared\.(With|Connected)\(`)
	found := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		has := ways.FindAllString(string(text), -1)
		switch {
		case strings.HasSuffix(name, "_test.go"):
		case name == "queue.go":
			found += len(has)
		case len(has) > 0:
			t.Errorf("%s has the session: %v", name, has)
		}
	}
	if found == 0 {
		t.Error("no file has the session: the test looks for the wrong names")
	}
}

const module = "github.com/ringmaster-zk/ringmaster/"

// complaint is one line of the compiler about the file that was added.
var complaint = regexp.MustCompile(`attempts\.go:(\d+):\d+: (.*)`)

// compile builds the package with one more file and returns what the compiler says of
// that, by line.
func compile(t *testing.T, code string) map[int]string {
	t.Helper()
	recipe, err := filepath.Abs(".")
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
