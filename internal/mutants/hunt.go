package mutants

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Hunt is one pass through a catalogue.
type Hunt struct {
	Source  Source
	Engines []Engine
	Budget  time.Duration // for each defect on each engine; a run that has begun is completed
	Jobs    int           // defects that are tested side by side; 0 counts as one
	Out     io.Writer     // the table, line by line
	Keep    func(Finding) error
	// Commands is a folder for the binaries of caught defects, each in a folder named by
	// its id. If it is empty, none is kept.
	Commands string
}

// job is a defect, or the unchanged source, and the trials that test it.
type job struct {
	planted Entry // the entry to build; for the unchanged source, an entry without edits
	trials  []trial
}

// trial tests a job on one engine. The unchanged source may have several on the same engine.
type trial struct {
	engine Engine
	entry  Entry
}

// Go tests every entry on every engine that takes it, the unchanged source first, and
// returns all findings in that order. The table shows them as they come. The error is a
// catalogue that does not match its source, or a problem of the machine. An entry that
// does not compile is a failed finding.
func (h Hunt) Go(ctx context.Context, all Catalogue) ([]Finding, error) {
	if err := h.check(all); err != nil {
		return nil, err
	}
	sweepScratch()
	fmt.Fprintln(h.Out, heading)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &reporter{hunt: h, stop: stop, commit: h.Source.commit(ctx)}
	jobs := h.jobs(all)
	found, next := make([][]Finding, len(jobs)), make(chan int)
	var workers sync.WaitGroup
	for range max(1, h.Jobs) {
		workers.Go(func() {
			for n := range next {
				found[n] = h.run(ctx, jobs[n], r)
			}
		})
	}
	for n := range jobs {
		next <- n
	}
	close(next)
	workers.Wait()
	findings := slices.Concat(found...)
	if ctx.Err() != nil {
		return findings, fmt.Errorf("mutants: the hunt ended before every defect was tested: %w", context.Cause(ctx))
	}
	return findings, nil
}

// check checks the catalogue before anything is built.
func (h Hunt) check(all Catalogue) error {
	if err := h.Source.Match(all); err != nil {
		return err
	}
	var left []string
	for _, e := range all {
		if len(h.enginesFor(e)) == 0 {
			left = append(left, e.ID)
		}
	}
	if len(left) == len(all) {
		return fmt.Errorf("mutants: these engines can test none of the %d defects; give others with --on", len(all))
	}
	if len(left) > 0 {
		fmt.Fprintf(h.Out, "left out, because these engines cannot test them: %s\n", strings.Join(left, ", "))
	}
	return nil
}

// enginesFor are the engines that take an entry.
func (h Hunt) enginesFor(e Entry) []Engine {
	return slices.DeleteFunc(slices.Clone(h.Engines), func(g Engine) bool { return !g.Takes(e) })
}

// jobs are the unchanged source, with all conditions of the entries, to find false
// alarms, and then the entries.
func (h Hunt) jobs(all Catalogue) []job {
	unmodified := job{planted: Entry{ID: Unmodified}}
	for _, g := range h.Engines {
		taken := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return !g.Takes(e) })
		if len(taken) == 0 {
			continue
		}
		for _, e := range g.Baseline(taken) {
			unmodified.trials = append(unmodified.trials, trial{g, e})
		}
	}
	jobs := []job{unmodified}
	for _, e := range all {
		j := job{planted: e}
		for _, g := range h.enginesFor(e) {
			j.trials = append(j.trials, trial{g, e})
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// reporter prints findings one after the other, and gives the whole machine to engines
// that need it.
type reporter struct {
	hunt    Hunt
	stop    context.CancelCauseFunc
	commit  string
	machine sync.RWMutex // held for writing by an engine that needs the whole machine
	mu      sync.Mutex
}

// report prints a finding and keeps it. If it cannot be kept, the hunt ends.
func (r *reporter) report(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.hunt.Out, f.line())
	if err := r.hunt.Keep(f); err != nil {
		r.stop(err)
	}
}

// run builds a job and tests it on each of its engines.
func (h Hunt) run(ctx context.Context, j job, r *reporter) (found []Finding) {
	if len(j.trials) == 0 || ctx.Err() != nil {
		return nil
	}
	dir, remove, err := scratch()
	if err != nil {
		r.stop(err)
		return nil
	}
	defer remove()
	b, err := h.Source.Plant(j.planted, dir)
	if err != nil {
		r.stop(err)
		return nil
	}
	for _, one := range j.trials {
		if f, finished := h.try(ctx, one, b, r); finished {
			found = append(found, f)
		}
	}
	caught := slices.ContainsFunc(found, func(f Finding) bool { return f.Outcome == Caught || f.Outcome == Astray })
	if h.Commands != "" && caught {
		if err := b.save(filepath.Join(h.Commands, j.planted.ID)); err != nil {
			r.stop(err)
		}
	}
	return found
}

// try is one trial. An interrupted trial has no finding.
func (h Hunt) try(ctx context.Context, one trial, b *Build, r *reporter) (f Finding, finished bool) {
	if one.engine.Alone() {
		r.machine.Lock()
		defer r.machine.Unlock()
	} else {
		r.machine.RLock()
		defer r.machine.RUnlock()
	}
	if ctx.Err() != nil {
		return f, false
	}
	if f = one.engine.Hunt(ctx, b, one.entry, h.Budget); ctx.Err() != nil {
		return f, false
	}
	if len(one.entry.Edits) > 0 {
		f.Fingerprint = one.entry.Fingerprint()
	}
	f.Asked, f.Commit = one.entry.asks(f.Engine), r.commit
	f.When = time.Now().UTC().Truncate(time.Second)
	r.report(f)
	return f, true
}
