package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Several are several locks that are held together.
type Several struct{ held []*Held }

// LockAll takes all of the locks, or none. It takes them in the order of their paths, so that two
// callers of LockAll never wait for each other for ever. The options are for each of them.
//
// If ctx ends, or one of the locks cannot be taken, those that were taken are released, as after
// Lock, and LockAll returns the reason.
func (l *Locks) LockAll(ctx context.Context, paths []string, options ...Option) (*Several, error) {
	if l == nil || l.env == nil {
		return nil, errZero
	}
	sorted := slices.Sorted(slices.Values(paths))
	if len(sorted) == 0 || len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		return nil, invalid("LockAll of %v: give one path or more, each of them once", paths)
	}
	var wishes []wish
	for _, path := range sorted {
		w, err := newWish(path, options)
		if err == nil && (w.form == permit || w.simple) {
			err = invalid("LockAll with Permits or Simple: take these one by one")
		}
		if err != nil {
			return nil, err
		}
		wishes = append(wishes, w)
	}
	s, under := &Several{}, l.shared.Life()
	for _, w := range wishes {
		held, err := l.contend(ctx, under, w, true)
		if err != nil {
			for _, one := range s.held {
				one.c.letGo.Raise()
			}
			return nil, fmt.Errorf("%s: %w", w.path, err)
		}
		s.held = append(s.held, held)
		under = held.Context() // the end of one is the end of all
	}
	return s, nil
}

// Context ends when one of the locks ends, with its cause.
func (s *Several) Context() context.Context { return s.last().Context() }

// Held are the locks, in the order of their paths.
func (s *Several) Held() []*Held { return slices.Clone(s.held) }

func (s *Several) last() *Held { return s.held[len(s.held)-1] }

// Write is that of Held, for all of the locks: it is applied only while all of them are held.
func (s *Several) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	var checks []zkapi.Op
	var own []string
	for _, h := range s.held {
		own = append(own, h.Path())
	}
	if err := input.CheckOps(role, "Several.Write", ops, own...); err != nil {
		return zkapi.Result{}, err
	}
	for _, h := range s.held[:len(s.held)-1] {
		checks = append(checks, zkapi.Check(h.Znode(), zkapi.AnyVersion))
	}
	result, err := s.last().send(ctx, append(checks, ops...))
	if err == nil {
		result.Results = result.Results[len(checks):]
	}
	return result, withoutChecks(err, len(checks))
}

// withoutChecks takes the checks of the other locks out of an error's count. If one of them has
// failed, the error is ErrFenced.
func withoutChecks(err error, n int) error {
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Fate != zkapi.NotApplied || e.Index < 0 || n == 0 {
		return err
	}
	changed := *e
	if changed.Index -= n; changed.Index < 0 {
		changed.Index, changed.Err = -1, fmt.Errorf("%w: %w", term.ErrFenced, e.Err)
	}
	return &changed
}

// Release releases all of the locks, the last one first, and waits until that is confirmed, as
// Held.Release does. The error has that of each lock that is not confirmed.
func (s *Several) Release(ctx context.Context) error {
	for _, h := range slices.Backward(s.held) {
		h.c.letGo.Raise()
	}
	var errs []error
	for _, h := range slices.Backward(s.held) {
		if err := h.Release(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", h.Path(), err))
		}
	}
	return errors.Join(errs...)
}
