package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/bench"
	"github.com/ringmaster-zk/ringmaster/internal/signals"
)

// started reports whether the harness or the bench has started this process, and not a person.
// It ends when they want it to.
func started(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{"participant", "simulate", bench.RoleCommand}, args[0])
}

// untilSignal returns a context that ends at the first signal to stop. The load ends then,
// and the remaining phases run in order. A second signal, or SIGQUIT, ends the process as
// soon as its containers and participants are removed. A closed pipe ends no process here:
// it is an error of the write.
func untilSignal() (context.Context, context.CancelCauseFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	removeAll := func() {
		fmt.Fprintf(os.Stderr, "%s: removing containers and participants; another signal ends this at once\n", program())
		if err := harness.RemoveAll(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v; the next run removes what is left\n", program(), err)
		}
	}
	signals.OnQuit(removeAll)
	return signals.Until(removeAll)
}

// output is the standard output. A write that fails is no error for the code that prints:
// it is told once, at the end.
type output struct {
	to     io.Writer
	unread context.CancelCauseFunc // called when nobody reads any more

	mu  sync.Mutex
	err error
}

// errUnread means that the reader of the output has gone, as head does.
var errUnread = exit.With(exit.Interrupted, errors.New("broken pipe: nobody reads the standard output"))

// Write implements io.Writer; it never fails.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.to.Write(text); err != nil && o.err == nil {
		o.err = err
		if errors.Is(err, syscall.EPIPE) {
			o.unread(errUnread)
		}
	}
	return len(text), nil
}

// failure is the first write that failed. That nobody reads is no failure of a command that
// had ended.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil || errors.Is(o.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("the output could not be written: %w", o.err)
}

// until runs f, or leaves it alone when ctx ends: a command that only reads and judges has
// nothing to clean up.
func until(ctx context.Context, f func() error) error {
	over := make(chan error, 1)
	if ctx.Err() == nil {
		go func() { over <- f() }()
	}
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return exit.With(exit.Interrupted, fmt.Errorf("a signal ended the command before it was done: %w", context.Cause(ctx)))
	}
}

// leaving makes a command end at the first signal.
func leaving(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return until(cmd.Context(), func() error { return run(cmd, args) })
	}
	return cmd
}
