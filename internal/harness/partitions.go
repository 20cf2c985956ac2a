package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// isolate cuts a server from all others.
func (r *run) isolate(ctx context.Context, fault nemesis.Fault) (deed, error) {
	s, rest, err := r.apart(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	return split([]*ensemble.Server{s}, rest), nil
}

// splitServers cuts a minority from the majority.
func (r *run) splitServers(ctx context.Context, fault nemesis.Fault) (deed, error) {
	servers, err := r.fitServers(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	minority := (len(servers) - 1) / 2
	return split(servers[:minority], servers[minority:]), nil
}

// apart is the server that a fault is for, and all others, those first that are to be
// tried first.
func (r *run) apart(ctx context.Context, fault nemesis.Fault) (*ensemble.Server, []*ensemble.Server, error) {
	fit, err := r.fitServers(ctx, fault)
	if err != nil {
		return nil, nil, err
	}
	first := fault.Pick % len(r.ensemble.Servers)
	rest := slices.Concat(r.ensemble.Servers[first:], r.ensemble.Servers[:first])
	return fit[0], slices.DeleteFunc(rest, func(s *ensemble.Server) bool { return s == fit[0] }), nil
}

// split cuts the servers of one side from those of the other, which has the majority.
func split(minority, majority []*ensemble.Server) deed {
	d := cutBetween(minority, majority)
	d.probe = func(ctx context.Context) finding {
		packets, err := dropped(ctx, minority)
		if err != nil {
			return found(false, "%v", err)
		}
		serving := 0
		for _, s := range minority {
			if _, refused := s.Status(ctx); refused == nil {
				serving++
			}
		}
		return found(packets > 0 && serving == 0, "%d packets dropped, %d of %d cut servers still serve", packets, serving, len(minority)).
			with("packets dropped", packets).with("still serve", serving)
	}
	return d
}

// cutBetween cuts the servers of one side from those of the other, by rules on the
// first side alone.
func cutBetween(side, other []*ensemble.Server) deed {
	return deed{
		target: serverNames(side),
		apply: func(ctx context.Context) error {
			return each(side, func(s *ensemble.Server) error { return s.Cut(ctx, other...) })
		},
		heal: func(ctx context.Context) error {
			return each(side, func(s *ensemble.Server) error { return s.Reconnect(ctx) })
		},
	}
}

// dropped is how many packets the rules of some servers have dropped.
func dropped(ctx context.Context, servers []*ensemble.Server) (packets int, err error) {
	err = each(servers, func(s *ensemble.Server) error {
		seen, err := s.Packets(ctx)
		packets += seen.Dropped()
		return err
	})
	return packets, err
}

// each does something to one server after the other, whatever fails.
func each(servers []*ensemble.Server, action func(*ensemble.Server) error) error {
	var errs []error
	for _, s := range servers {
		errs = append(errs, action(s))
	}
	return errors.Join(errs...)
}

func serverNames(servers []*ensemble.Server) string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Name
	}
	return strings.Join(all, ",")
}

// bridge cuts the leader's half of the servers from the other half. One server is of
// neither.
func (r *run) bridge(ctx context.Context, fault nemesis.Fault) (deed, error) {
	leader, rest, err := r.apart(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	half := (len(rest) - 1) / 2
	ours, bridge, theirs := append(rest[:half:half], leader), rest[half], rest[half+1:]
	d := cutBetween(ours, theirs)
	d.target = fmt.Sprintf("%s from %s, with %s between them", serverNames(ours), serverNames(theirs), bridge.Name)
	d.probe = func(ctx context.Context) finding {
		packets, err := dropped(ctx, ours)
		reached := 0
		err = errors.Join(err, each(slices.Concat(ours, theirs), func(s *ensemble.Server) error {
			ok, err := bridge.Reaches(ctx, s)
			if ok {
				reached++
			}
			return err
		}))
		if err != nil {
			return found(false, "%v", err)
		}
		all := len(ours) + len(theirs)
		return found(packets > 0 && reached == all, "%d packets dropped between the halves, %s reaches %d of %d servers", packets, bridge.Name, reached, all).
			with("packets dropped", packets).with("bridge reaches", reached)
	}
	return d, nil
}

// deafenServer keeps from a server what the others send to it.
func (r *run) deafenServer(ctx context.Context, fault nemesis.Fault) (deed, error) {
	s, rest, err := r.apart(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	return deed{
		target: s.Name,
		apply:  func(ctx context.Context) error { return s.Deafen(ctx, rest...) },
		heal:   s.Reconnect,
		probe: func(ctx context.Context) finding {
			seen, err := s.Packets(ctx)
			if err != nil {
				return found(false, "%v", err)
			}
			return found(seen.DroppedIn > 0 && seen.DroppedOut == 0 && seen.PassedOut > 0,
				"%d packets to it dropped, %d from it dropped, %d from it passed", seen.DroppedIn, seen.DroppedOut, seen.PassedOut).
				with("dropped to it", seen.DroppedIn).with("dropped from it", seen.DroppedOut).with("passed from it", seen.PassedOut)
		},
	}, nil
}

// changeLeader cuts the leader from all others until one of them leads, and no longer.
func (r *run) changeLeader(ctx context.Context, fault nemesis.Fault) (deed, error) {
	old, rest, err := r.apart(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	var next *ensemble.Server
	leads := func(ctx context.Context, s *ensemble.Server) bool {
		status, err := s.Status(ctx)
		return err == nil && status.Mode == ensemble.Leading
	}
	another := func(ctx context.Context) bool {
		if i := slices.IndexFunc(rest, func(s *ensemble.Server) bool { return leads(ctx, s) }); i >= 0 {
			next = rest[i]
		}
		return next != nil
	}
	var change *errand
	return deed{
		target: old.Name,
		apply: func(ctx context.Context) error {
			if err := old.Cut(ctx, rest...); err != nil {
				return err
			}
			change = begin(func() error {
				return errors.Join(await(ctx, "another server leads", another), old.Reconnect(ctx))
			})
			return nil
		},
		heal: old.Reconnect,
		probe: func(ctx context.Context) finding {
			if err := change.end(); err != nil {
				return found(false, "%v", err)
			}
			// One that has been cut off believes to lead for a while, beside the other.
			mode := ""
			err := await(ctx, old.Name+" has found its place again", func(ctx context.Context) bool {
				status, err := old.Status(ctx)
				mode = status.Mode
				return err == nil && (mode == ensemble.Following || !leads(ctx, next))
			})
			if err != nil {
				return found(false, "%v", err)
			}
			return found(mode == ensemble.Following, "%s led before, %s after; %s is a %s again", old.Name, next.Name, old.Name, mode).
				with("led before", old.Name).with("led after", next.Name).with("old leader is", mode)
		},
	}, nil
}

// await looks again and again until a condition holds.
func await(ctx context.Context, what string, condition func(context.Context) bool) error {
	for !condition(ctx) {
		if !wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s: never seen: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
