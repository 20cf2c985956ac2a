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

// quarry is a defect, or the unchanged source, and the engines that look for it.
type quarry struct {
	planted Entry // the entry to build; for the unchanged source, an entry without edits
	hunts   []hunting
}

// hunting is one engine's hunt for a quarry. The unchanged source may have several.
type hunting struct {
	engine Engine
	entry  Entry
}

// Go hunts every entry on every engine that takes it, the unchanged source first, and
// returns all findings in that order. The table shows them as they come. The error is a
// catalogue that does not match its source, or a problem of the machine. An entry that
// does not compile is a failed finding.
func (h Hunt) Go(ctx context.Context, all Catalogue) ([]Finding, error) {
	if err := h.vet(all); err != nil {
		return nil, err
	}
	sweepScratch()
	fmt.Fprintln(h.Out, heading)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &teller{hunt: h, stop: stop, commit: h.Source.commit(ctx)}
	quarries := h.quarries(all)
	found, next := make([][]Finding, len(quarries)), make(chan int)
	var hunters sync.WaitGroup
	for range max(1, h.Jobs) {
		hunters.Go(func() {
			for n := range next {
				found[n] = h.chase(ctx, quarries[n], t)
			}
		})
	}
	for n := range quarries {
		next <- n
	}
	close(next)
	hunters.Wait()
	findings := slices.Concat(found...)
	if ctx.Err() != nil {
		return findings, fmt.Errorf("mutants: not everything was hunted: %w", context.Cause(ctx))
	}
	return findings, nil
}

// vet checks the catalogue before anything is built.
func (h Hunt) vet(all Catalogue) error {
	if err := h.Source.Match(all); err != nil {
		return err
	}
	var left []string
	for _, e := range all {
		if len(h.takers(e)) == 0 {
			left = append(left, e.ID)
		}
	}
	if len(left) == len(all) {
		return fmt.Errorf("mutants: there is nothing to hunt: none of %d defects has anything for these engines; give others with --on", len(all))
	}
	if len(left) > 0 {
		fmt.Fprintf(h.Out, "left out, because they have nothing for these engines: %s\n", strings.Join(left, ", "))
	}
	return nil
}

// takers are the engines that take an entry.
func (h Hunt) takers(e Entry) []Engine {
	return slices.DeleteFunc(slices.Clone(h.Engines), func(g Engine) bool { return !g.Takes(e) })
}

// quarries are the unchanged source, with all conditions of the entries, to find false
// alarms, and then the entries.
func (h Hunt) quarries(all Catalogue) []quarry {
	unmodified := quarry{planted: Entry{ID: Unmodified}}
	for _, g := range h.Engines {
		taken := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return !g.Takes(e) })
		if len(taken) == 0 {
			continue
		}
		for _, e := range g.Baseline(taken) {
			unmodified.hunts = append(unmodified.hunts, hunting{g, e})
		}
	}
	quarries := []quarry{unmodified}
	for _, e := range all {
		q := quarry{planted: e}
		for _, g := range h.takers(e) {
			q.hunts = append(q.hunts, hunting{g, e})
		}
		quarries = append(quarries, q)
	}
	return quarries
}

// teller prints findings one after the other, and gives the whole machine to engines
// that need it.
type teller struct {
	hunt    Hunt
	stop    context.CancelCauseFunc
	commit  string
	machine sync.RWMutex // held for writing by an engine that needs the whole machine
	mu      sync.Mutex
}

// tell prints a finding and keeps it. If it cannot be kept, the hunt ends.
func (t *teller) tell(f Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.hunt.Out, f.line())
	if err := t.hunt.Keep(f); err != nil {
		t.stop(err)
	}
}

// chase builds a quarry and hunts it on each of its engines.
func (h Hunt) chase(ctx context.Context, q quarry, t *teller) (found []Finding) {
	if len(q.hunts) == 0 || ctx.Err() != nil {
		return nil
	}
	dir, remove, err := scratch()
	if err != nil {
		t.stop(err)
		return nil
	}
	defer remove()
	b, err := h.Source.Plant(q.planted, dir)
	if err != nil {
		t.stop(err)
		return nil
	}
	for _, one := range q.hunts {
		if f, hunted := h.look(ctx, one, b, t); hunted {
			found = append(found, f)
		}
	}
	caught := slices.ContainsFunc(found, func(f Finding) bool { return f.Outcome == Caught || f.Outcome == Astray })
	if h.Commands != "" && caught {
		if err := b.save(filepath.Join(h.Commands, q.planted.ID)); err != nil {
			t.stop(err)
		}
	}
	return found
}

// look is one hunt on one engine. An interrupted hunt has no finding.
func (h Hunt) look(ctx context.Context, one hunting, b *Build, t *teller) (f Finding, hunted bool) {
	if one.engine.Alone() {
		t.machine.Lock()
		defer t.machine.Unlock()
	} else {
		t.machine.RLock()
		defer t.machine.RUnlock()
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
	f.Asked, f.Commit = one.entry.asks(f.Engine), t.commit
	f.When = time.Now().UTC().Truncate(time.Second)
	t.tell(f)
	return f, true
}
