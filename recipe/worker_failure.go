package recipe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
)

// panicError is how an attempt ends whose handler has panicked.
type panicError struct {
	value any
	stack []byte // of the handler, for the log only
}

// maxStack is how much of a stack the log has, in bytes. The end of a longer one is the
// worker's own.
const maxStack = 8 << 10

func newPanicError(value any) *panicError {
	stack := debug.Stack()
	return &panicError{value, stack[:min(len(stack), maxStack)]}
}

// Error implements error.
func (p *panicError) Error() string { return fmt.Sprintf("handler panicked: %v", p.value) }

// tellFailure logs the failure of a handler with its context. A handler that returns because
// it was told to end has not failed.
func (i *incarnation) tellFailure(ctx context.Context, e *execution, err error) {
	obeys := ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, context.Canceled))
	if err == nil || obeys {
		return
	}
	attrs := []any{"task", brief(e.task.Name), "attempt", e.task.Token.Attempt, "error", observe.Clip(err.Error())}
	if p, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, "stack", string(p.stack))
	}
	i.worker.log.WarnContext(ctx, "a handler has failed", attrs...)
}

// tellTimeout logs that an attempt has ended because its time is over, unless it had ended
// before.
func (i *incarnation) tellTimeout(ctx context.Context, e *execution, cause error) {
	i.mu.Lock()
	ended := e.err == cause
	i.mu.Unlock()
	if ended {
		i.worker.log.WarnContext(ctx, "an attempt has timed out", "task", brief(e.task.Name), "attempt", e.task.Token.Attempt, "error", cause)
	}
}
