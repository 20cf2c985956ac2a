package shell

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Child is a command that a person wants to be run, such as a test suite. It has a process
// group of its own, so that it ends with all that it has started.
type Child struct {
	Command  []string
	Env      []string
	In       io.Reader
	Out, Err io.Writer
	Signal   func(context.Context) syscall.Signal // what to send when the context has ended
	Log      *slog.Logger
}

// Patience is how long a command that was told to end may take.
const Patience = 10 * time.Second

// Run runs the command until it ends, and returns its exit code: of a command that a signal has
// ended, 128 and the number of the signal, as shells have it. When ctx ends, the command gets
// the signal; if it is still there when its patience is over, it is killed, and what it has started
// with it. The error says why it could not be started.
func (c Child) Run(ctx context.Context) (code int, err error) {
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, c.In, c.Out, c.Err
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if terminal, yes := terminalOf(c.In); yes {
		// The command owns the terminal while it runs: it may read, and Ctrl-C is for it.
		cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, terminal
		signal.Ignore(syscall.SIGTSTP, syscall.SIGTTOU) // the command inherits it: nobody would wake it, or the shell, after Ctrl-Z
		own := unix.Getpgrp()
		defer func() { _ = unix.IoctlSetPointerInt(terminal, unix.TIOCSPGRP, own) }() // the terminal may have gone
	}
	cmd.WaitDelay = time.Second // for what it has left behind with its output open
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	group := -cmd.Process.Pid
	kill := func() { _ = syscall.Kill(group, syscall.SIGKILL) } // it may have ended
	defer runningCommands.add(kill)()
	defer kill() // what the command has left behind
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-ctx.Done():
		c.Log.Warn("waiting until the command ends; another signal kills it", "for", Patience)
		_ = syscall.Kill(group, c.Signal(ctx)) // it may have ended
		select {
		case <-ended:
		case <-time.After(Patience):
			c.Log.Warn("the command does not end, so it is killed", "after", Patience)
			kill()
			<-ended
		}
	}
	if status, known := cmd.ProcessState.Sys().(syscall.WaitStatus); known {
		return exitCode(status), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// exitCode is the exit code of a command as shells have it: of one that a signal has ended, 128
// and the number of the signal.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		const bySignal = 128
		return bySignal + int(status.Signal())
	}
	return status.ExitStatus()
}

// terminalOf is the descriptor of the terminal that a stream is, of a process that owns it.
func terminalOf(in io.Reader) (int, bool) {
	file, yes := in.(*os.File)
	if !yes {
		return 0, false
	}
	terminal := int(file.Fd())
	owner, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP)
	return terminal, err == nil && owner == unix.Getpgrp()
}
