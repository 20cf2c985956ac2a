package signals

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// same is how long after the first signal to stop another one means the same. GNU timeout,
// and shells, send a signal to a process and then to its group.
const same = time.Second

// Until returns a context that ends at the first signal to stop (SIGINT, SIGTERM, SIGHUP),
// so that the command can stop in good order. Its cause names the signal. Another signal,
// a second later or more, ends the process: after last, with [exit.Interrupted]. A signal
// while last runs ends it at once.
func Until(last func()) (ctx context.Context, cancel context.CancelCauseFunc) {
	ctx, cancel = context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(signals, wanted...)
	go func() {
		heed(signals, cancel)
		signal.Reset(wanted...)
		last()
		os.Exit(int(exit.Interrupted))
	}()
	return ctx, cancel
}

// received is the signal that has ended a context.
type received struct{ signal os.Signal }

func (r received) Error() string { return r.signal.String() }

// Cause is the signal that has ended a context of Until, or SIGTERM if something else has.
func Cause(ctx context.Context) syscall.Signal {
	if r, found := errors.AsType[received](context.Cause(ctx)); found {
		if signal, known := r.signal.(syscall.Signal); known {
			return signal
		}
	}
	return syscall.SIGTERM
}

// heed passes the first signal on, and returns after the next one that does not mean the
// same.
func heed(signals <-chan os.Signal, stop context.CancelCauseFunc) {
	stop(exit.With(exit.Interrupted, received{<-signals}))
	for first := time.Now(); ; {
		if <-signals; time.Since(first) >= same {
			return
		}
	}
}

// OnQuit calls last when SIGQUIT arrives. Then the signal ends the process as it does
// without OnQuit: the Go runtime prints the stacks. A second SIGQUIT does not wait for
// last.
func OnQuit(last func()) {
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	go func() {
		<-quit
		signal.Reset(syscall.SIGQUIT)
		last()
		_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT) // a process may send signals to itself
	}()
}
