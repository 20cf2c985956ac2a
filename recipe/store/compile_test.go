package store_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// attempts are lines that a user of the package may try, with the compiler's answer; none when the line is
// allowed.
var attempts = []struct{ name, code, answer string }{
	{"a Writer with a claim", `_, _ = Open(ctx, env, w, Config{})`, ""},
	{"a session in place of a Writer", `_, _ = Open(ctx, env, session, Config{})`, "missing method Write"},
	{"an Env in place of a Writer", `_, _ = Open(ctx, env, env, Config{})`, "missing method Write"},
	{"a view that writes", `_, _ = v.Apply(ctx, Create("apps/a", nil))`, "v.Apply undefined"},
}

const module = "github.com/ringmaster-zk/ringmaster/"

// TestUnfencedWrite_DoesNotCompile: a store is written by a Writer alone. Nothing else may fail, else the
// answers prove nothing.
func TestUnfencedWrite_DoesNotCompile(t *testing.T) {
	code := []string{
		"package store", `import ("context"; "` + module + `zkapi")`,
		"func attempts(ctx context.Context, env zkapi.Env, session zkapi.Session, w Writer, v *View) {",
	}
	first := len(code) + 1
	for _, a := range attempts {
		code = append(code, a.code)
	}
	folder := t.TempDir()
	added, overlay := filepath.Join(folder, "attempts.go"), filepath.Join(folder, "overlay.json")
	room, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(room, "attempts.go"): added}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{added: []byte(strings.Join(append(code, "}", ""), "\n")), overlay: replaced} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-overlay", overlay, ".").CombinedOutput()
	if err == nil {
		t.Fatal("the compiler has no complaint")
	}
	said := map[string]string{}
	for _, m := range regexp.MustCompile(`attempts\.go:(\d+):\d+: (.*(\n\t.*)*)`).FindAllStringSubmatch(string(out), -1) {
		said[m[1]] += m[2]
	}
	for n, a := range attempts {
		line := strconv.Itoa(first + n)
		if got := said[line]; (got == "") != (a.answer == "") || !strings.Contains(got, a.answer) {
			t.Errorf("%s: the compiler says %q, not %q", a.name, got, a.answer)
		}
		delete(said, line)
	}
	if len(said) > 0 {
		t.Errorf("the compiler also says, by line: %v", said)
	}
}

// TestWrites_GoByTheWriter: no file of the package writes by the session that it reads from.
func TestWrites_GoByTheWriter(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		sent += strings.Count(string(text), "z.w.Write(ctx")
		if found := regexp.MustCompile(`\b(p|s)\.(Write|Each|Ensure|EnsureParents|Repeat)\(|zkapi\.Session\b|zkapi\.Multi\b`).FindString(string(text)); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
	if sent != 3 { // behind the check of the epoch; what raises the epoch; folders
		t.Errorf("the package writes at %d places, not at 3", sent)
	}
}
