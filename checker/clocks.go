package checker

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// skews is the difference between the wall clock of each life and that of the harness,
// by their notes.
func (f *facts) skews() map[record.Life]time.Duration {
	var right time.Duration // the time of the harness' clock when the run began
	shown := map[record.Life]time.Duration{}
	for _, e := range f.events {
		if e.Kind != record.Clock {
			continue
		}
		began := time.Duration(e.Reading().Wall.UnixNano()) - e.At
		if record.RoleOf(e.Process) == record.HarnessRole {
			right = began
		} else {
			shown[e.Alive()] = began
		}
	}
	for who := range shown {
		shown[who] -= right
	}
	return shown
}

// ahead is how far the clock of an epoch's master was ahead, or 0.
func (f *facts) ahead() map[int32]time.Duration {
	skews, ahead := f.skews(), map[int32]time.Duration{}
	for _, term := range f.terms {
		// A correction of the clock by a second is not a fault.
		if skew := skews[term.Invoke.Alive()]; skew > time.Minute {
			ahead[term.Invoke.Token().Epoch] = skew
		}
	}
	return ahead
}
