package nemesis

import (
	"context"
	"errors"
	"time"
)

// fullDisk is a server's error message when its disk is full.
const fullDisk = "No space left on device"

// fillDisk fills up the only small volume.
func (j *Injector) fillDisk(ctx context.Context, _ Fault) (Injection, error) {
	small, err := j.Ensemble().SmallLog()
	if err != nil {
		return Injection{}, err
	}
	s, d, err := j.takeOne([]Server{small})
	if err != nil {
		return Injection{}, err
	}
	before, err := s.Said(ctx, fullDisk)
	if err != nil {
		d.Done()
		return Injection{}, err
	}
	d.Apply = s.FillDisk
	d.Heal = func(ctx context.Context) error { return errors.Join(s.FreeDisk(ctx), s.Restart(ctx)) }
	d.Probe = func(ctx context.Context) Finding {
		left, err := s.SpaceLeft(ctx)
		said, unheard := s.Said(ctx, fullDisk)
		if err := errors.Join(err, unheard); err != nil {
			return Found(false, "%v", err)
		}
		said -= before
		return Found(left == 0 && said > 0, "%d bytes left, %d writes refused for that", left, said).With("bytes left", left).With("writes refused", said)
	}
	return d, nil
}

// fsyncDelay is the extra time of each fsync on a slow disk.
const fsyncDelay = 300 * time.Millisecond

// slowDisk delays every fsync of a server's transaction log.
func (j *Injector) slowDisk(ctx context.Context, fault Fault) (Injection, error) {
	fit, err := j.fitServers(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	s, d, err := j.takeOne(fit)
	if err != nil {
		return Injection{}, err
	}
	var before Fsyncs
	d.Apply = func(ctx context.Context) error {
		// The server may just have been restarted.
		err := await(ctx, s.Name()+" serves", func(ctx context.Context) bool { _, err := s.Mode(ctx); return err == nil })
		if err != nil {
			return err
		}
		if err := s.SlowDisk(ctx, fsyncDelay); err != nil {
			return err
		}
		before, err = s.Fsyncs(ctx)
		return err
	}
	d.Heal = s.FastDisk
	d.Probe = func(ctx context.Context) Finding {
		after, err := s.Fsyncs(ctx)
		if err != nil {
			return Found(false, "%v", err)
		}
		return slowed(before, after)
	}
	return d, nil
}

// slowed compares the fsyncs held from outside with the server's own measurements. The
// server may not have counted the last one yet.
func slowed(before, after Fsyncs) Finding {
	held, took := after.Delayed-before.Delayed, after.Total-before.Total
	bites := held > 1 && took >= time.Duration(held-1)*fsyncDelay
	return Found(bites, "%d fsyncs were held for %v each, the server measured %v for %d", held, fsyncDelay, took, after.Count-before.Count).
		With("fsyncs held", held).With("server measured", took)
}
