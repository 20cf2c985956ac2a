package workload

import (
	"reflect"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestResidents_ReturnInTheirOwnTime: the same residents in every life, some of which let
// go late, later than a participant that leaves waits, and later than the harness does.
func TestResidents_ReturnInTheirOwnTime(t *testing.T) {
	atOnce, late, tooLate, never := 0, 0, 0, 0
	for seed := range uint64(100) {
		p := participant{subject.Participant{Name: "client-1", Seed: seed}, settings{Residents: 2}}
		first := p.residentTasks()
		p.Life = 2
		if len(first) != 2 || !reflect.DeepEqual(first, p.residentTasks()) {
			t.Fatalf("seed %d: %v, and in another life %v", seed, first, p.residentTasks())
		}
		for _, w := range first {
			switch stops := time.Duration(w.payload.StopMillis) * time.Millisecond; {
			case stops == 0:
				atOnce++
			case stops < subject.LeavePatience:
				late++
			case stops < 2*subject.LeavePatience:
				tooLate++
			default:
				never++
			}
		}
	}
	if atOnce < 50 || late < 10 || tooLate < 10 || never < 3 {
		t.Errorf("of 200 residents %d let go at once, %d late, %d too late, %d hardly ever", atOnce, late, tooLate, never)
	}
}
