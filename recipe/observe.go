package recipe

import (
	"context"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Metrics receives measurements. Its methods are called from the recipe's own
// threads, some of them many times a second: they must be safe for concurrent use
// and must not block. Embed NoMetrics to implement only some of them.
//
// The package metrics has an implementation for Prometheus.
type Metrics interface {
	// Elected: this master leads.
	Elected(epoch int32)
	// Deposed: this master does not lead any more.
	Deposed(epoch int32, led time.Duration, cause error)
	// SessionOpened and SessionEnded: role is master, worker or client. A nil
	// cause means that the session was closed by its owner.
	SessionOpened(role string)
	SessionEnded(role string, cause error)
	// Tasks: the number of tasks by state, as the active master sees them.
	Tasks(TaskCounts)
	// Assigned: a task was assigned this long after the master had seen that it was ready.
	Assigned(waited time.Duration)
	// AttemptEnded: an attempt ended without a result; by is master or worker.
	AttemptEnded(by string)
	// Finished: a worker recorded a result this long after it had read the
	// assignment.
	Finished(took time.Duration)
	// Fenced: a write was refused because another process holds the claim.
	Fenced(role string)
	// LeaseLapsed: a worker has ended the contexts of its handlers, because no write was
	// acknowledged for so long that its session may be over.
	LeaseLapsed()
	// Retried: a step has failed and is tried again, after a pause. refused says that the
	// server has refused it.
	Retried(step string, refused bool)
	// Quarantined: how many subjects of a kind (task, worker, progress, request, notice,
	// execution) are left alone now, because the server refuses requests for them.
	Quarantined(kind string, now int)
	// Unreturned: the number of handlers of this worker whose contexts ended more than a
	// second ago and that have not returned.
	Unreturned(handlers int)
	// Unknown: a write was not answered, and found is its fate. If found is Unknown itself, a
	// later read of the tree decides.
	Unknown(operation string, found zkapi.Fate)
	// WaitBegan and WaitEnded: a role waits for another process. what is session (the role
	// waits until a server grants one), name (a worker, until its name is free), leadership (a
	// master, until no other leads), queue (a candidate, for the one in front), backlog (a
	// client, for room) or master (a client, until a master has removed a task).
	WaitBegan(what string)
	WaitEnded(what string)
	// WentBack: the ensemble shows an older state than before; it was wiped, replaced, or
	// restored from a backup.
	WentBack(role string)
}

// TaskCounts are the tasks by state.
type TaskCounts struct {
	Pending, Assigned, Finished int
	Workers                     int // alive
}

// NoMetrics measures nothing.
type NoMetrics struct{}

var _ Metrics = NoMetrics{}

// Elected implements Metrics.
func (NoMetrics) Elected(int32) {}

// Deposed implements Metrics.
func (NoMetrics) Deposed(int32, time.Duration, error) {}

// SessionOpened implements Metrics.
func (NoMetrics) SessionOpened(string) {}

// SessionEnded implements Metrics.
func (NoMetrics) SessionEnded(string, error) {}

// Tasks implements Metrics.
func (NoMetrics) Tasks(TaskCounts) {}

// Assigned implements Metrics.
func (NoMetrics) Assigned(time.Duration) {}

// AttemptEnded implements Metrics.
func (NoMetrics) AttemptEnded(string) {}

// Finished implements Metrics.
func (NoMetrics) Finished(time.Duration) {}

// Fenced implements Metrics.
func (NoMetrics) Fenced(string) {}

// LeaseLapsed implements Metrics.
func (NoMetrics) LeaseLapsed() {}

// Retried implements Metrics.
func (NoMetrics) Retried(string, bool) {}

// Quarantined implements Metrics.
func (NoMetrics) Quarantined(string, int) {}

// Unreturned implements Metrics.
func (NoMetrics) Unreturned(int) {}

// Unknown implements Metrics.
func (NoMetrics) Unknown(string, zkapi.Fate) {}

// WaitBegan implements Metrics.
func (NoMetrics) WaitBegan(string) {}

// WaitEnded implements Metrics.
func (NoMetrics) WaitEnded(string) {}

// WentBack implements Metrics.
func (NoMetrics) WentBack(string) {}

// Tracer is a hook for spans. It is called when a span begins; it returns the context for the
// span, and a function that ends the span. The names are term (of a master), execute (of a
// worker), submit and await (of a client). It must not block.
type Tracer func(ctx context.Context, span string, attrs ...slog.Attr) (context.Context, func(error))

// Observers are the hooks that every role has. All of them are optional.
type Observers struct {
	// Logger receives elections, registrations and losses. Payloads, results and
	// credentials are never logged.
	Logger  *slog.Logger
	Metrics Metrics
	Tracer  Tracer
}

// filled has something harmless for everything that is not set.
func (o Observers) filled(role, name string) Observers {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if name != "" {
		o.Logger = o.Logger.With(role, name)
	}
	if o.Metrics == nil {
		o.Metrics = NoMetrics{}
	}
	if o.Tracer == nil {
		o.Tracer = func(ctx context.Context, _ string, _ ...slog.Attr) (context.Context, func(error)) {
			return ctx, func(error) {}
		}
	}
	return o
}

// shared is what the packages below know of observers.
func (o Observers) shared() observe.Observer {
	return observe.Observer{Logger: o.Logger, Metrics: o.Metrics}
}
