package ddmin

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestList_IsMinimal plants any set of culprits that are needed together.
func TestList_IsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfNDistinct(rapid.IntRange(0, 500), 0, 80, rapid.ID).Draw(t, "items")
		culprits := map[int]bool{}
		for _, i := range items {
			if rapid.IntRange(0, 9).Draw(t, "culprit") == 0 {
				culprits[i] = true
			}
		}
		var want []int
		for _, i := range items {
			if culprits[i] {
				want = append(want, i)
			}
		}
		kept, minimal := List(t.Context(), items, func(part []int) bool { return holdsAll(part, want) })
		if !minimal || !slices.Equal(kept, want) {
			t.Fatalf("kept %v (minimal %v), want %v", kept, minimal, want)
		}
	})
}

func holdsAll(part, want []int) bool {
	return !slices.ContainsFunc(want, func(w int) bool { return !slices.Contains(part, w) })
}

// TestList_OfAnyPredicate has failures without any order. The list that is kept fails,
// and no element of it can be removed.
func TestList_OfAnyPredicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(t, "items")
		modulus := rapid.IntRange(2, 7).Draw(t, "modulus")
		sum := func(part []int) (s int) {
			for _, p := range part {
				s += p
			}
			return s
		}
		rest := sum(items) % modulus
		fails := func(part []int) bool { return sum(part)%modulus == rest && len(part) > 0 }
		kept, minimal := List(t.Context(), items, fails)
		if !minimal || !fails(kept) {
			t.Fatalf("kept %v (minimal %v)", kept, minimal)
		}
		for i := range kept {
			if fails(slices.Concat(kept[:i], kept[i+1:])) {
				t.Fatalf("of %v number %d could go, too", kept, i)
			}
		}
	})
}

func TestList_KeepsTheBestWhenTimeIsUp(t *testing.T) {
	items := make([]int, 64)
	for i := range items {
		items[i] = i
	}
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	kept, minimal := List(ctx, items, func(part []int) bool {
		if tries++; tries == 3 {
			cancel()
		}
		return slices.Contains(part, 63)
	})
	if minimal || len(kept) >= len(items) || !slices.Contains(kept, 63) {
		t.Errorf("kept %d of %d items, minimal %v", len(kept), len(items), minimal)
	}
	if tries != 3 {
		t.Errorf("tried %d times, though the time was up after 3", tries)
	}
}
