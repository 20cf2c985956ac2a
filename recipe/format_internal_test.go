package recipe

import (
	"encoding/json"
	"testing"
)

func TestFormats_AreCountedFromOne(t *testing.T) {
	for i, f := range formats {
		if f.number != i+1 {
			t.Errorf("format %d is at place %d of the table", f.number, i+1)
		}
	}
}

func TestClaimRecord_KnowsTheFirstFormatWhenItSaysNothing(t *testing.T) {
	for data, want := range map[string]int{
		`{"holder":"w1"}`: 1, `{"holder":"w1","format":2}`: 2, `{"format":-7}`: 1, ``: 1,
	} {
		var record claimRecord
		_ = json.Unmarshal([]byte(data), &record)
		if got := record.knows(); got != want {
			t.Errorf("%q knows format %d, want %d", data, got, want)
		}
	}
}
