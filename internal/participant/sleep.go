package participant

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/record"
)

// sleep is a file in which the harness writes how long this participant's machine has
// slept so far. The participant is stopped meanwhile, so it reads no clock in between.
type sleep struct{ file *os.File }

// sleepBytes is the size of the file's contents.
const sleepBytes = 8

// WriteSleep writes the total sleep of the participant's machine into a file. The
// participant must be stopped, or not started yet.
func WriteSleep(path string, slept time.Duration) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	defer file.Close()
	if _, err := file.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(slept)), 0); err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	return nil
}

// openSleep opens that file.
func openSleep(path string) (*sleep, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("participant: %w", err)
	}
	return &sleep{file}, nil
}

// slept is the total sleep of the machine so far.
func (s *sleep) slept() time.Duration {
	var b [sleepBytes]byte
	if _, err := s.file.ReadAt(b[:], 0); err != nil {
		panic(fmt.Sprintf("participant: the harness sent an unknown message about sleep: %v", err)) // a clock cannot fail
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]))
}

// notePause is the time between two checks for a sleep of the machine.
const notePause = 20 * time.Millisecond

// NoteSleeps gives this process the clocks of a machine that sleeps as Config.Sleep
// says. It records what the clocks show of each sleep, until stop is called. leases is
// the clock that leases are measured by.
func NoteSleeps(ctx context.Context, config Config, journal *record.Journal, leases func() time.Duration) (stop func(), err error) {
	_, stop, err = sleeps(ctx, config, journal, leases)
	return stop, err
}

// sleeps is NoteSleeps; it returns nil if the machine never sleeps.
func sleeps(ctx context.Context, config Config, journal *record.Journal, leases func() time.Duration) (*sleep, func(), error) {
	if config.Sleep == "" {
		return nil, func() {}, nil
	}
	s, err := openSleep(config.Sleep)
	if err != nil {
		return nil, nil, err
	}
	clock.Sleeps(s.slept)
	return s, s.noting(ctx, journal, leases), nil
}

// noting begins to note, and returns a function that ends it.
func (s *sleep) noting(ctx context.Context, journal *record.Journal, lease func() time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	first := s.show(lease) // at once, because a sleep may come soon
	go func() { defer close(over); s.note(ctx, journal, lease, first) }()
	return func() { cancel(); <-over }
}

// shown is the total sleep of the machine, and the readings of the clocks then.
type shown struct{ slept, leases, monotonic time.Duration }

func (s *sleep) show(lease func() time.Duration) shown {
	return shown{s.slept(), lease(), clock.Read(clock.Monotonic)}
}

// note records what the clocks show of each sleep after the first reading: the clock
// for leases goes on, and the monotonic clock stands still.
func (s *sleep) note(ctx context.Context, journal *record.Journal, lease func() time.Duration, last shown) {
	look := time.NewTicker(notePause)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := s.show(lease)
		if now.slept != last.slept {
			journal.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: time.Now().UTC().Round(0), Sleep: &record.Sleep{
				Leases: (now.leases - last.leases).Round(time.Millisecond), Monotonic: (now.monotonic - last.monotonic).Round(time.Millisecond),
			}}})
		}
		last = now
	}
}
