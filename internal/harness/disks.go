package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// The volume that can be filled up is large enough for the load, and no larger than
// what its filling may take of the machine's memory.
const (
	smallest   = 64 << 20
	largest    = 1 << 30
	logPerTask = 8 << 10 // bytes of transaction log that a task takes, with a margin
)

// smallLog is the size of that volume, in bytes, or 0 for none: where nothing fills it
// up, or the load is too much for one.
func (c Config) smallLog() int64 {
	wanted := slices.ContainsFunc(c.plan(), func(f nemesis.Fault) bool { return f.Kind == nemesis.FillDisk })
	size := smallest + int64(c.Rate*c.Time.Seconds()*logPerTask)
	if !wanted || size > largest {
		return 0
	}
	return size
}

// fullDisk is what a server says when it cannot write.
const fullDisk = "No space left on device"

// fillDisk fills up the one small volume there is.
func (r *run) fillDisk(ctx context.Context, _ nemesis.Fault) (deed, error) {
	small := r.ensemble.SmallLog()
	if small == nil {
		return deed{}, fmt.Errorf("no server has a small volume: the transaction log of %v with %v tasks a second may be larger than %d bytes", r.config.Time, r.config.Rate, int64(largest))
	}
	s, d, err := r.claimOne([]*ensemble.Server{small})
	if err != nil {
		return deed{}, err
	}
	before, err := s.Said(ctx, fullDisk)
	if err != nil {
		d.done()
		return deed{}, err
	}
	d.apply = s.FillDisk
	d.heal = func(ctx context.Context) error { return errors.Join(s.FreeDisk(ctx), s.Restart(ctx)) }
	d.probe = func(ctx context.Context) finding {
		left, err := s.SpaceLeft(ctx)
		said, unheard := s.Said(ctx, fullDisk)
		if err := errors.Join(err, unheard); err != nil {
			return found(false, "%v", err)
		}
		said -= before
		return found(left == 0 && said > 0, "%d bytes left, %d writes refused for that", left, said).with("bytes left", left).with("writes refused", said)
	}
	return d, nil
}

// fsyncDelay is how long each fsync takes on a slow disk, beside what it takes anyway.
const fsyncDelay = 300 * time.Millisecond

// slowDisk delays every fsync of a server's transaction log.
func (r *run) slowDisk(ctx context.Context, fault nemesis.Fault) (deed, error) {
	fit, err := r.fitServers(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	s, d, err := r.claimOne(fit)
	if err != nil {
		return deed{}, err
	}
	var before ensemble.Fsyncs
	d.apply = func(ctx context.Context) error {
		// It may just have been started again.
		err := await(ctx, s.Name+" serves", func(ctx context.Context) bool { _, err := s.Status(ctx); return err == nil })
		if err != nil {
			return err
		}
		if err := s.SlowDisk(ctx, fsyncDelay); err != nil {
			return err
		}
		before, err = s.Fsyncs(ctx)
		return err
	}
	d.heal = s.FastDisk
	d.probe = func(ctx context.Context) finding {
		after, err := s.Fsyncs(ctx)
		if err != nil {
			return found(false, "%v", err)
		}
		return slowed(before, after)
	}
	return d, nil
}

// slowed compares what was held from outside with what the server itself has measured.
// It may not have heard yet of the one that was held last.
func slowed(before, after ensemble.Fsyncs) finding {
	held, took := after.Delayed-before.Delayed, after.Total-before.Total
	bites := held > 1 && took >= time.Duration(held-1)*fsyncDelay
	return found(bites, "%d fsyncs were held for %v each, the server measured %v for %d", held, fsyncDelay, took, after.Count-before.Count).
		with("fsyncs held", held).with("server measured", took)
}
