package recipe

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
)

// TestWrites_Complete is the same for how actions are written.
func TestWrites_Complete(t *testing.T) {
	if err := checkWrites(writeTable[:]); err != nil {
		t.Error(err)
	}
	for a := range writeTable {
		for what, spoil := range map[string]func(*writeRow){
			"no row": func(row *writeRow) { *row = writeRow{} }, "no operations": func(row *writeRow) { row.ops = nil },
			"no subject":                   func(row *writeRow) { row.subject = "" },
			"a notice of what is not read": func(row *writeRow) { row.notifies, row.reads = true, false },
		} {
			table := slices.Clone(writeTable[:])
			spoil(&table[a])
			if checkWrites(table) == nil {
				t.Errorf("%v with %s is accepted", decide.Action(a), what)
			}
		}
	}
}
