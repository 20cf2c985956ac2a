package torture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
)

const specFolder = "../spec/tla"

// TestSpec_RefusesWrongUse: what cannot be done is said, with what to do, and has its own exit
// code.
func TestSpec_RefusesWrongUse(t *testing.T) {
	t.Setenv(tlc.Variable, filepath.Join(t.TempDir(), "missing.jar"))
	for _, c := range []struct {
		code exit.Code
		says string
		args []string
	}{
		{exit.NoTLC, tlc.Variable, []string{"spec", "--dir", specFolder}},
		{exit.WrongUse, "manifest.json", []string{"spec", "--dir", specFolder, "--only", "prayer"}},
		{exit.WrongUse, "run the command in the repository", []string{"spec", "--dir", t.TempDir()}},
	} {
		if code, out := torture(t, c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: exit code %d, %s", c.args, code, out)
		}
	}
}

// answering makes a TLC that prints the same whatever it is asked.
func answering(t *testing.T, printed string) {
	t.Helper()
	bin := t.TempDir()
	java := "#!/bin/sh\ncat <<'EOF'\n" + printed + "EOF\n"
	if err := os.WriteFile(filepath.Join(bin, "java"), []byte(java), 0o755); err != nil {
		t.Fatal(err)
	}
	jar := filepath.Join(bin, "tla2tools.jar")
	if err := os.WriteFile(jar, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv(tlc.Variable, jar)
}

// TestSpec_NoticesAnotherAnswer: a TLC that says something else than the manifest is
// not believed silently.
func TestSpec_NoticesAnotherAnswer(t *testing.T) {
	answering(t, "TLC2 Version 2.19 of 08 August 2024\n12 states generated, 7 distinct states found, 0 states left on queue.\n"+
		"Model checking completed. No error has been found.\n")
	code, out := torture(t, "spec", "--dir", specFolder, "--only", "live-one-of-each")
	if code != exit.Invalid || !strings.Contains(out, "the number of distinct states is 7, the manifest has 2444") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// TestSpec_TakesAnotherRelease: the answers count, and the release is told once.
func TestSpec_TakesAnotherRelease(t *testing.T) {
	answering(t, "TLC2 Version 2026.04.29.164809 (rev: cc6b616)\n7211 states generated, 2444 distinct states found, 0 states left on queue.\n"+
		"The depth of the complete state graph search is 37.\nModel checking completed. No error has been found.\n")
	code, out := torture(t, "spec", "--dir", specFolder, "--only", "live-one-of-each,live-one-of-each")
	if code != exit.Done || strings.Count(out, "TLC 2026.04.29.164809 gives these answers; the manifest has those of TLC 2.19") != 1 {
		t.Errorf("exit code %d, %s", code, out)
	}
}
