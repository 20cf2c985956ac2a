package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
)

// barriersRoot is the znode of the barriers that have a name.
const barriersRoot = "/barriers"

// Barrier is the command barrier.
type Barrier struct {
	Name    string // of this process, for people
	Of      int    // participants of a double barrier
	Timeout time.Duration
	Limited bool // Timeout counts; otherwise it waits for ever
}

// errBarred means that a barrier was not lifted, or a round not full, in time.
var errBarred = errors.New("the barrier was not open in time")

// Run sets a barrier, lifts it, or waits for it; or goes into a double barrier with a command.
func (b Barrier) Run(ctx context.Context, o *Options, streams Streams, name, verb string, command []string) error {
	if b.Timeout < 0 {
		return misuse("barrier: --timeout %v: give a time that is not negative", b.Timeout)
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	barriers, err := barrier.New(env, barrier.Config{Name: b.Name, ACL: aclOf(access), Logger: slog.New(quieter{log.Handler()})})
	if err != nil {
		return err
	}
	defer closeSoon(barriers.Close, log)
	path := o.pathOf(barriersRoot, name)
	waiting := ctx
	var cancel context.CancelFunc
	switch {
	case verb == "set" || verb == "lift":
		waiting, cancel = o.limited(ctx)
		defer cancel()
	case b.Limited:
		waiting, cancel = context.WithTimeoutCause(ctx, b.Timeout, errBarred)
		defer cancel()
	}
	code := 0
	switch verb {
	case "set":
		err = barriers.Set(waiting, path)
	case "lift":
		err = barriers.Lift(waiting, path)
	case "wait":
		err = barriers.Wait(waiting, path)
	default:
		code, err = b.enter(ctx, waiting, barriers, log, streams, path, command)
	}
	if err != nil {
		return fmt.Errorf("barrier: %s: %w", path, err)
	}
	if code != 0 {
		return exit.With(exit.Code(code), errChild)
	}
	return nil
}

// enter goes in, runs the command, and leaves with the others.
func (b Barrier) enter(ctx, waiting context.Context, barriers *barrier.Barriers, log *slog.Logger, streams Streams, path string, command []string) (int, error) {
	in, err := barriers.Enter(waiting, path, b.Of)
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(in.Context(), func() { stop(context.Cause(in.Context())) })()
	guarded := shell.Guarded{
		Command: command, In: inputOf(streams), Out: streams.Out, Err: streams.Err, Log: log,
		Env: append(os.Environ(), "RINGMASTER_BARRIER="+path, fmt.Sprintf("RINGMASTER_ROUND=%d", in.Round())),
	}
	code, err := guarded.Run(running, context.WithoutCancel(ctx))
	if err != nil {
		return 0, misuse("the command cannot be run: %w", err)
	}
	return code, in.Leave(ctx)
}

// CompleteBarriers lists the names of barriers that begin with what was typed.
func CompleteBarriers(ctx context.Context, o *Options, args []string, begun string) []string {
	var names []string
	for _, name := range children(ctx, o, barriersRoot) {
		if !strings.HasPrefix(name, "receipt-") {
			names = append(names, name)
		}
	}
	return offered(names, args, begun)
}
