package mutants

import (
	"strings"
	"testing"
)

// TestFinding_AstrayWhenOnlyOthersFail has violations only of properties that the entry
// does not break. They may be false alarms, and prove nothing about the entry.
func TestFinding_AstrayWhenOnlyOthersFail(t *testing.T) {
	e := Entry{ID: "e", Breaks: []string{"A", "B"}, Survives: map[string]string{MemoryEngine: "so"}}
	for _, c := range []struct {
		violated []string
		want     Outcome
	}{{[]string{"C", "B"}, Caught}, {[]string{"C"}, Astray}, {nil, Explained}} {
		f := Finding{Engine: MemoryEngine, Properties: c.violated}
		if f.settle(e); f.Outcome != c.want || f.Bad() != (c.want == Astray) || (f.Problem == unexpected) != (c.want != Explained) {
			t.Errorf("%v: %s, %q", c.violated, f.Outcome, f.Problem)
		}
	}
	f := Finding{ID: "e", Engine: MemoryEngine, Properties: []string{"A"}}
	f.settle(e)
	m := Matrix{all: Catalogue{e}, Findings: []Finding{f}}
	if text := m.Page(); !strings.Contains(text, "; "+unexpected) {
		t.Errorf("the page does not say that the catalogue is wrong:\n%s", text)
	}
	e.Survives = nil
	if f.settle(e); f.Problem != "" {
		t.Errorf("after the catalogue is corrected: %q", f.Problem)
	}
}
