// Package shell makes a command a recipe.Handler, for workers that are not
// written in Go. A Guarded command runs in the same way, but only while something is held. The
// package must not know ZooKeeper.
//
// The command runs under sh -c, in its own process group. Its standard input is the
// payload. Its standard output is the result if it exits with 0; every other exit ends
// the attempt, and the end of its standard error is the reason. Each line that it
// writes to file descriptor 3 is progress. The environment names the task:
// RINGMASTER_TASK, RINGMASTER_EPOCH, RINGMASTER_ATTEMPT, RINGMASTER_KEY. When the task
// is taken away, cancelled or timed out, the command gets SIGTERM, and SIGKILL if it
// does not end.
//
// On Linux a command and all processes that it has started never outlive their task,
// nor the worker. A supervisor process stands between worker and command. It adopts
// orphaned processes of the command, even those with their own session. It kills all of
// them when the command has ended or the worker is gone, even by SIGKILL. There are two
// exceptions: a process that the worker's user may not signal, which the log names, and
// all processes if the supervisor itself is killed and has grandchildren.
//
// On other systems only the process group is ended, and a worker that gets SIGKILL
// leaves its commands behind.
package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Grace is how long a command may take to end after SIGTERM.
const Grace = 5 * time.Second

// ErrOutput means that a command has written more than fits into a result.
var ErrOutput = errors.New("the output is larger than a result may be")

// Handler runs command for each task. It returns when the command and, on Linux, all
// processes that it has started have ended. The log names processes that do not end.
func Handler(command string, log *slog.Logger) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("shell: %w", err)
		}
		defer read.Close()
		stdout, stderr := &limited{most: recipe.MaxResult}, &tail{}
		j := job{
			command: command, stdin: bytes.NewReader(task.Payload), stdout: stdout, stderr: stderr, progress: write, log: log.With("task", task.Name),
			env: append(os.Environ(),
				"RINGMASTER_TASK="+task.Name, "RINGMASTER_KEY="+task.Options.Key,
				fmt.Sprintf("RINGMASTER_EPOCH=%d", task.Token.Epoch), fmt.Sprintf("RINGMASTER_ATTEMPT=%d", task.Token.Attempt)),
		}
		reported := make(chan struct{})
		go func() { defer close(reported); publishLines(read, task) }()
		err = j.run(ctx)
		_ = read.SetReadDeadline(time.Now().Add(lateProgress)) // a process that goes on may hold the descriptor for ever
		<-reported
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, fmt.Errorf("%w: %s", err, stderr)
		case stdout.overflow:
			return nil, fmt.Errorf("shell: %w: %d bytes", ErrOutput, stdout.most)
		}
		return recipe.Result(stdout.b.Bytes()), nil
	}
}

// lateProgress is how long progress is still read after the end of the command.
const lateProgress = 200 * time.Millisecond

// job is one execution of a command.
type job struct {
	command        string
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
	progress       *os.File // descriptor 3; run closes it when the command has it
	log            *slog.Logger

	must context.Context // the command is killed when it ends; nil: none
	code *int            // gets the exit code; nil: nobody wants it
}

// atOnce calls kill when the command must have ended, until the function that it returns is
// called.
func (j job) atOnce(kill func()) (over func()) {
	if j.must == nil {
		return func() {}
	}
	stop := context.AfterFunc(j.must, kill)
	return func() { stop() }
}

// exits notes the exit code.
func (j job) exits(code int) {
	if j.code != nil {
		*j.code = code
	}
}

// running is a running command.
type running struct {
	kill func()        // ends it at once
	over chan struct{} // closed when it has ended
}

// commands are the running commands of this process.
type commands struct {
	mu  sync.Mutex
	all map[*running]bool
}

var runningCommands = commands{all: map[*running]bool{}}

// add registers a command, and returns a function to call when it has ended.
func (c *commands) add(kill func()) (over func()) {
	r := &running{kill: kill, over: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[r] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, r)
		close(r.over)
	}
}

func (c *commands) list() []*running {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*running
	for r := range c.all {
		all = append(all, r)
	}
	return all
}

// killPatience is how long KillAll waits until the commands have ended.
const killPatience = time.Second

// KillAll ends every command of this process. It is for a process that is about to exit
// without waiting for its handlers. It waits a moment until they have ended.
func KillAll() {
	all := runningCommands.list()
	for _, r := range all {
		r.kill()
	}
	limit := time.After(killPatience)
	for _, r := range all {
		select {
		case <-r.over:
		case <-limit:
			return
		}
	}
}

// publishLines passes each line on as progress; of a long line only the beginning.
func publishLines(r io.Reader, task recipe.Task) {
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

// limited keeps as much as a result may hold, and notes that there was more.
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

// tail keeps the end of the written text.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 800
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-most):]
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
