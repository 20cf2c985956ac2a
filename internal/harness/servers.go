package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// onServers binds a fault of the ensemble.
type onServers func(r *run, ctx context.Context, fault nemesis.Fault) (deed, error)

// deedsOnServers are the faults of the ensemble.
var deedsOnServers = map[nemesis.Kind]onServers{
	nemesis.KillServer: (*run).killServer, nemesis.PauseServer: (*run).pauseServer,
	nemesis.FillDisk: (*run).fillDisk, nemesis.SlowDisk: (*run).slowDisk,

	nemesis.IsolateLeader: alone((*run).isolate), nemesis.IsolateFollower: alone((*run).isolate), nemesis.IsolateServer: alone((*run).isolate),
	nemesis.ChangeLeader: alone((*run).changeLeader), nemesis.SplitServers: alone((*run).splitServers),
	nemesis.Bridge: alone((*run).bridge), nemesis.AsymmetricCut: alone((*run).deafenServer), nemesis.LagFollower: alone((*run).lag),
	nemesis.IsolateHolder: alone((*run).isolateHolder), nemesis.ExhaustQuota: (*run).exhaustQuota,
	nemesis.RollingRestart: alone((*run).roll), nemesis.RestartAll: alone((*run).restartAll),
}

var (
	errSuffers  = errors.New("every such server suffers already")
	errNoLeader = errors.New("no server leads")
)

// alone claims all servers for a fault that leaves no room for another one.
func alone(bind onServers) onServers {
	return func(r *run, ctx context.Context, fault nemesis.Fault) (deed, error) {
		if !r.claimServers(r.ensemble.Servers) {
			return deed{}, errSuffers
		}
		release := func() { r.releaseServers(r.ensemble.Servers) }
		d, err := bind(r, ctx, fault)
		if err != nil {
			release()
			return deed{}, err
		}
		d.done = release
		return d, nil
	}
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
			return nil, errNoLeader
		}
		if fault.Role == nemesis.LeaderServer {
			return []*ensemble.Server{leader}, nil
		}
		return slices.DeleteFunc(rotated, func(s *ensemble.Server) bool { return s == leader }), nil
	case nemesis.MastersServer:
		name, session, err := r.observer.activeMaster(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range r.processes {
			if p.name != name {
				continue
			}
			address, ok := p.proxy.ServerOf(session)
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
	s, d, err := r.claimOne(fit)
	if err != nil {
		return deed{}, err
	}
	held := how(s, &d)
	d.probe = func(ctx context.Context) finding {
		down, err := held(ctx)
		_, answer := s.Status(ctx)
		return found(err == nil && down && answer != nil, "%s is %v, and it %s", what, down, whether(answer == nil, "answers", "does not answer")).with(what, down).with("answers", answer == nil)
	}
	return d, nil
}

// claimOne takes the first server that does not suffer from a fault of its own
// already: two such faults would heal each other. The deed is one that gives it back.
func (r *run) claimOne(servers []*ensemble.Server) (*ensemble.Server, deed, error) {
	for i, s := range servers {
		if one := servers[i : i+1]; r.claimServers(one) {
			return s, deed{target: s.Name, done: func() { r.releaseServers(one) }}, nil
		}
	}
	return nil, deed{}, errSuffers
}

// claimServers takes all of them or none.
func (r *run) claimServers(servers []*ensemble.Server) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(servers, func(s *ensemble.Server) bool { return r.suffering[s] }) {
		return false
	}
	for _, s := range servers {
		r.suffering[s] = true
	}
	return true
}

func (r *run) releaseServers(servers []*ensemble.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range servers {
		delete(r.suffering, s)
	}
}

// errand is what goes on while a fault lasts, and takes the time that it takes.
type errand struct {
	over chan struct{}
	err  error
}

// begin starts an errand.
func begin(work func() error) *errand {
	e := &errand{over: make(chan struct{})}
	go func() {
		defer close(e.over)
		e.err = work()
	}()
	return e
}

// end waits until an errand is over. One that was never begun is an error.
func (e *errand) end() error {
	if e == nil {
		return errors.New("nothing was done")
	}
	<-e.over
	return e.err
}
