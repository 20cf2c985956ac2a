package queue

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
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
	seen := &s.q.tokens
	floor, behind := seen.Floor(c.name, c.version)
	if behind { // the lists were read after a sync, so no server lags
		seen.Lose(c.name)
		s.q.obs.Logger.ErrorContext(s.wanted, "the ensemble was wiped, replaced or restored, or the queue was made again",
			"item", c.name, "version", c.version, "greatest token seen", floor)
		floor, _ = seen.Floor(c.name, c.version)
	}
	if c.version >= floor {
		return true, nil
	}
	if !fence.CanRise(floor, 2*round) {
		return false, fmt.Errorf("queue: the versions of %s/%s are used up: delete it, and put its payload again", s.q.entries, c.name)
	}
	floor = (max(floor-tokens.LiftedBeyond, 0)/round + 2) * round
	ops := s.unheld(c.name)
	for version := c.version; version < min(floor, c.version+liftedAtOnce); version++ {
		ops = append(ops, zkapi.Set(s.q.entries+"/"+c.name, c.data, version))
	}
	_, err := s.unlessChanged(ops)
	return false, err
}
