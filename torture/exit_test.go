package torture

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
)

// TestExitCode_OfEachCommand brings the command into every case that has a code of its own. A crash has
// tests of its own below.
func TestExitCode_OfEachCommand(t *testing.T) {
	out := t.TempDir()
	seen := map[exit.Code]bool{exit.Crashed: true}
	for _, c := range []struct {
		want exit.Code
		says string
		env  string
		args string
	}{
		{exit.Done, "kill-master", "", "faults"},
		{exit.WrongUse, "unknown command", "", "nonsense"},
		{exit.WrongUse, `unknown command "nonsense"`, "", "help nonsense"},
		{exit.WrongUse, "--servers 7", "", "ensemble --servers 7"},
		{exit.WrongUse, "--tasks 0", "", "bench --tasks 0"},
		{exit.WrongUse, "--larger -1", "", "bench --larger=-1"},
		{exit.WrongUse, "--warm-up -1", "", "bench --warm-up=-1"},
		{exit.WrongUse, "--heap 63", "", "bench --heap 63"},
		{exit.WrongUse, "--kills 0", "", "bench --suite kill --kills 0"},
		{exit.WrongUse, "--timeout 999ms: use a time from 1s to 10s", "", "bench --suite kill --timeout 999ms"},
		{exit.WrongUse, "--timeout 11s: use a time from 1s to 10s", "", "bench --suite kill --timeout 11s"},
		{exit.WrongUse, `suite "x": use drain, lone`, "", "bench --latency --suite x"},
		{exit.WrongUse, "--against: /bin/true: it has no `bench --help`", "", "bench --against /bin/true"},
		{exit.NotCarriedOut, "configuration of a role", "", "bench-role --config x"},
		{exit.WrongUse, "--runs -1", "", "soak --runs=-1"},
		{exit.WrongUse, "--runs 0", "", "soak --runs 0"},
		{exit.WrongUse, "--time 0s", "", "soak --time 0s"},
		{exit.WrongUse, `--seed "x": give a whole number, not negative; see`, "", "run --seed x"},
		{exit.WrongUse, "use --holders 1 or more", "", "run --server-profile as-shipped --nemesis isolate-holder --holders 0"},
		{exit.WrongUse, "--sample -1", "", "trace --sample=-1 " + out},
		{exit.WrongUse, "--shrink -1s", "", "check --shrink=-1s " + out},
		{exit.WrongUse, "unknown flag: --nonsense", "", "run --nonsense"},
		{exit.WrongUse, "give DIR; the number of arguments was 0", "", "check"},
		{exit.WrongUse, "not the folder of a run", "", "check " + out},
		{exit.Invalid, "INVALID", "", "check " + frozenRun(t, "AtomicTransitions-bad")},
		{exit.Invalid, "INVALID", "", "explore --masters 1 --without worker-check --expiries 1 --out " + out},
		{exit.Unknown, "UNKNOWN", "", "explore --masters 1 --expiries 1 --states 1000 --out " + out},
		{exit.Vacuous, "VACUOUS", "", "run --ensemble memory --seed 4 --time 5s --nemesis none --out " + out},
		{exit.NotCarriedOut, "no Docker engine answers", "DOCKER_HOST=unix:///nowhere/docker.sock", "run --out " + out},
		{exit.NoTLC, tlc.Variable, tlc.Variable + "=/nowhere.jar", "spec --dir " + specFolder},
	} {
		cmd, printed := command(t, strings.Fields(c.args)...)
		cmd.Env = append(cmd.Env, c.env)
		_ = cmd.Run()
		if code := exit.Code(cmd.ProcessState.ExitCode()); code != c.want || !strings.Contains(printed.String(), c.says) {
			t.Errorf("%s: exit code %d, want %d, and %q:\n%s", c.args, code, c.want, c.says, printed)
		}
		seen[c.want] = true
	}
	interrupted(t)
	seen[exit.Interrupted] = true
	for _, m := range exit.Table {
		if m.By != exit.Ringmaster && !seen[m.Code] {
			t.Errorf("nothing here ends with %d: %s", m.Code, m.Says)
		}
	}
}

// interrupted sends the signal of Ctrl-C to a run.
func interrupted(t *testing.T) {
	t.Helper()
	cmd, printed := command(t, "run", "--ensemble", "memory", "--time", "1000h", "--out", t.TempDir())
	cmd.Stdout = nil
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(said).ReadString('\n'); err != nil { // the seed
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := exit.Code(cmd.ProcessState.ExitCode()); code != exit.Interrupted || !strings.Contains(printed.String(), "interrupted") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
}

// TestExitCode_OfACrashIsNoVerdict: the command that panics ends with 2, and the command that started it
// tells a crash, with what the panic said.
func TestExitCode_OfACrashIsNoVerdict(t *testing.T) {
	for _, c := range []struct {
		panics string // the verb of the process that does
		verb   string
		want   exit.Code
		says   []string
	}{
		{"run", "run", exit.Crashed, []string{"panic: planted"}},
		{"simulate", "run", exit.NotCarriedOut, []string{"the run in memory crashed: panic: planted"}},
		{"run", "soak --runs 1", exit.NotCarriedOut, []string{"1        1  crashed", "0 valid, 0 unknown, 0 vacuous, 0 invalid, 1 failed", "seed 1: crashed: panic: planted"}},
		{"simulate", "soak --runs 1", exit.NotCarriedOut, []string{"0 valid, 0 unknown, 0 vacuous, 0 invalid, 1 failed"}},
	} {
		cmd, printed := command(t, append(strings.Fields(c.verb), "--ensemble=memory", "--seed=1", "--out="+t.TempDir())...)
		cmd.Env = append(cmd.Env, panics+"="+c.panics)
		_ = cmd.Run()
		code := exit.Code(cmd.ProcessState.ExitCode())
		for _, says := range c.says {
			if code != c.want || !strings.Contains(printed.String(), says) {
				t.Errorf("%s, where %s panics: exit code %d, want %d, and %q:\n%s", c.verb, c.panics, code, c.want, says, printed)
			}
		}
	}
}

// TestExitCode_OfAFailureIsNoCrash: the process of a run in memory that cannot be carried out.
func TestExitCode_OfAFailureIsNoCrash(t *testing.T) {
	code, printed := torture(t, "simulate", "--dir=/nowhere", "--config={}")
	if code != exit.Failed || !strings.Contains(printed, "/nowhere") || strings.Contains(printed, "panic") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
}

// TestRunner_ComparesVerdictAndExitCode its verdict and its exit code: when they contradict each other
// there is no verdict, but for a violation, which stands.
func TestRunner_ComparesVerdictAndExitCode(t *testing.T) {
	for _, c := range []struct {
		verdict checker.Verdict
		code    string
		printed string
		want    checker.Verdict
		crashed bool
		problem string
	}{
		{checker.Unknown, "21", "", checker.Unknown, false, ""},
		{checker.Unknown, "2", "goroutine 1\npanic: boom\nmain.go:1\n", "", true, "crashed: panic: boom"},
		{checker.Unknown, "2", "fatal error: all goroutines are asleep - deadlock!\n", "", true, "crashed: fatal error: all goroutines are asleep - deadlock!"},
		{checker.Valid, "2", "", "", true, "crashed with exit code 2"},
		{checker.Valid, "21", "done\n", "", false, "the run ended with exit code 21 after the verdict valid: done"},
		{checker.Invalid, "2", "panic: boom\n", checker.Invalid, false, ""},
		{"", "23", "no engine\n", "", false, "no engine"},
	} {
		dir := t.TempDir()
		script := "#!/bin/sh\nout=" + dir + "/out; mkdir -p $out/run; cat " + dir + "/printed\n"
		if c.verdict != "" {
			script += "echo '[]' >$out/run/faults.json; echo '{\"verdict\":\"" + string(c.verdict) + "\"}' >$out/run/verdict.json; ln -s run $out/latest\n"
		}
		write(t, filepath.Join(dir, "printed"), c.printed)
		write(t, filepath.Join(dir, "torture"), script+"exit "+c.code+"\n")
		if err := os.Chmod(filepath.Join(dir, "torture"), 0o755); err != nil {
			t.Fatal(err)
		}
		r := &runner{executable: filepath.Join(dir, "torture"), out: filepath.Join(dir, "out"), keep: true}
		if o := r.run(t.Context(), 1); o.Verdict != c.want || o.Crashed != c.crashed || o.Problem != c.problem {
			t.Errorf("%s and exit code %s: %+v", c.verdict, c.code, o)
		}
	}
}
