package history

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestChanges_LeavesOutWhatChangesNothing: lanes, checks of absence, and the znode above the
// accounts.
func TestChanges_LeavesOutWhatChangesNothing(t *testing.T) {
	op := func(kind, path string) record.Op { return record.Op{Kind: kind, Path: path} }
	for name, c := range map[string]struct {
		ops    []record.Op
		object string
		want   bool
	}{
		"a set":            {[]record.Op{op("set", "/values/lane-1-0"), op("set", Sum)}, Sum, true},
		"of another":       {[]record.Op{op("set", Sum)}, Numbers, false},
		"a lane":           {[]record.Op{op("create", Bank+"/lane-1-0"), op("set", Bank+"/lane-1-0")}, Bank, false},
		"a check":          {[]record.Op{op("check", Bank+"/a")}, Bank, false},
		"absence":          {[]record.Op{op("create", Bank+"/a"), op("delete", Bank+"/a")}, Bank, false},
		"the space":        {[]record.Op{op("create", Bank)}, Bank, false},
		"an account":       {[]record.Op{op("create", Bank+"/a"), op("delete", Bank+"/b")}, Bank, true},
		"a barrier lifted": {[]record.Op{op("delete", Gate)}, Gate, true},
	} {
		if got := Changes(c.ops, c.object); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
