package harness

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// healLimit bounds the healing of one fault, even if all else ends.
const healLimit = 30 * time.Second

// torture carries out the plan and returns the record of each fault. When ctx ends,
// active faults are healed at once and the others are left out.
func (r *run) torture(ctx context.Context, plan []nemesis.Fault) []nemesis.Record {
	began := r.now()
	records := make([]nemesis.Record, len(plan))
	done := make(chan struct{})
	for i, fault := range plan {
		records[i] = nemesis.Record{Fault: fault, Evidence: "the run ended first"}
		go func() {
			defer func() { done <- struct{}{} }()
			if wait(ctx, fault.Start-(r.now()-began)) {
				records[i] = r.inflict(ctx, fault)
			} else {
				r.missed(fault, records[i].Evidence)
			}
		}()
	}
	for range plan {
		<-done
	}
	return records
}

// wait returns true after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// inflict applies one fault, waits, probes and heals.
func (r *run) inflict(ctx context.Context, fault nemesis.Fault) nemesis.Record {
	entry := nemesis.Record{Fault: fault, From: r.now(), To: r.now()}
	d, err := r.injector.Bind(ctx, fault)
	if err != nil {
		entry.Evidence = "not applied: " + err.Error()
		r.missed(fault, entry.Evidence)
		return entry
	}
	if d.Done != nil {
		defer d.Done()
	}
	entry.Target = d.Target
	event := r.nemesis.Add(record.Event{Type: record.Invoke, Kind: record.Fault, Of: begun(fault.Kind, listed(d.Target))})
	entry.From = event.At
	doing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+fault.Duration+d.Takes)
	defer cancel()
	err = d.Apply(doing)
	entry.Applied = err == nil
	if err == nil {
		wait(ctx, fault.Duration)
		seen := d.Probe(doing)
		entry.Effective, entry.Evidence, entry.Figures = seen.Effective, seen.Text, seen.Figures
	} else {
		entry.Evidence = "not applied: " + err.Error()
	}
	if d.Hit != nil {
		entry.Target = d.Hit()
	}
	if err := heal(ctx, d); err != nil {
		entry.Evidence += "; healing failed: " + err.Error()
	}
	outcome := record.OK
	switch {
	case errors.Is(err, ensemble.ErrUnanswered):
		outcome = record.Info
	case !entry.Applied:
		outcome = record.Fail
	}
	done := record.Injection{Fault: string(fault.Kind), Targets: listed(entry.Target), Effective: entry.Effective, Evidence: entry.Evidence}
	if d.Sessions != nil && entry.Applied {
		done.Sessions = listed(d.Sessions())
	}
	r.nemesis.Complete(event, outcome, done)
	entry.To = r.now()
	return entry
}

// begun is the record of a fault's beginning, with the facts about its kind that judges
// and readers need.
func begun(kind nemesis.Kind, targets []string) record.Injection {
	entry, _ := nemesis.Lookup(kind)
	return record.Injection{Fault: string(kind), Targets: targets, Does: entry.Does, Did: entry.Did}
}

// heal has its own time limit, whatever time the fault has taken.
func heal(ctx context.Context, d nemesis.Injection) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+d.Takes)
	defer cancel()
	return d.Heal(ctx)
}

// missed records a fault that was intended and not applied.
func (r *run) missed(fault nemesis.Fault, why string) {
	event := r.nemesis.Add(record.Event{Type: record.Invoke, Kind: record.Fault, Of: begun(fault.Kind, nil)})
	r.nemesis.Complete(event, record.Fail, record.Injection{Fault: string(fault.Kind), Evidence: why})
}

// listed splits names that commas separate.
func listed(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, ",")
}
