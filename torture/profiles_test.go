package torture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestProfiles_AreOnThePage: docs/profiles.md, and the command, say what the table has.
func TestProfiles_AreOnThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	_, printed := torture(t, "profiles")
	printed = strings.Join(strings.Fields(printed), " ") // lines are wrapped
	for _, p := range ensemble.Profiles {
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", p.Name, p.Sets, p.Why); !strings.Contains(string(page), row) {
			t.Errorf("the page has no row\n%s", row)
		}
		if !strings.Contains(printed, p.Name) || !strings.Contains(printed, p.Sets) || !strings.Contains(printed, p.Open) {
			t.Errorf("the command does not tell of %s:\n%s", p.Name, printed)
		}
	}
}

// TestMixed_RefusesWhatIsNoOtherBuild names what cannot take part.
func TestMixed_RefusesWhatIsNoOtherBuild(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{{"/nowhere"}, {text}, {compiler}, {text, "--ensemble", "memory"}} {
		args := append([]string{"run", "--out", filepath.Join(t.TempDir(), "results"), "--mixed", c[0]}, c[1:]...)
		want := "--mixed " + c[0]
		if code, printed := torture(t, args...); code != exit.WrongUse || !strings.Contains(printed, want) {
			t.Errorf("%q: exit code %d:\n%s", c, code, printed)
		}
	}
}

// TestMixed_NamesTheBuildOfEachParticipant reads what config.json would say.
func TestMixed_NamesTheBuildOfEachParticipant(t *testing.T) {
	b := record.Builds{{Path: "/a", Commit: "1", Participants: []string{"master-1"}}, {Path: "/b", Commit: "2", Dirty: true, Participants: []string{"master-2", "worker-2"}}}
	if got, want := b.String(), "master-1 of commit 1; master-2, worker-2 of commit 2 with changes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
