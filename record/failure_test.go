package record

import (
	"path/filepath"
	"testing"
	"time"
)

// TestJournal_TellsOnceThatItCannotBeWritten: what comes after the first event that is lost
// is dropped, so that the journal has no hole.
func TestJournal_TellsOnceThatItCannotBeWritten(t *testing.T) {
	journal, err := Create(filepath.Join(t.TempDir(), "a.ndjson"), "a", 1, func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	journal.OnFailure(func(err error) {
		told++
		journal.Add(Event{Type: Note, Kind: Process, Of: ProcessChange{Detail: err.Error()}}) // it may use the journal
	})
	if err := journal.Close(); err != nil { // as a full disk does, it refuses all that comes
		t.Fatal(err)
	}
	for range 3 {
		journal.Add(Event{Type: Note, Kind: Process, Of: ProcessChange{}})
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestWire_TellsOnceThatItCannotBeWritten is the same for exchanges.
func TestWire_TellsOnceThatItCannotBeWritten(t *testing.T) {
	wire, err := CreateWire(filepath.Join(t.TempDir(), "wire.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	wire.OnFailure(func(error) { told++; wire.Add(Exchange{}) })
	if err := wire.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wire.Add(Exchange{})
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
