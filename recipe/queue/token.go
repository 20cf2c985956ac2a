package queue

import (
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// round is what versions are lifted to a multiple of, when the tree has gone back. So the takes of an item
	// are its version without the rounds, and a lifted item has been taken 0 times.
	round = 1024
	// liftedAtOnce is how many steps one multi lifts the version.
	liftedAtOnce = 200
)

// takesOf is how often an item of that version was taken.
func takesOf(version int32) int { return int(version) % round }

// aboveAllTokens reports whether the version of an item is at least as great as every token that this
// process has seen of it. If the tree has gone back, it raises the version first, and the item is to be
// read again.
func (s *search) aboveAllTokens(c *candidate) (bool, error) {
	known, lost := s.q.tokens.Known(c.name)
	switch {
	case !lost && c.version < known: // the lists were read after a sync, so no server lags
		s.q.tokens.Lose(c.name)
		s.q.obs.Logger.ErrorContext(s.wanted, "the ensemble was wiped, replaced or restored, or the queue was made again",
			"item", c.name, "version", c.version, "greatest token seen", known)
	case !lost:
		return true, nil
	}
	if !fence.CanRise(known, 2*round) {
		s.q.skip(c.name, "its versions are used up: delete it, and put its payload again")
		return false, nil
	}
	floor := (known/round + 2) * round // by a round at least, because other takes may have been missed
	if c.version >= floor {
		return true, nil
	}
	ops := s.unheld(c.name)
	step := zkapi.Set(s.q.entries+"/"+c.name, c.data, c.version)
	steps := int32(min(max((s.lanes.Session.MaxRequest()-besides)/step.Size(), 1), liftedAtOnce))
	for step.Version = c.version; step.Version < min(floor, c.version+steps); step.Version++ {
		ops = append(ops, step)
	}
	_, err := s.unlessChanged(ops)
	return false, s.unlessRefused(c.name, err)
}
