package ddmin

import (
	"context"
	"slices"
)

// List finds a small part of items that still fails, in their order. The whole list is
// taken to fail. It takes out ever smaller pieces as long as the rest fails.
//
// Minimal means that taking out any single one of those that are kept would end the
// failure, where fails answers the same each time. It is false when ctx ended first:
// then kept is the smallest part so far. Every part that is returned has failed, or is
// the whole.
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
