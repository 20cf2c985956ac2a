package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// isolate cuts a server from all others.
func (j *Injector) isolate(ctx context.Context, fault Fault) (Injection, error) {
	s, rest, err := j.apart(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	return split([]Server{s}, rest), nil
}

// splitServers cuts a minority from the majority.
func (j *Injector) splitServers(ctx context.Context, fault Fault) (Injection, error) {
	servers, err := j.fitServers(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	minority := (len(servers) - 1) / 2
	return split(servers[:minority], servers[minority:]), nil
}

// apart is the server that a fault aims at, and all others in the order of preference.
func (j *Injector) apart(ctx context.Context, fault Fault) (Server, []Server, error) {
	fit, err := j.fitServers(ctx, fault)
	if err != nil {
		return nil, nil, err
	}
	return fit[0], others(rotated(j.Ensemble().Servers(), fault.Pick), fit[0]), nil
}

// split cuts the servers of the minority from the servers of the majority.
func split(minority, majority []Server) Injection {
	d := cutBetween(minority, majority)
	d.Probe = func(ctx context.Context) Finding {
		packets, err := dropped(ctx, minority)
		if err != nil {
			return Found(false, "%v", err)
		}
		serving := 0
		for _, s := range minority {
			if _, refused := s.Mode(ctx); refused == nil {
				serving++
			}
		}
		return Found(packets > 0 && serving == 0, "%d packets dropped, %d of %d cut servers still serve", packets, serving, len(minority)).
			With("packets dropped", packets).With("still serve", serving)
	}
	return d
}

// cutBetween cuts the servers of one side from the servers of the other, by rules on
// the first side alone.
func cutBetween(side, other []Server) Injection {
	return Injection{
		Target: serverNames(side),
		Apply: func(ctx context.Context) error {
			return each(side, func(s Server) error { return s.Cut(ctx, other...) })
		},
		Heal: func(ctx context.Context) error {
			return each(side, func(s Server) error { return s.Reconnect(ctx) })
		},
	}
}

// dropped is how many packets the rules of some servers have dropped.
func dropped(ctx context.Context, servers []Server) (packets int, err error) {
	err = each(servers, func(s Server) error {
		seen, err := s.Packets(ctx)
		packets += seen.DroppedIn + seen.DroppedOut
		return err
	})
	return packets, err
}

// each runs an action on one server after the other, even if some fail.
func each(servers []Server, action func(Server) error) error {
	var errs []error
	for _, s := range servers {
		errs = append(errs, action(s))
	}
	return errors.Join(errs...)
}

func serverNames(servers []Server) string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Name()
	}
	return strings.Join(all, ",")
}

// bridge cuts the leader's half of the servers from the other half. One server stays
// connected to both.
func (j *Injector) bridge(ctx context.Context, fault Fault) (Injection, error) {
	leader, rest, err := j.apart(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	half := (len(rest) - 1) / 2
	ours, bridge, theirs := append(rest[:half:half], leader), rest[half], rest[half+1:]
	d := cutBetween(ours, theirs)
	d.Target = fmt.Sprintf("%s from %s, with %s between them", serverNames(ours), serverNames(theirs), bridge.Name())
	d.Probe = func(ctx context.Context) Finding {
		packets, err := dropped(ctx, ours)
		reached := 0
		err = errors.Join(err, each(slices.Concat(ours, theirs), func(s Server) error {
			ok, err := bridge.Reaches(ctx, s)
			if ok {
				reached++
			}
			return err
		}))
		if err != nil {
			return Found(false, "%v", err)
		}
		all := len(ours) + len(theirs)
		return Found(packets > 0 && reached == all, "%d packets dropped between the halves, %s reaches %d of %d servers", packets, bridge.Name(), reached, all).
			With("packets dropped", packets).With("bridge reaches", reached)
	}
	return d, nil
}

// deafenServer drops the other servers' messages to a server.
func (j *Injector) deafenServer(ctx context.Context, fault Fault) (Injection, error) {
	s, rest, err := j.apart(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	return Injection{
		Target: s.Name(),
		Apply:  func(ctx context.Context) error { return s.Deafen(ctx, rest...) },
		Heal:   s.Reconnect,
		Probe: func(ctx context.Context) Finding {
			seen, err := s.Packets(ctx)
			if err != nil {
				return Found(false, "%v", err)
			}
			return Found(seen.DroppedIn > 0 && seen.DroppedOut == 0 && seen.PassedOut > 0,
				"%d packets to it dropped, %d from it dropped, %d from it passed", seen.DroppedIn, seen.DroppedOut, seen.PassedOut).
				With("dropped to it", seen.DroppedIn).With("dropped from it", seen.DroppedOut).With("passed from it", seen.PassedOut)
		},
	}, nil
}

// changeLeader cuts the leader from all others until another server leads.
func (j *Injector) changeLeader(ctx context.Context, fault Fault) (Injection, error) {
	old, rest, err := j.apart(ctx, fault)
	if err != nil {
		return Injection{}, err
	}
	var next Server
	leads := func(ctx context.Context, s Server) bool {
		mode, err := s.Mode(ctx)
		return err == nil && mode == Leading
	}
	another := func(ctx context.Context) bool {
		if i := slices.IndexFunc(rest, func(s Server) bool { return leads(ctx, s) }); i >= 0 {
			next = rest[i]
		}
		return next != nil
	}
	var change *background
	return Injection{
		Target: old.Name(),
		Apply: func(ctx context.Context) error {
			if err := old.Cut(ctx, rest...); err != nil {
				return err
			}
			change = begin(func() error {
				return errors.Join(await(ctx, "another server leads", another), old.Reconnect(ctx))
			})
			return nil
		},
		Heal: old.Reconnect,
		Probe: func(ctx context.Context) Finding {
			if err := change.end(); err != nil {
				return Found(false, "%v", err)
			}
			// A leader that has been cut off believes to lead for a while, beside the new one.
			mode := ""
			err := await(ctx, old.Name()+" has found its place again", func(ctx context.Context) bool {
				var err error
				mode, err = old.Mode(ctx)
				return err == nil && (mode == Following || !leads(ctx, next))
			})
			if err != nil {
				return Found(false, "%v", err)
			}
			return Found(mode == Following, "%s led before, %s after; %s is a %s again", old.Name(), next.Name(), old.Name(), mode).
				With("led before", old.Name()).With("led after", next.Name()).With("old leader is", mode)
		},
	}, nil
}
