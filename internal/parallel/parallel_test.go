package parallel

import (
	"fmt"
	"slices"
	"testing"
)

// TestEach: everything is done once, and a panic is the caller's.
func TestEach(t *testing.T) {
	done := make([]int, 1000)
	Each(slices.Values(done), func(n, _ int) { done[n]++ })
	if slices.ContainsFunc(done, func(times int) bool { return times != 1 }) {
		t.Errorf("done %v times", done)
	}
	defer func() {
		if cause := recover(); fmt.Sprint(cause) != "at 7" {
			t.Errorf("recovered %v", cause)
		}
	}()
	Each(slices.Values(done), func(n, _ int) {
		if n == 7 {
			panic("at 7")
		}
	})
	t.Error("nobody has panicked")
}
