package ddmin

import (
	"context"
	"slices"
)

// List finds a small part of items that still fails, in their order. It assumes that
// the whole list fails. It removes ever smaller pieces as long as the rest fails.
//
// Minimal means that removing any single kept item would end the failure, if fails
// answers the same each time. It is false if ctx ended first; then kept is the smallest
// part so far. The returned part has failed, or is the whole list.
func List[T any](ctx context.Context, items []T, fails func([]T) bool) (kept []T, minimal bool) {
	kept = slices.Clone(items)
	size := (len(kept) + 1) / 2
	for {
		taken := false
		for from := 0; from < len(kept); {
			if ctx.Err() != nil {
				return kept, false
			}
			to := min(from+size, len(kept))
			rest := slices.Concat(kept[:from], kept[to:])
			if fails(rest) {
				kept, taken = rest, true
			} else {
				from = to
			}
		}
		if size <= 1 && !taken {
			return kept, ctx.Err() == nil
		}
		size = max(1, min(size, len(kept))/2)
	}
}
