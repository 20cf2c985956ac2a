// Package metrics measures the recipe for Prometheus. It implements recipe.Metrics and
// registers its metrics at the caller's registry. It must not know ZooKeeper, and the recipe
// does not depend on it.
//
// One Prometheus serves all roles of a process. The gauges of tasks and workers are those of
// the active master: they are meaningful only if ringmaster_leading is 1, and are set to 0
// when the master is deposed.
package metrics

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Prometheus implements recipe.Metrics.
type Prometheus struct {
	leading    prometheus.Gauge
	epoch      prometheus.Gauge
	elections  prometheus.Counter
	terms      prometheus.Histogram
	tasks      *prometheus.GaugeVec
	workers    prometheus.Gauge
	sessions   *prometheus.CounterVec
	assignment prometheus.Histogram
	completion prometheus.Histogram
	attempts   *prometheus.CounterVec
	fenced     *prometheus.CounterVec
	lapsed     prometheus.Counter
	unreturned prometheus.Gauge
	unknown    *prometheus.CounterVec
	retries    *prometheus.CounterVec
	quarantine *prometheus.GaugeVec
	wentBack   *prometheus.CounterVec
	waiting    *prometheus.GaugeVec
	mu         sync.Mutex
	leads      int32 // the epoch that this process leads, 0 for none
}

var _ recipe.Metrics = (*Prometheus)(nil)

// New makes the metrics and registers them. It fails if they are registered already.
func New(registry prometheus.Registerer) (*Prometheus, error) {
	const space = "ringmaster"
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, first float64, buckets int) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: space, Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, 2, buckets),
		})
	}
	p := &Prometheus{
		leading:    gauge("leading", "1 while a master of this process leads."),
		epoch:      gauge("epoch", "The latest epoch that a master of this process has begun."),
		elections:  prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Name: "elections_total", Help: "Elections won by masters of this process."}),
		terms:      histogram("term_seconds", "How long masters of this process have led.", 1, 20),
		tasks:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Name: "tasks", Help: "Tasks by state, as the active master sees them."}, []string{"state"}),
		workers:    gauge("workers", "Live workers, as the active master sees them."),
		sessions:   counters("session_events_total", "ZooKeeper sessions of this process: opened, closed by their owner, lost.", "role", "event"),
		assignment: histogram("assignment_seconds", "From when the master saw that a task could be assigned to its assignment.", 0.001, 20),
		completion: histogram("completion_seconds", "From when a worker read an assignment to its recorded result.", 0.001, 20),
		attempts:   counters("attempts_ended_total", "Attempts that ended without a result, by the role that ended them.", "by"),
		fenced:     counters("fenced_writes_total", "Writes refused because another process held the claim.", "role"),
		unreturned: gauge("unreturned_handlers", "Handlers of workers of this process that were told to return and have not."),
		lapsed:     prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Name: "lapsed_leases_total", Help: "Times that a worker told its handlers to end because no write was acknowledged in time."}),
		unknown:    counters("unknown_outcomes_total", "Writes whose answer was lost, by what a later read showed.", "operation", "found"),
		wentBack:   counters("went_back_total", "How often the ensemble showed less than was seen before: it was wiped, replaced or restored.", "role"),
		waiting:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Name: "waiting", Help: "Roles of this process that wait, by what they wait for: session, name, leadership, queue, backlog, master."}, []string{"for"}),
		retries:    counters("retries_total", "Steps that failed and were tried again after a pause, and whether the server had refused them.", "step", "refused"),
		quarantine: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Name: "quarantined", Help: "Tasks, workers and other subjects in quarantine because the server refuses requests for them, by kind."}, []string{"kind"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		p.leading, p.epoch, p.elections, p.terms, p.tasks, p.workers, p.sessions, p.assignment, p.completion, p.attempts, p.fenced, p.lapsed, p.unreturned, p.unknown,
		p.retries, p.quarantine, p.wentBack, p.waiting,
	} {
		errs = append(errs, registry.Register(c))
	}
	p.beginAtZero()
	return p, errors.Join(errs...)
}

// beginAtZero makes the counters that operators are to alert on. A counter that appears with
// its first event has no increase that Prometheus could see.
func (p *Prometheus) beginAtZero() {
	for _, role := range []string{"master", "worker", "client"} {
		for _, event := range []string{"opened", "closed", "lost"} {
			p.sessions.WithLabelValues(role, event)
		}
		p.wentBack.WithLabelValues(role)
	}
	for _, role := range []string{"master", "worker"} {
		p.fenced.WithLabelValues(role)
		p.attempts.WithLabelValues(role)
	}
}

// Elected implements recipe.Metrics.
func (p *Prometheus) Elected(epoch int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads = epoch
	p.elections.Inc()
	p.leading.Set(1)
	p.epoch.Set(float64(epoch))
}

// Deposed implements recipe.Metrics.
func (p *Prometheus) Deposed(epoch int32, led time.Duration, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.terms.Observe(led.Seconds())
	if p.leads != epoch {
		return // another master of this process leads by now
	}
	p.leads = 0
	p.leading.Set(0)
	p.set(recipe.TaskCounts{})
}

// SessionOpened implements recipe.Metrics.
func (p *Prometheus) SessionOpened(role string) { p.sessions.WithLabelValues(role, "opened").Inc() }

// SessionEnded implements recipe.Metrics.
func (p *Prometheus) SessionEnded(role string, cause error) {
	event := "closed"
	if cause != nil {
		event = "lost"
	}
	p.sessions.WithLabelValues(role, event).Inc()
}

// Tasks implements recipe.Metrics.
func (p *Prometheus) Tasks(c recipe.TaskCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leads != 0 {
		p.set(c)
	}
}

func (p *Prometheus) set(c recipe.TaskCounts) {
	p.tasks.WithLabelValues("pending").Set(float64(c.Pending))
	p.tasks.WithLabelValues("assigned").Set(float64(c.Assigned))
	p.tasks.WithLabelValues("finished").Set(float64(c.Finished))
	p.workers.Set(float64(c.Workers))
}

// Assigned implements recipe.Metrics.
func (p *Prometheus) Assigned(waited time.Duration) { p.assignment.Observe(waited.Seconds()) }

// AttemptEnded implements recipe.Metrics.
func (p *Prometheus) AttemptEnded(by string) { p.attempts.WithLabelValues(by).Inc() }

// Finished implements recipe.Metrics.
func (p *Prometheus) Finished(took time.Duration) { p.completion.Observe(took.Seconds()) }

// Fenced implements recipe.Metrics.
func (p *Prometheus) Fenced(role string) { p.fenced.WithLabelValues(role).Inc() }

// Unreturned implements recipe.Metrics.
func (p *Prometheus) Unreturned(handlers int) { p.unreturned.Set(float64(handlers)) }

// LeaseLapsed implements recipe.Metrics.
func (p *Prometheus) LeaseLapsed() { p.lapsed.Inc() }

// Retried implements recipe.Metrics.
func (p *Prometheus) Retried(step string, refused bool) {
	p.retries.WithLabelValues(step, strconv.FormatBool(refused)).Inc()
}

// Quarantined implements recipe.Metrics.
func (p *Prometheus) Quarantined(kind string, now int) {
	p.quarantine.WithLabelValues(kind).Set(float64(now))
}

// WentBack implements recipe.Metrics.
func (p *Prometheus) WentBack(role string) { p.wentBack.WithLabelValues(role).Inc() }

// WaitBegan implements recipe.Metrics.
func (p *Prometheus) WaitBegan(what string) { p.waiting.WithLabelValues(what).Inc() }

// WaitEnded implements recipe.Metrics.
func (p *Prometheus) WaitEnded(what string) { p.waiting.WithLabelValues(what).Dec() }

// Unknown implements recipe.Metrics.
func (p *Prometheus) Unknown(operation string, found zkapi.Fate) {
	p.unknown.WithLabelValues(operation, found.String()).Inc()
}
