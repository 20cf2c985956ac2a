package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
)

// sameSignal is how long after the first signal to stop another one means the same. GNU
// timeout, and shells, send a signal to a process and then to its group.
const sameSignal = time.Second

// UntilSignal returns a context that ends at the first signal to stop, so that the command
// can stop in good order. Another signal, a second later or more, ends the process at once.
func UntilSignal() (ctx context.Context, cancel func()) {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(signals, wanted...)
	go func() {
		stop(exit.With(exit.Interrupted, fmt.Errorf("%v", <-signals)))
		for first := time.Now(); ; {
			if <-signals; time.Since(first) >= sameSignal {
				break
			}
		}
		shell.KillAll()
		os.Exit(int(exit.Interrupted))
	}()
	return ctx, func() { stop(nil) }
}
