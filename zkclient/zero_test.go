package zkclient

import (
	"strings"
	"testing"
)

// TestDriver_ZeroSaysWhatToUse instead of a panic.
func TestDriver_ZeroSaysWhatToUse(t *testing.T) {
	var d Driver
	if _, err := d.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "New") {
		t.Errorf("Open: %v", err)
	}
	if _, err := d.Timing(t.Context()); err == nil {
		t.Error("Timing of no server has an answer")
	}
	if _, err := d.Wait(t.Context(), nil); err == nil {
		t.Error("a wait for nil is over")
	}
	if d.Elapsed() < 0 {
		t.Error("time runs backwards")
	}
}
