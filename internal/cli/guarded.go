package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/shell"
)

// right is what a command may run under: a leadership, a lock, or an item of a queue.
type right struct {
	name    string               // "leadership"
	left    func() time.Duration // how long it lasts if the ensemble does not answer any more
	context context.Context      // ends with the right
	env     []string             // tells the command of it
	in      io.Reader            // what the command reads; nil: what this process reads, but no terminal
}

// errSoon is why a command was told to end although its right was not over yet.
var errSoon = errors.New("the ensemble has not answered for too long")

// runUnder runs a command until it ends. It gets SIGTERM when ctx ends, or when the ensemble has
// not answered for so long that the right may end soon, and SIGKILL when the right is over. lost
// says that it was ended because of the right.
func runUnder(ctx context.Context, r right, streams Streams, command []string, log *slog.Logger) (code int, lost bool, err error) {
	asked, ask := context.WithCancelCause(ctx)
	defer ask(nil)
	go r.watch(asked, func() {
		log.Warn(fmt.Sprintf("the ensemble has not answered for too long, so the command gets SIGTERM before the %s ends", r.name), "left", r.left())
		ask(errSoon)
	})
	guarded := shell.Guarded{Command: command, Env: append(os.Environ(), r.env...), Out: streams.Out, Err: streams.Err, Log: log}
	if guarded.In = r.in; r.in == nil {
		guarded.In = inputOf(streams)
	}
	code, err = guarded.Run(asked, r.context)
	return code, r.context.Err() != nil || errors.Is(context.Cause(asked), errSoon), err
}

// inputOf is what a command may read of what this process reads: no terminal. Nil: nothing.
func inputOf(streams Streams) io.Reader {
	if in, isFile := streams.In.(*os.File); isFile && !onTerminal(in) {
		return in
	}
	return nil
}

// watch calls soon when less than a third of the time is left that a right lasts after it was
// confirmed. It returns when ctx has ended.
func (r right) watch(ctx context.Context, soon func()) {
	const looks = 40 // in the time that a right lasts
	most := r.left()
	ticker := time.NewTicker(max(most/looks, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		left := r.left()
		if most = max(most, left); left < most/3 {
			soon()
			return
		}
	}
}
