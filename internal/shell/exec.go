// Package shell makes a command a recipe.Handler, for workers that are not
// written in Go. It must not know ZooKeeper.
//
// The command runs under sh -c, in a process group of its own. Its standard input
// is the payload; its standard output is the result, if it exits with 0; every
// other exit ends the attempt, with the end of its standard error as the reason.
// Each line that it writes to file descriptor 3 is progress. The environment says
// which task it is: RINGMASTER_TASK, RINGMASTER_EPOCH, RINGMASTER_ATTEMPT,
// RINGMASTER_KEY. When the task is taken away, cancelled or timed out, the group
// gets SIGTERM, and SIGKILL when it does not leave.
package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Grace is how long a command may take to leave after SIGTERM.
const Grace = 5 * time.Second

// ErrOutput means that a command has written more than a result may hold.
var ErrOutput = errors.New("the output is larger than a result may be")

// Handler runs command for each task.
func Handler(command string) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("shell: %w", err)
		}
		defer read.Close()
		stdout, stderr := &limited{most: recipe.MaxResult}, &tail{}
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(task.Payload), stdout, stderr
		cmd.ExtraFiles = []*os.File{write} // descriptor 3
		cmd.Env = append(os.Environ(),
			"RINGMASTER_TASK="+task.Name, "RINGMASTER_KEY="+task.Options.Key,
			fmt.Sprintf("RINGMASTER_EPOCH=%d", task.Token.Epoch), fmt.Sprintf("RINGMASTER_ATTEMPT=%d", task.Token.Attempt))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var patience atomic.Int64 // until when, in Unix nanoseconds, once it has been asked to leave
		cmd.Cancel = func() error {
			patience.Store(time.Now().Add(Grace).UnixNano())
			return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		}
		cmd.WaitDelay = Grace
		if err := cmd.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("shell: %w", err), write.Close())
		}
		_ = write.Close() // the command has it
		reported := make(chan struct{})
		go func() { defer close(reported); report(read, task) }()
		living.add(cmd.Process.Pid)
		err = cmd.Wait()
		if ctx.Err() != nil {
			outlast(cmd.Process.Pid, time.Unix(0, patience.Load()))
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it has left behind
		living.remove(cmd.Process.Pid)
		_ = read.SetReadDeadline(time.Now().Add(lastWords)) // what has left the group may hold the descriptor for ever
		<-reported
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, exec.ErrWaitDelay):
			// It exited with 0, and something that it has started held its output.
		case err != nil:
			return nil, fmt.Errorf("%w: %s", err, stderr)
		case stdout.overflow:
			return nil, fmt.Errorf("shell: %w: %d bytes", ErrOutput, stdout.most)
		}
		return recipe.Result(stdout.b.Bytes()), nil
	}
}

// lastWords is how long progress is still read when the command is over.
const lastWords = 200 * time.Millisecond

// outlast waits until a process group that was asked to leave has left, no longer
// than until end: the shell may be gone before its children are.
func outlast(group int, end time.Time) {
	const often = 20 * time.Millisecond
	for time.Now().Before(end) && syscall.Kill(-group, 0) == nil {
		<-time.After(often)
	}
}

// groups are process groups.
type groups struct {
	mu  sync.Mutex
	all map[int]bool
}

// living are the groups of the commands that run.
var living = groups{all: map[int]bool{}}

func (g *groups) add(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all[group] = true
}

func (g *groups) remove(group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, group)
}

// KillAll ends every command of this process, for one that is about to exit
// without waiting for its handlers: commands would go on without it.
func KillAll() {
	living.mu.Lock()
	defer living.mu.Unlock()
	for group := range living.all {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

// report passes each line on as progress, the beginning of a long one.
func report(r io.Reader, task recipe.Task) {
	lines := bufio.NewReaderSize(r, recipe.MaxProgress)
	for {
		line, rest, err := lines.ReadLine()
		if len(line) > 0 {
			_ = task.Progress(line)
		}
		for rest && err == nil {
			_, rest, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
	}
}

// limited keeps what a result may hold, and notes that there was more.
type limited struct {
	b        bytes.Buffer
	most     int
	overflow bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.b.Len()+len(p) > l.most {
		l.overflow = true
		return len(p), nil // the command goes on; its result is lost
	}
	return l.b.Write(p)
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 800
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-most):]
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
