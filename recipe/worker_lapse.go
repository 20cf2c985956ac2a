package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// write is a fenced write of the worker; it keeps the lease.
func (i *incarnation) write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	reply := i.writeAll(ctx, [][]zkapi.Op{ops})[0]
	return reply.Result, reply.Err
}

// writeAll pipelines fenced writes that do not depend on each other, each as write
// does it.
func (i *incarnation) writeAll(ctx context.Context, writes [][]zkapi.Op) []zkapi.Reply {
	if len(writes) == 0 {
		return nil
	}
	i.mu.Lock()
	held := i.claim
	i.mu.Unlock()
	sent := i.env.Elapsed()
	replies := held.WriteAll(ctx, writes)
	for _, reply := range replies {
		if reply.Err == nil {
			i.lease.Prolong(sent)
		}
	}
	return replies
}

// fenced ends the claim, because another process holds it now.
func (i *incarnation) fenced(err error) {
	i.worker.config.Metrics.Fenced("worker")
	i.lose(fmt.Errorf("%w: %w", ErrClaimLost, err))
}

// begins notes that a handler is about to run.
func (i *incarnation) begins(e *execution) {
	i.mu.Lock()
	i.running[e.key()] = e
	if e.task.Options.HeartbeatTimeout > 0 {
		i.tellLocked(e) // that it has begun
	}
	i.mu.Unlock()
	i.begun.Raise()
	i.relied.Raise()
}

// returned notes that a handler has returned. If the lease is over and the handler returns an
// error, or a resident task's handler returns nil, the attempt does not end: the execution
// begins again if the claim is alive. A result ends the attempt: it is recorded under the
// claim, or refused.
func (i *incarnation) returned(e *execution, result Result, err error) {
	i.mu.Lock()
	again := e.lapsed && err != nil && e.stage == stageRunning
	if again {
		i.enterLocked(e, stageReturned)
		i.ended.Raise()
	} else {
		i.finishLocked(e, result, err)
	}
	delete(i.running, e.key()) // with the lock: one that is not waited for has its end, or may begin again
	i.mu.Unlock()
	i.begun.Raise()
	i.relied.Raise()
	i.worker.hangs(e, false)
}

// without notes that the worker does not wait for a handler any more.
func (i *incarnation) without(e *execution) {
	i.mu.Lock()
	delete(i.running, e.key())
	i.mu.Unlock()
	i.begun.Raise()
	i.relied.Raise()
}

// resumes reports, once, whether a handler has returned because the lease was over, so that
// the execution can begin again.
func (i *incarnation) resumes(e *execution) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.resumeLocked(e)
}

// resumeLocked is resumes for a caller that holds the mutex.
func (i *incarnation) resumeLocked(e *execution) bool {
	again := e.stage == stageReturned
	if again {
		i.enterLocked(e, stageWaiting)
		e.lapsed = false
	}
	return again
}

// relies reports whether a handler runs that relies on the lease.
func (i *incarnation) relies() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return containsValue(i.running, func(e *execution) bool { return !e.lapsed })
}

// lapse ends the contexts of all handlers because the lease is over. It records nothing,
// because the claim may be alive.
func (i *incarnation) lapse() {
	i.mu.Lock()
	var ended []*execution
	for _, e := range i.running {
		if !e.lapsed {
			e.lapsed = true
			ended = append(ended, e)
		}
	}
	i.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	cause := fmt.Errorf("%w: no write was acknowledged for %v", ErrLeaseLapsed, i.lease.Length())
	i.worker.log.WarnContext(i.ctx, "handlers are told to end; the tasks begin again here if the claim turns out to be alive", "handlers", len(ended), "cause", cause)
	i.worker.config.Metrics.LeaseLapsed()
	for _, e := range ended {
		e.lapse(cause)
	}
}

// keepClaim ends the claim when the session ends, and the handlers' contexts when the lease
// ends. It is a thread of its own because the loop may be waiting for an answer that does not
// come.
func (i *incarnation) keepClaim() {
	zkapi.DependsOn(i.env, i)
	for {
		sources := []zkapi.Source{i.Session.Done(), i.begun}
		if i.relies() {
			if i.lease.Left() <= 0 {
				i.lapse()
				continue
			}
			sources = append(sources, i.env.Timer(i.lease.Look()))
		}
		zkapi.Checkpoint(i.env, "claim")
		at, err := i.env.Wait(i.ctx, sources...)
		if err != nil {
			return
		}
		if at == 0 {
			i.lose(fmt.Errorf("%w: %w", ErrClaimLost, i.Session.Cause()))
			return
		}
	}
}

// heartbeat confirms the claim whenever no other write has, as long as something relies on
// the lease. A worker that runs nothing writes nothing.
func (i *incarnation) heartbeat() {
	zkapi.DependsOn(i.env, i)
	for {
		sources := []zkapi.Source{i.relied}
		if i.relies() {
			due := i.lease.Due()
			if due <= 0 {
				i.confirmClaim()
				due = max(i.lease.Due(), i.lease.Tick()) // a failure shows in the lease
			}
			sources = append(sources, i.env.Timer(due), i.lease.Changed)
		}
		zkapi.Checkpoint(i.env, "heartbeat")
		if _, err := i.env.Wait(i.ctx, sources...); err != nil {
			return
		}
	}
}

// confirmClaim writes nothing but the check of the claim. While the loop renews the claim,
// that confirms it as well; and a check of the version before, which the server has read
// after the renewal, says nothing about who holds the claim.
func (i *incarnation) confirmClaim() {
	version, renewing := i.claimed()
	if renewing {
		return
	}
	_, err := i.write(i.ctx)
	if now, renewing := i.claimed(); errors.Is(err, ErrFenced) && now == version && !renewing {
		i.fenced(err)
	}
}

// claimed is the version of the claim, and whether the next one is on its way.
func (i *incarnation) claimed() (version int32, renewing bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.Version, i.renewing
}

// renews notes that a renewal of the claim begins, or its resulting version.
func (i *incarnation) renews(begins bool, version int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.renewing, i.Version = begins, version
}
