package harness

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// wrongClock starts a participant again with a wall clock that is wrong by hours, up
// to a day, ahead or behind.
func (r *run) wrongClock(p *process, fault nemesis.Fault) deed {
	skew := time.Duration(1+fault.Pick%24) * time.Hour
	if fault.Pick%2 == 1 {
		skew = -skew
	}
	again := func(skew time.Duration) error {
		p.quit(leavePatience)
		p.setClock(skew)
		return p.start()
	}
	return deed{
		apply: func(context.Context) error { return again(skew) },
		probe: func(context.Context) finding {
			off, err := r.clockOf(p)
			if err != nil {
				return found(false, "%v", err)
			}
			return found(near(off, skew), "its clock is off by %v", off.Round(time.Second)).with("clock is off by", off.Round(time.Second))
		},
		heal: func(context.Context) error { return again(0) },
	}
}

// near allows for the time between two readings.
func near(a, b time.Duration) bool { return (a - b).Abs() < time.Minute }

// clockOf is how far a participant's wall clock was off when its present life began,
// by its own journal.
func (r *run) clockOf(p *process) (time.Duration, error) {
	path := filepath.Join(r.dir, record.JournalsFolder, record.JournalName(p.name, p.number()))
	events, err := record.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		if e.Kind == record.Clock {
			right := time.Now().Add(e.At - r.now())
			return e.Wall.Sub(right), nil
		}
	}
	return 0, errors.New("it has not said what its clock shows")
}
