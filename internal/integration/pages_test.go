package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// page is the part of docs/testing.md for one language, with its program.
type page struct {
	title, program, commands string
}

// pageFor cuts a part out of docs/testing.md.
func pageFor(t *testing.T, title string) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("docs/testing.md has no part %q", title)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	block := regexp.MustCompile("(?s)```" + strings.ToLower(title) + "\n(.*?)```").FindStringSubmatch(part)
	if block == nil {
		t.Fatalf("%s has no program", title)
	}
	p := page{title: title, program: block[1]}
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(strings.ReplaceAll(part, block[1], ""), -1) {
		p.commands += m[1] + "\n"
	}
	return p
}

// run saves the program under that name, and runs the commands, until one fails.
func (p page) run(t *testing.T, ringmaster, file string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(p.program), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-ec", p.commands)
	command.Dir, command.WaitDelay = dir, time.Second
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(ringmaster)+":/usr/bin:"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	return string(out), err
}

// TestTestingPage_ProgramsStandALostAnswer runs what docs/testing.md shows: the programs pass
// although answers are lost. They fail without the one thing that the page says they need.
func TestTestingPage_ProgramsStandALostAnswer(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name())
	}
	t.Parallel()
	ringmaster := filepath.Join(t.TempDir(), "ringmaster")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", ringmaster, "../../cmd/ringmaster").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, c := range []struct{ title, client, file, care, careless string }{
		{"Python", "kazoo_recipes", "test.py", "return zk.retry(zk.get, path)[0] == mine", "return False"},
		{"Java", "CuratorRecipes", "BillingTest.java", ".idempotent()", ""},
	} {
		t.Run(c.title, func(t *testing.T) {
			needClient(t, c.client)
			p := pageFor(t, c.title)
			out, err := p.run(t, ringmaster, c.file)
			runs := strings.Count(p.commands, "ringmaster dev")
			if passed := strings.Count(out, "200 orders are charged once"); err != nil || passed != runs || runs < 2 {
				t.Errorf("%d of %d commands passed: %v\n%s", passed, runs, err, out)
			}
			if !strings.Contains(out, "a fault takes effect") {
				t.Errorf("no answer was lost:\n%s", out)
			}
			if !strings.Contains(p.program, c.care) {
				t.Fatalf("the program lacks %q", c.care)
			}
			p.program = strings.ReplaceAll(p.program, c.care, c.careless)
			if out, err := p.run(t, ringmaster, c.file); err == nil || !strings.Contains(out, "order-1 is not charged") {
				t.Errorf("without care for the lost answer: %v\n%s", err, out)
			}
		})
	}
	t.Run("Go", func(t *testing.T) { // the program is a test, which runs where it stands
		text, err := os.ReadFile("../../model/zk/zktest/lost_test.go")
		if err != nil {
			t.Fatal(err)
		}
		if p := pageFor(t, "Go"); !strings.Contains(string(text), p.program) {
			t.Error("docs/testing.md shows another program than model/zk/zktest/lost_test.go: copy it from there")
		}
	})
}
