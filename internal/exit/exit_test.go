package exit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTable_GivesEachCodeOneMeaning has no code and no meaning twice. Code 2 is the
// crash, and 1 has no special meaning.
func TestTable_GivesEachCodeOneMeaning(t *testing.T) {
	codes, says := map[Code]bool{}, map[string]bool{}
	for i, m := range Table {
		if codes[m.Code] || says[m.Says] || m.Says == "" || m.By == "" || m.Restart == "" {
			t.Errorf("%+v", m)
		}
		codes[m.Code], says[m.Says] = true, true
		if i > 0 && m.Code <= Table[i-1].Code {
			t.Errorf("%d is not in order", m.Code)
		}
		if m.Code < 0 || m.Code > 130 || m.Code > 125 && m.Code != Interrupted {
			t.Errorf("%d is a code of shells", m.Code)
		}
	}
	if !strings.HasPrefix(Table[2].Says, "crash") || Table[2].Code != 2 || Table[1].Code != 1 {
		t.Errorf("%+v", Table[:3])
	}
}

// TestTable_IsInTheDocumentation wants the rows of the table in docs/exit-codes.md, in
// the same order, and no others.
func TestTable_IsInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, m := range Table {
		fmt.Fprintf(&want, "| %d | %s | %s | %s |\n", m.Code, m.Says, m.By, m.Restart)
	}
	_, rows, _ := strings.Cut(string(page), "| code | meaning | by | restart |\n|---|---|---|---|\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	if rows+"\n" != want.String() {
		t.Errorf("the page has\n%s\nthe table\n%s", rows, want.String())
	}
}

// TestUnits_RestartWhatARestartCures has systemd restart after every code, except those
// after which another start would fail in the same way.
func TestUnits_RestartWhatARestartCures(t *testing.T) {
	units, err := filepath.Glob("../../docs/systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("%q, %v", units, err)
	}
	var want []int
	for _, m := range Table {
		if m.Restart == No {
			want = append(want, int(m.Code))
		}
	}
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		set := func(key string) string {
			found := regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(string(text), -1)
			if len(found) != 1 {
				t.Fatalf("%s has %d lines %s=", path, len(found), key)
			}
			return found[0][1]
		}
		var got []int
		for _, field := range strings.Fields(set("RestartPreventExitStatus")) {
			code, err := strconv.Atoi(field)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			got = append(got, code)
		}
		if !slices.Equal(got, want) || set("Restart") != "on-failure" || set("StartLimitIntervalSec") != "0" {
			t.Errorf("%s: Restart=%s, but not after %d, want not after %d; StartLimitIntervalSec=%s", path, set("Restart"), got, want, set("StartLimitIntervalSec"))
		}
	}
}

// TestHelp_ListsTheCodesOfItsCommand lists no code of the other command.
func TestHelp_ListsTheCodesOfItsCommand(t *testing.T) {
	for _, by := range []By{Ringmaster, Torture} {
		help := strings.ReplaceAll(Help(by), "\n"+strings.Repeat(" ", margin), " ") // without the breaks within a line
		for _, m := range Table {
			if line := fmt.Sprintf("\n  %3d  %s", m.Code, m.Says); strings.Contains(help, line) != (m.By == by || m.By == Both) {
				t.Errorf("%s and %d:\n%s", by, m.Code, help)
			}
		}
	}
}

// TestOf_FindsTheCodeOfAnError finds a code wherever it is in an error.
func TestOf_FindsTheCodeOfAnError(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("context: %w", errors.Join(With(Unreachable, cause), Misuse("input %q", "x")))
	if !Given(err, Unreachable) || !Given(err, WrongUse) || Given(err, Refused) || Given(cause, Failed) || Given(nil, Done) || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if With(Refused, nil) != nil {
		t.Error("a code without an error makes an error")
	}
}

// TestLine_NamesTheCommandOnce has no "ringmaster: ringmaster submit".
func TestLine_NamesTheCommandOnce(t *testing.T) {
	for text, want := range map[string]string{
		"no answer": "ringmaster: no answer", "ringmaster submit: unknown flag": "ringmaster submit: unknown flag",
		"ringmaster: unknown command": "ringmaster: unknown command", "ringmasters": "ringmaster: ringmasters",
	} {
		if got := Line(Ringmaster, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestCrash_ReadsTheReason takes only code 2 for a crash. The reason is the line of the
// runtime, not the last line.
func TestCrash_ReadsTheReason(t *testing.T) {
	for _, c := range []struct {
		code    int
		printed string
		want    string
	}{
		{2, "seed 1\npanic: boom [recovered]\n\tpanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:1 +0x1\n", "crashed: panic: boom [recovered]"},
		{2, "fatal error: concurrent map writes\n", "crashed: fatal error: concurrent map writes"},
		{2, "SIGQUIT: quit\nPC=0x1\n", "crashed: SIGQUIT: quit"},
		{2, "nothing of use", "crashed with exit code 2"},
		{23, "panic: boom\n", ""},
		{0, "", ""},
		{-1, "", ""},
	} {
		if got := Crash(c.code, c.printed); got != c.want {
			t.Errorf("%d, %q: %q, want %q", c.code, c.printed, got, c.want)
		}
	}
}

func TestHelp_FitsIntoATerminal(t *testing.T) {
	for _, command := range []By{Ringmaster, Torture} {
		for line := range strings.Lines(Help(command)) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("too wide: %q", line)
			}
		}
	}
}
