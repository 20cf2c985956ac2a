package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestRun_EndsInOrderWhenNobodyReads: the reader of the output goes after the first line, as
// head does. The run ends with a message and a code, and leaves no folder of half a run.
func TestRun_EndsInOrderWhenNobodyReads(t *testing.T) {
	out := t.TempDir()
	cmd, _ := command(t, "run", "--ensemble", "memory", "--time", "20m", "--seed", "1", "--out", out)
	var complaint strings.Builder
	cmd.Stdout, cmd.Stderr = nil, &complaint
	printed, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = io.ReadFull(printed, make([]byte, len("seed 1\n")))
	}
	if err = errors.Join(err, printed.Close()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at
	if code := exit.Code(cmd.ProcessState.ExitCode()); code != exit.Interrupted || !strings.Contains(complaint.String(), "nobody reads the standard output") {
		t.Errorf("%v:\n%s", cmd.ProcessState, &complaint)
	}
	if left, err := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 || err != nil {
		t.Errorf("left: %q, %v", left, err)
	}
}

// TestMain_SaysThatItsOutputIsLost: on a full disk the output is lost, and a script must not
// take that for a success.
func TestMain_SaysThatItsOutputIsLost(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	for _, args := range [][]string{{"faults"}, {"--help"}, {"check", "--shrink", "0", memoryRun(t, 4)}} {
		cmd, _ := command(t, args...)
		var complaint strings.Builder
		cmd.Stdout, cmd.Stderr = full, &complaint
		_ = cmd.Run() // the exit code is looked at
		if code := exit.Code(cmd.ProcessState.ExitCode()); code != exit.NotCarriedOut || !strings.Contains(complaint.String(), "torture: the output could not be written") {
			t.Errorf("%q: exit code %d: %s", args, code, &complaint)
		}
	}
}

// TestCheck_EndsAtTheFirstSignal: what only reads needs no second signal.
func TestCheck_EndsAtTheFirstSignal(t *testing.T) {
	dir := memoryRun(t, 4)
	ctx, signal := context.WithCancelCause(t.Context())
	signal(errors.New("interrupt"))
	for _, args := range [][]string{{"check", dir}, {"merge", dir}} {
		root := tested.root()
		root.SetArgs(args)
		root.SetOut(io.Discard)
		if err := root.ExecuteContext(ctx); !exit.Given(err, exit.Interrupted) || !strings.Contains(err.Error(), "interrupt") {
			t.Errorf("%s: %v", args[0], err)
		}
	}
	if record.Exists(dir, record.VerdictFile) {
		t.Error("it judged all the same")
	}
}

// TestUntil_LeavesWhatDoesNotEnd: a judge that never ends holds no command.
func TestUntil_LeavesWhatDoesNotEnd(t *testing.T) {
	ctx, signal := context.WithCancelCause(t.Context())
	ends := make(chan struct{})
	defer close(ends)
	err := until(ctx, func() error { signal(errors.New("interrupt")); <-ends; return nil })
	if !exit.Given(err, exit.Interrupted) {
		t.Errorf("%v", err)
	}
	if err := until(t.Context(), func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// TestRun_RemovesItsContainersBeforeItEnds sends the signals that end a run at once: nothing
// of it is left for the next run to remove.
func TestRun_RemovesItsContainersBeforeItEnds(t *testing.T) {
	ensembletest.NeedDocker(t)
	for _, c := range []struct {
		signal syscall.Signal
		code   exit.Code
		says   string
	}{{syscall.SIGQUIT, exit.Crashed, "SIGQUIT: quit"}, {syscall.SIGTERM, exit.Interrupted, "removing containers and participants"}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			out := t.TempDir()
			cmd, printed := command(t, "run", "--servers", "1", "--seed", "3", "--time", "10m", "--nemesis", "none", "--out", out)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for found := []string{}; len(found) == 0; time.Sleep(100 * time.Millisecond) {
				found, _ = filepath.Glob(filepath.Join(out, "2*", "journals", "client-1-1.ndjson"))
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if c.signal == syscall.SIGTERM { // the first of two
				time.Sleep(1100 * time.Millisecond)
				_ = cmd.Process.Signal(c.signal)
			}
			_ = cmd.Wait() // the exit code is looked at
			if code := exit.Code(cmd.ProcessState.ExitCode()); code != c.code || !strings.Contains(printed.String(), c.says) {
				t.Errorf("exit code %d:\n%s", code, printed)
			}
			if left, err := exec.Command("pgrep", "-f", fmt.Sprintf("participant --owner=%d_", cmd.Process.Pid)).Output(); err == nil {
				t.Errorf("participants are left: %s", left)
			}
			if n, err := ensemble.RemoveLeftovers(t.Context()); n > 0 || err != nil {
				t.Errorf("%d containers, networks and volumes were left, %v", n, err)
			}
		})
	}
}
