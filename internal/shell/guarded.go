package shell

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Guarded is a command that may run only while something is held, such as a leadership. On Linux
// it ends with all processes that it has started, and also when this process is killed; the
// package comment has the exceptions, and the rest about other systems.
type Guarded struct {
	Command  []string
	Env      []string
	In       io.Reader // nil: nothing can be read
	Out, Err io.Writer
	Log      *slog.Logger
}

// Run runs the command until it ends, and returns its exit code: of a command that a signal has
// ended, 128 and the number of the signal. When ctx ends, the command gets SIGTERM, and SIGKILL if
// it is there after Grace. When must ends, it is killed at once. The error says why it could not
// be run.
func (g Guarded) Run(ctx, must context.Context) (code int, err error) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // in place of the progress
	if err != nil {
		return 0, fmt.Errorf("shell: %w", err)
	}
	code = -1
	j := job{
		command: "exec " + quoted(g.Command), env: g.Env, stdout: g.Out, stderr: g.Err, progress: nowhere, log: g.Log, must: must, code: &code,
	}
	if g.In != nil {
		j.stdin = g.In
	}
	if err := j.run(ctx); err != nil && code <= 0 {
		return 0, err
	}
	return code, nil
}

// quoted are words as a shell reads them.
func quoted(words []string) string {
	safe := make([]string, len(words))
	for i, word := range words {
		safe[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(safe, " ")
}
