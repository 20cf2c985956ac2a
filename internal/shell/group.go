package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// inGroup runs the command without a supervisor. When ctx ends its process group gets
// SIGTERM, then SIGKILL. Processes that have left the group go on, and so do all
// processes if this one is killed.
func (j job) inGroup(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", j.command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = j.stdin, j.stdout, j.stderr, j.env
	cmd.ExtraFiles = []*os.File{j.progress}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var patience atomic.Int64 // until when, in Unix nanoseconds, after the order to end
	cmd.Cancel = func() error {
		patience.Store(time.Now().Add(Grace).UnixNano())
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = Grace
	err := cmd.Start()
	_ = j.progress.Close() // the command has it
	if err != nil {
		return fmt.Errorf("shell: %w", err)
	}
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	defer runningCommands.add(kill)()
	defer j.atOnce(kill)()
	err = cmd.Wait()
	if status, known := cmd.ProcessState.Sys().(syscall.WaitStatus); known {
		j.exits(exitCode(status))
	}
	if ctx.Err() != nil {
		waitForGroup(cmd.Process.Pid, time.Unix(0, patience.Load()))
	}
	kill() // its leftover processes
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // it exited with 0, and a child process held its output
	}
	return err
}

// waitForGroup waits until a process group that was told to end has ended, at most until
// end: the shell may be gone before its children are.
func waitForGroup(group int, end time.Time) {
	const often = 20 * time.Millisecond
	for time.Now().Before(end) && syscall.Kill(-group, 0) == nil {
		<-time.After(often)
	}
}
