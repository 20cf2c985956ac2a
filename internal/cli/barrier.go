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
	switch {
	case b.Timeout < 0:
		return misuse("barrier: --timeout %v: give a time that is not negative", b.Timeout)
	case b.Limited && b.Timeout == 0 && b.Of > 0:
		return misuse("barrier: --timeout 0: the others need some time: give a longer one, or leave it out to wait for ever")
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	path, err := o.pathOf("barrier", barriersRoot, name)
	if err != nil {
		return err
	}
	barriers, err := barrier.New(env, barrier.Config{Name: b.Name, ACL: aclOf(access), Logger: slog.New(quieter{log.Handler()})})
	if err != nil {
		return err
	}
	defer closeSoon(barriers.Close, log)
	waiting, cancel := b.limited(ctx, o, env, verb)
	defer cancel()
	code := 0
	switch verb {
	case "set":
		err = barriers.Set(waiting, path)
	case "lift":
		err = barriers.Lift(waiting, path)
	case "wait":
		err = b.wait(waiting, barriers, path)
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

// limited bounds a wait by --timeout, and by --connect-timeout until there is a session.
func (b Barrier) limited(ctx context.Context, o *Options, env *grantedEnv, verb string) (context.Context, func()) {
	if verb == "set" || verb == "lift" {
		return o.limited(ctx)
	}
	ctx, stop := o.untilLate(ctx, env)
	if !b.Limited || b.Timeout == 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.Timeout, errBarred)
	return ctx, func() { cancel(); stop() }
}

// wait waits until a barrier is lifted; with --timeout 0 it looks once.
func (b Barrier) wait(ctx context.Context, barriers *barrier.Barriers, path string) error {
	if !b.Limited || b.Timeout > 0 {
		return barriers.Wait(ctx, path)
	}
	set, err := barriers.IsSet(ctx, path)
	if err == nil && set {
		err = errBarred
	}
	return err
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
	if code != 0 && ctx.Err() != nil { // a signal has ended the command; the end of the session gives the place back
		return code, nil
	}
	return code, in.Leave(ctx)
}

// CompleteBarriers lists the names of barriers that begin with what was typed.
func CompleteBarriers(ctx context.Context, o *Options, args []string, begun string) []string {
	var names []string
	for _, name := range children(ctx, o, barriersRoot) {
		if !strings.HasPrefix(name, "lane-") {
			names = append(names, name)
		}
	}
	return offered(names, args, begun)
}
