package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// deedsOnServers are the faults of the ensemble.
var deedsOnServers = map[nemesis.Kind]func(r *run, ctx context.Context, fault nemesis.Fault) (deed, error){
	nemesis.KillServer: (*run).killServer, nemesis.PauseServer: (*run).pauseServer,
	nemesis.IsolateLeader: (*run).isolate, nemesis.SplitServers: (*run).splitServers,
}

// isolate cuts a server from all others.
func (r *run) isolate(ctx context.Context, fault nemesis.Fault) (deed, error) {
	fit, err := r.fitServers(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	rest := slices.DeleteFunc(slices.Clone(r.ensemble.Servers), func(s *ensemble.Server) bool { return s == fit[0] })
	return r.split(fit[:1], rest), nil
}

func (r *run) splitServers(ctx context.Context, fault nemesis.Fault) (deed, error) {
	servers, err := r.fitServers(ctx, fault)
	minority := (len(servers) - 1) / 2
	return r.split(servers[:minority], servers[minority:]), err
}

// fitServers lists the servers that fit a role, those first that are to be tried
// first; there is at least one.
func (r *run) fitServers(ctx context.Context, fault nemesis.Fault) ([]*ensemble.Server, error) {
	servers := r.ensemble.Servers
	first := fault.Pick % len(servers)
	rotated := slices.Concat(servers[first:], servers[:first])
	switch fault.Role {
	case nemesis.LeaderServer, nemesis.FollowerServer:
		leader := r.ensemble.Leader(ctx)
		if leader == nil {
			return nil, errors.New("no server leads")
		}
		if fault.Role == nemesis.LeaderServer {
			return []*ensemble.Server{leader}, nil
		}
		return slices.DeleteFunc(rotated, func(s *ensemble.Server) bool { return s == leader }), nil
	case nemesis.MastersServer:
		name, _, err := r.observer.activeMaster(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range r.processes {
			if p.name != name {
				continue
			}
			address, ok := p.proxy.Server()
			i := slices.IndexFunc(servers, func(s *ensemble.Server) bool { return s.Address == address })
			if ok && i >= 0 {
				return servers[i : i+1], nil
			}
		}
		return nil, fmt.Errorf("the active master, %s, is connected to no server", name)
	}
	return rotated, nil
}

// killServer kills one server.
func (r *run) killServer(ctx context.Context, fault nemesis.Fault) (deed, error) {
	return r.down(ctx, fault, "process gone", func(s *ensemble.Server, d *deed) func(context.Context) (bool, error) {
		d.apply, d.heal = s.Kill, s.Restart
		return func(ctx context.Context) (bool, error) { running, err := s.Running(ctx); return !running, err }
	})
}

// pauseServer freezes one server.
func (r *run) pauseServer(ctx context.Context, fault nemesis.Fault) (deed, error) {
	return r.down(ctx, fault, "paused", func(s *ensemble.Server, d *deed) func(context.Context) (bool, error) {
		d.apply, d.heal = s.Pause, s.Resume
		return s.Paused
	})
}

// down is a deed that takes one server away; how says how, and how that is seen.
func (r *run) down(ctx context.Context, fault nemesis.Fault, what string, how func(*ensemble.Server, *deed) func(context.Context) (bool, error)) (deed, error) {
	fit, err := r.fitServers(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	s := r.claimServer(fit)
	if s == nil {
		return deed{}, errors.New("every such server suffers already")
	}
	d := deed{target: s.Name, done: func() { r.releaseServer(s) }}
	held := how(s, &d)
	d.probe = func(ctx context.Context) finding {
		down, err := held(ctx)
		_, answer := s.Status(ctx)
		return found(err == nil && down && answer != nil, "%s is %v, answers is %v", what, down, answer == nil).with(what, down).with("answers", answer == nil)
	}
	return d, nil
}

// claimServer takes the first server that does not suffer from a fault of its own
// already: two such faults would heal each other.
func (r *run) claimServer(servers []*ensemble.Server) *ensemble.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range servers {
		if !r.suffering[s] {
			r.suffering[s] = true
			return s
		}
	}
	return nil
}

func (r *run) releaseServer(s *ensemble.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.suffering, s)
}

// split cuts the servers of one side from those of the other.
func (r *run) split(minority, majority []*ensemble.Server) deed {
	var names []string
	for _, s := range minority {
		names = append(names, s.Name)
	}
	each := func(action func(*ensemble.Server) error) error {
		var errs []error
		for _, s := range minority {
			errs = append(errs, action(s))
		}
		return errors.Join(errs...)
	}
	return deed{
		target: strings.Join(names, ","),
		apply: func(ctx context.Context) error {
			return each(func(s *ensemble.Server) error { return s.Cut(ctx, majority...) })
		},
		heal: func(ctx context.Context) error {
			return each(func(s *ensemble.Server) error { return s.Reconnect(ctx) })
		},
		probe: func(ctx context.Context) finding {
			packets, serving := 0, 0
			err := each(func(s *ensemble.Server) error {
				n, err := s.Dropped(ctx)
				packets += n
				if _, refused := s.Status(ctx); refused == nil {
					serving++
				}
				return err
			})
			if err != nil {
				return found(false, "%v", err)
			}
			return found(packets > 0 && serving == 0, "%d packets dropped, %d of %d cut servers still serve", packets, serving, len(minority)).
				with("packets dropped", packets).with("still serve", serving)
		},
	}
}
