package torture

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

func TestHanging_KeepsWordsWithinTheTerminal(t *testing.T) {
	text := strings.Repeat("a word or two ", 20)
	got := hanging(text, 19)
	lines := strings.Split(strings.Repeat(" ", 19)+got, "\n")
	for _, line := range lines {
		if len(line) > columns || !strings.HasPrefix(line, strings.Repeat(" ", 19)) || line[19] == ' ' {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if len(lines) < 4 || strings.Join(strings.Fields(got), " ") != strings.TrimSpace(text) {
		t.Errorf("%d lines: %q", len(lines), got)
	}
}

func TestFaults_ListFitsIntoTheTerminal(t *testing.T) {
	for _, command := range []string{"faults", "profiles"} {
		code, printed := torture(t, command)
		if code != exit.Done {
			t.Fatalf("%s: exit code %d: %s", command, code, printed)
		}
		for line := range strings.Lines(printed) {
			if len(strings.TrimSuffix(line, "\n")) > columns {
				t.Errorf("%s: %d columns: %s", command, len(line), line)
			}
		}
	}
}
