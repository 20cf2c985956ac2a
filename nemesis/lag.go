package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lag delays the leader's messages to a follower, for less time than would make it stop
// serving.
func (j *Injector) lag(ctx context.Context, fault Fault) (Injection, error) {
	follower, _, err := j.apart(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	leader, leads := j.Ensemble().Leader(ctx)
	if !leads {
		return Injection{}, errNoLeader
	}
	var ahead, behind Reader // each sees one server only
	var reading *background
	var seen stale
	return Injection{
		Target: follower.Name(),
		Apply: func(ctx context.Context) error {
			var err error
			if ahead, err = j.readerAt(ctx, leader); err != nil {
				return err
			}
			if behind, err = j.readerAt(ctx, follower); err != nil {
				return err
			}
			if err := follower.Deafen(ctx, leader); err != nil {
				return err
			}
			reading = begin(func() error {
				var err error
				seen, err = j.readStale(ctx, ahead, behind, min(fault.Duration, j.Settings().Patience))
				return errors.Join(err, follower.Reconnect(ctx))
			})
			return nil
		},
		Heal: func(ctx context.Context) error {
			for _, o := range []Reader{ahead, behind} {
				if o != nil {
					o.Close(ctx)
				}
			}
			return follower.Reconnect(ctx)
		},
		Probe: func(context.Context) Finding {
			if err := reading.end(); err != nil {
				return Found(false, "%v", err)
			}
			return seen.finding()
		},
	}, nil
}

// readerAt has a session at one server. It is opened while that one can do so.
func (j *Injector) readerAt(ctx context.Context, s Server) (Reader, error) {
	r, err := j.Ensemble().ReaderAt(ctx, s)
	if err == nil {
		_, err = r.Do(ctx, zkapi.Exists(j.changing()))
	}
	return r, err
}

// changing is a znode whose children come and go all the time.
func (j *Injector) changing() string {
	s := j.Settings()
	return s.Namespace + s.Recipe.Changing
}

// stale compares the last change below a znode: by the leader, and by a follower some
// time later.
type stale struct {
	path             string
	leader, follower int64 // zxids
	later            time.Duration
}

// readLimit bounds the time of a read. A server that serves answers at once; a server
// that does not will soon hear from the leader again.
const readLimit = time.Second

// readStale asks the leader first, and the follower at the end of that time. A follower
// without a fault is behind by milliseconds, and has caught up by then.
func (j *Injector) readStale(ctx context.Context, ahead, behind Reader, within time.Duration) (seen stale, err error) {
	ask := func(r Reader) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		result, err := r.Do(ctx, zkapi.Exists(j.changing()))
		return result.Stat.Pzxid, err
	}
	seen.path, seen.later = j.changing(), within/2
	wait(ctx, within-seen.later)
	if seen.leader, err = ask(ahead); err != nil {
		return seen, err
	}
	wait(ctx, seen.later)
	seen.follower, err = ask(behind)
	return seen, err
}

func (s stale) finding() Finding {
	return Found(s.follower < s.leader, "the follower answered that the children of %s changed last with 0x%x; %v earlier the leader had 0x%x", s.path, s.follower, s.later, s.leader).
		With("follower's zxid", fmt.Sprintf("0x%x", s.follower)).With("leader's zxid", fmt.Sprintf("0x%x", s.leader)).With("behind for", s.later)
}
