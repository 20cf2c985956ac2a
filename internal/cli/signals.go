package cli

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/internal/signals"
)

// UntilSignal returns a context that ends at the first signal to stop, so that the command
// can stop in good order. Another signal, a second later or more, ends the process at once.
func UntilSignal() (ctx context.Context, cancel func()) {
	ctx, stop := signals.Until(shell.KillAll)
	return ctx, func() { stop(nil) }
}

// stopping is what the log says after the first signal.
const stopping = "stopping in good order; a second signal ends the process at once, if it comes a second later or more"
