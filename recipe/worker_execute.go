package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// execution is one assignment and its state. Only the worker's loop touches it, except the
// fields that finish and report set.
type execution struct {
	task     Task
	stat     zkapi.Stat // of the assignment
	accepted time.Time
	noRecord bool  // the task ended without it
	tooLarge bool  // its end is probably larger than the ensemble accepts
	recalled error // why it is to be given back; nil when it is not
	cancel   context.CancelCauseFunc
	lapse    context.CancelCauseFunc // ends the handler's context, and not the attempt
	watch    zkapi.Source            // on the assignment of a resident task
	held     time.Time               // since when it waits for a handler that was abandoned

	shown progress // as published

	// Guarded by the incarnation's mutex:
	stage    stage // see enter
	endedAt  time.Time
	result   Result
	err      error
	left     bool   // it has ended without a result because the worker stops
	lapsed   bool   // the handler's context has ended because the lease is over
	reported []byte // by the handler
	news     bool   // it has not been published yet
}

// start runs handlers for waiting executions, by priority and then in the order of
// assignment, as many as may run. If the lease is over, because it was not needed for a while
// or has lapsed, a write comes first: the assignment may have been read from a server that is
// cut off.
func (i *incarnation) start() error {
	queue := i.waiting()
	if len(queue) > 0 && i.lease.Left() <= 0 {
		if _, err := i.write(i.req); err != nil {
			return err
		}
	}
	full := false
	for _, e := range queue {
		resident := e.task.Options.Resident
		switch {
		case e.recalled != nil:
			i.giveBack(e)
		case full && !resident:
		case i.worker.admit(e.task):
			i.launch(e)
		case resident:
			i.decline(e)
		default:
			full = true
		}
	}
	return nil
}

// waiting lists the executions that can begin, in the order in which they do so. Those whose
// handlers have returned because the lease was over are among them.
func (i *incarnation) waiting() []*execution {
	i.mu.Lock()
	defer i.mu.Unlock()
	queue := slices.Collect(maps.Values(i.startable))
	for _, e := range queue {
		i.resumeLocked(e)
	}
	slices.SortFunc(queue, func(a, b *execution) int {
		return cmp.Or(
			cmp.Compare(b.task.Options.Priority, a.task.Options.Priority),
			cmp.Compare(a.stat.Czxid, b.stat.Czxid), cmp.Compare(a.task.Name, b.task.Name))
	})
	return queue
}

// launch calls the handler in a thread of its own. Its context ends with the
// attempt, and before that with the lease.
func (i *incarnation) launch(e *execution) {
	if !i.launches(e) {
		return
	}
	attempt, cancel := context.WithCancelCause(i.ctx)
	ctx, lapse := context.WithCancelCause(attempt)
	e.cancel, e.lapse = cancel, lapse
	i.begins(e)
	if e.task.Options.Timeout > 0 {
		i.worker.keep(i.env.Spawn("timeout", func() { i.expire(attempt, e, cancel) }))
	}
	resident := e.task.Options.Resident
	handler := i.env.Spawn("handler", func() {
		zkapi.DependsOn(i.env, i, e)
		ctx, end := i.worker.config.Tracer(ctx, "execute", slog.String("task", e.task.Name), slog.Int("attempt", int(e.task.Token.Attempt)))
		if i.lease.Left() <= 0 {
			i.lapse() // the machine has slept since
		}
		var result Result
		err := errHandlerExited
		defer func() { // also when the handler ends its goroutine in place of returning
			if resident && err == nil {
				err = errResidentReturned
				if ctx.Err() != nil {
					err = context.Cause(ctx)
				}
			}
			end(err)
			i.tellFailure(ctx, e, err)
			i.worker.leave(e.task)
			i.returned(e, result, err)
			cancel(nil) // ends its timeout
		}()
		result, err = call(ctx, i.worker.config.Handler, e.task)
	})
	i.worker.keep(i.env.Spawn("attend", func() { i.watchHandler(ctx, e, handler) }))
}

// launches moves an execution to running. An execution that begins again may have timed out
// just now: then its place is free again.
func (i *incarnation) launches(e *execution) bool {
	i.mu.Lock()
	waits := e.stage == stageWaiting
	if waits {
		i.enterLocked(e, stageRunning)
	}
	i.mu.Unlock()
	if !waits {
		i.worker.leave(e.task)
	}
	return waits
}

// errHandlerExited ends an attempt whose handler has called runtime.Goexit, as the FailNow of
// a test does.
var errHandlerExited = errors.New("handler ended its goroutine and did not return")

// errResidentReturned ends the attempt of a resident task whose handler returned before its
// context ended.
var errResidentReturned = errors.New("the handler of a resident task has returned")

// call runs the handler, unless its context has ended before, and turns a panic into an
// error, because one bad task must not crash the worker.
func call(ctx context.Context, handler Handler, task Task) (result Result, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	result, err = handler(ctx, task)
	if err == nil && len(result) > MaxResult {
		return nil, fmt.Errorf("%w: the result has %d bytes: at most %d are allowed", zkapi.ErrTooLarge, len(result), MaxResult)
	}
	return result, err
}

// finish notes how an execution has ended; the first time counts. It does not matter
// when the assignment was taken away before.
func (i *incarnation) finish(e *execution, result Result, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.finishLocked(e, result, err)
}

// endAndCancel ends an execution with err and cancels its handler's context, both under the lock.
// If the handler returns because of that, its result is too late.
func (i *incarnation) endAndCancel(e *execution, err error, cancel func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	cancel()
	i.finishLocked(e, nil, err)
}

// finishLocked is finish for a caller that holds the lock.
func (i *incarnation) finishLocked(e *execution, result Result, err error) {
	switch e.stage {
	case stageEnded, stageUnresolved:
		return
	case stageSettled:
		i.ended.Raise()
		return
	}
	i.enterLocked(e, stageEnded)
	e.endedAt, e.result, e.err = i.env.Now().UTC(), result, err
	left := i.stops() || i.afterRetiring && errors.Is(err, errRestarted)
	e.left = err != nil && left && !e.task.Options.Resident
	i.finished = append(i.finished, e)
	i.ended.Raise()
}

// recall makes a worker give a task back: at once if it has not begun, otherwise when its
// handler has returned. The next owner waits for that acknowledgement.
func (i *incarnation) recall(e *execution, cause error) {
	e.recalled = cause
	if i.at(e, stageWaiting) || i.resumes(e) {
		i.giveBack(e)
		return
	}
	e.cancel(cause)
}

// giveBack gives a task back that has not begun here, unless an earlier handler of it
// still runs in this process: then start does it when that has returned.
func (i *incarnation) giveBack(e *execution) {
	if !i.worker.runs(e.task) {
		i.finish(e, nil, e.recalled)
	}
}

// expire ends an attempt when its time is over, whether or not its handler returns; the
// handler keeps its place until it does. It has its own thread because the loop may be
// waiting for an answer.
func (i *incarnation) expire(ctx context.Context, e *execution, cancel context.CancelCauseFunc) {
	timeout := e.task.Options.Timeout
	if _, err := i.env.Wait(ctx, i.env.Timer(timeout)); err != nil {
		return
	}
	cause := fmt.Errorf("%w after %v", ErrTimedOut, timeout)
	i.endAndCancel(e, cause, func() { cancel(cause) })
	i.tellTimeout(ctx, e, cause)
}
