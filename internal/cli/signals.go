package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
)

// UntilSignal returns a context that ends at the first signal to stop, so that the command
// can stop in good order. The second signal ends the process at once.
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
		<-signals
		shell.KillAll()
		os.Exit(int(exit.Interrupted))
	}()
	return ctx, func() { stop(nil) }
}
