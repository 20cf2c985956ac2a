package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// deed is a fault bound to what it acts on.
type deed struct {
	target string
	hit    func() string // whom it has hit, if only apply finds out; else nil
	// sessions that were ended, in the history's notation and comma-separated, once
	// apply has found them
	session func() string
	apply   func(ctx context.Context) error
	heal    func(ctx context.Context) error
	probe   func(ctx context.Context) finding // just before healing
	done    func()                            // after healing
	takes   time.Duration                     // how much longer than planned it may take of itself
}

// finding is what a probe has seen.
type finding struct {
	effective bool
	text      string // in words
	figures   map[string]string
}

// found makes a finding of words alone.
func found(effective bool, format string, args ...any) finding {
	return finding{effective: effective, text: fmt.Sprintf(format, args...)}
}

// with adds a figure.
func (f finding) with(name string, value any) finding {
	figures := map[string]string{name: fmt.Sprint(value)}
	maps.Copy(figures, f.figures)
	f.figures = figures
	return f
}

// healLimit is how long the healing of one fault may take, whatever else ends.
const healLimit = 30 * time.Second

// torture carries out the plan and returns what became of each fault. When ctx
// ends, faults at work are healed at once and the others are left out.
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
	record := nemesis.Record{Fault: fault, From: r.now(), To: r.now()}
	d, err := r.bind(ctx, fault)
	if err != nil {
		record.Evidence = "not applied: " + err.Error()
		r.missed(fault, record.Evidence)
		return record
	}
	if d.done != nil {
		defer d.done()
	}
	record.Target = d.target
	event := r.nemesis.Add(history.Event{Type: history.Invoke, Kind: history.Fault, Fault: string(fault.Kind), Target: d.target})
	record.From = event.At
	doing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+fault.Duration+d.takes)
	defer cancel()
	err = d.apply(doing)
	record.Applied = err == nil
	if err == nil {
		wait(ctx, fault.Duration)
		seen := d.probe(doing)
		record.Effective, record.Evidence, record.Figures = seen.effective, seen.text, seen.figures
	} else {
		record.Evidence = "not applied: " + err.Error()
	}
	if d.hit != nil {
		record.Target = d.hit()
	}
	if err := heal(ctx, d); err != nil {
		record.Evidence += "; healing failed: " + err.Error()
	}
	outcome := history.OK
	switch {
	case errors.Is(err, ensemble.ErrUnanswered):
		outcome = history.Info
	case !record.Applied:
		outcome = history.Fail
	}
	r.nemesis.Complete(event, outcome, func(e *history.Event) {
		e.Fault, e.Target, e.Effective, e.Text = string(fault.Kind), record.Target, record.Effective, record.Evidence
		if d.session != nil && record.Applied {
			e.Session = d.session()
		}
	})
	record.To = r.now()
	return record
}

// heal has a time of its own, whatever the fault has taken.
func heal(ctx context.Context, d deed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+d.takes)
	defer cancel()
	return d.heal(ctx)
}

// missed notes a fault that was intended and came to nothing.
func (r *run) missed(fault nemesis.Fault, why string) {
	event := r.nemesis.Add(history.Event{Type: history.Invoke, Kind: history.Fault, Fault: string(fault.Kind)})
	r.nemesis.Complete(event, history.Fail, func(e *history.Event) { e.Fault, e.Text = string(fault.Kind), why })
}
