package signals

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestHeed_TakesSignalsWithinASecondForOne: the second signal of GNU timeout ends nothing,
// and one that a person sends later does.
func TestHeed_TakesSignalsWithinASecondForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		signals, over := make(chan os.Signal, 2), make(chan struct{})
		go func() { defer close(over); heed(signals, stop) }()
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("the context ended before a signal")
		}
		ended := func() bool {
			synctest.Wait()
			select {
			case <-over:
				return true
			default:
				return false
			}
		}
		signals <- syscall.SIGTERM
		if ended() || !exit.Given(context.Cause(ctx), exit.Interrupted) || context.Cause(ctx).Error() != "terminated" {
			t.Errorf("after the first signal the cause is %v", context.Cause(ctx))
		}
		<-time.After(same - time.Millisecond)
		signals <- syscall.SIGTERM
		if ended() {
			t.Error("the second signal of one order to stop ends the process")
		}
		<-time.After(time.Millisecond)
		signals <- os.Interrupt
		if !ended() {
			t.Error("a later signal does not end the process")
		}
	})
}
