package mutants

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Hunt is one go through a catalogue.
type Hunt struct {
	Source  Source
	Engines []Engine
	Budget  time.Duration // for each defect on each engine; a run that has begun is completed
	Out     io.Writer     // the table, line by line
	Keep    func(Finding) error
}

// Go hunts every entry on every engine that takes it, the source as it is first, and
// returns all findings. The error is that of a catalogue that does not match its
// source, or of the machine. What does not compile is a finding that has failed.
func (h Hunt) Go(ctx context.Context, all Catalogue) ([]Finding, error) {
	if err := h.vet(all); err != nil {
		return nil, err
	}
	fmt.Fprintln(h.Out, heading)
	var findings []Finding
	tell := func(f Finding) error {
		f.When = time.Now().UTC().Truncate(time.Second)
		findings = append(findings, f)
		fmt.Fprintln(h.Out, f.line())
		return h.Keep(f)
	}
	if err := h.clean(ctx, all, tell); err != nil {
		return findings, err
	}
	for _, e := range all {
		if err := h.one(ctx, e, tell); err != nil {
			return findings, err
		}
	}
	return findings, nil
}

// vet finds out what is wrong with the catalogue before anything is built.
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
	if len(left) > 0 {
		fmt.Fprintf(h.Out, "left out, because they have nothing for these engines: %s\n", strings.Join(left, ", "))
	}
	return nil
}

// takers are the engines that take an entry.
func (h Hunt) takers(e Entry) []Engine {
	return slices.DeleteFunc(slices.Clone(h.Engines), func(g Engine) bool { return !g.Takes(e) })
}

// clean looks for false alarms: the source as it is, in all that the others are
// hunted in.
func (h Hunt) clean(ctx context.Context, all Catalogue, tell func(Finding) error) error {
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	b, err := h.Source.Plant(Entry{ID: Unmodified}, dir)
	if err != nil {
		return err
	}
	for _, g := range h.Engines {
		var taken []Entry
		for _, e := range all {
			if g.Takes(e) {
				taken = append(taken, e)
			}
		}
		if len(taken) == 0 {
			continue
		}
		for _, e := range g.Ground(taken) {
			if err := h.look(ctx, g, b, e, tell); err != nil {
				return err
			}
		}
	}
	return nil
}

// one builds an entry and hunts it on each engine that takes it.
func (h Hunt) one(ctx context.Context, e Entry, tell func(Finding) error) error {
	engines := h.takers(e)
	if len(engines) == 0 {
		return nil
	}
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	b, err := h.Source.Plant(e, dir)
	if err != nil {
		return err
	}
	for _, g := range engines {
		if err := h.look(ctx, g, b, e, tell); err != nil {
			return err
		}
	}
	return nil
}

// look is one hunt on one engine. What was interrupted is no finding.
func (h Hunt) look(ctx context.Context, g Engine, b *Build, e Entry, tell func(Finding) error) error {
	f := g.Hunt(ctx, b, e, h.Budget)
	if ctx.Err() != nil {
		return fmt.Errorf("mutants: interrupted: %w", context.Cause(ctx))
	}
	if len(e.Edits) > 0 {
		f.Fingerprint = e.Fingerprint()
	}
	return tell(f)
}
