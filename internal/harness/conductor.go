package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
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

// whether says in words which of two things a probe saw.
func whether(seen bool, is, isNot string) string {
	if seen {
		return is
	}
	return isNot
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
	entry := nemesis.Record{Fault: fault, From: r.now(), To: r.now()}
	d, err := r.bind(ctx, fault)
	if err != nil {
		entry.Evidence = "not applied: " + err.Error()
		r.missed(fault, entry.Evidence)
		return entry
	}
	if d.done != nil {
		defer d.done()
	}
	entry.Target = d.target
	event := r.nemesis.Add(record.Event{Type: record.Invoke, Kind: record.Fault, Fault: string(fault.Kind), Target: d.target})
	entry.From = event.At
	doing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+fault.Duration+d.takes)
	defer cancel()
	err = d.apply(doing)
	entry.Applied = err == nil
	if err == nil {
		wait(ctx, fault.Duration)
		seen := d.probe(doing)
		entry.Effective, entry.Evidence, entry.Figures = seen.effective, seen.text, seen.figures
	} else {
		entry.Evidence = "not applied: " + err.Error()
	}
	if d.hit != nil {
		entry.Target = d.hit()
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
	r.nemesis.Complete(event, outcome, func(e *record.Event) {
		e.Fault, e.Target, e.Effective, e.Text = string(fault.Kind), entry.Target, entry.Effective, entry.Evidence
		if d.session != nil && entry.Applied {
			e.Session = d.session()
		}
	})
	entry.To = r.now()
	return entry
}

// heal has a time of its own, whatever the fault has taken.
func heal(ctx context.Context, d deed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+d.takes)
	defer cancel()
	return d.heal(ctx)
}

// missed notes a fault that was intended and came to nothing.
func (r *run) missed(fault nemesis.Fault, why string) {
	event := r.nemesis.Add(record.Event{Type: record.Invoke, Kind: record.Fault, Fault: string(fault.Kind)})
	r.nemesis.Complete(event, record.Fail, func(e *record.Event) { e.Fault, e.Text = string(fault.Kind), why })
}
