package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// isolateHolder cuts the follower that a worker with resident tasks talks to from all
// other servers.
func (r *run) isolateHolder(ctx context.Context, fault nemesis.Fault) (deed, error) {
	p, err := r.holder(ctx, fault.Pick)
	if err != nil {
		return deed{}, err
	}
	s, err := r.followerOf(ctx, p)
	if err != nil {
		p.release()
		return deed{}, fmt.Errorf("%s: %w", p.name, err)
	}
	rest := slices.DeleteFunc(slices.Clone(r.ensemble.Servers), func(other *ensemble.Server) bool { return other == s })
	d := split([]*ensemble.Server{s}, rest)
	apply, probe, heal := d.apply, d.probe, d.heal
	there := false
	d.apply = func(ctx context.Context) error {
		err := apply(ctx)
		there = p.at(s)
		return err
	}
	d.probe = func(ctx context.Context) finding {
		f := probe(ctx)
		f.effective = f.effective && there
		f.text += fmt.Sprintf(", %s %s connected to it", p.name, whether(there, "was", "was not"))
		return f.with("holder", p.name).with("connected", there)
	}
	d.heal = func(ctx context.Context) error { defer p.release(); return heal(ctx) }
	return d, nil
}

// holder claims a worker that holds a resident task: one that does nothing else, if
// there is one.
func (r *run) holder(ctx context.Context, pick int) (*process, error) {
	held, err := r.observer.residents(ctx)
	for deadline := r.now() + holderPatience; err == nil && len(held) == 0 && r.now() < deadline && wait(ctx, time.Second); {
		held, err = r.observer.residents(ctx) // the load has only begun
	}
	if err != nil {
		return nil, err
	}
	var all []*process
	for i := range r.processes {
		if p := r.processes[(i+pick)%len(r.processes)]; held[p.name] > 0 {
			all = append(all, p)
		}
	}
	only := r.config.holders()
	rank := func(p *process) int { return slices.Index([]bool{true, false}, slices.Contains(only, p.name)) }
	slices.SortStableFunc(all, func(a, b *process) int { return cmp.Compare(rank(a), rank(b)) })
	for _, p := range all {
		if p.alive() && p.claim() {
			return p, nil
		}
	}
	return nil, errors.New("every worker with a resident task suffers already, or there is none")
}

// holderPatience is how long a fault waits until a worker holds a resident task.
const holderPatience = 20 * time.Second

// residents counts the resident tasks of each worker.
func (o *observer) residents(ctx context.Context) (map[string]int, error) {
	return o.counted(ctx, func(task string) bool {
		return strings.HasPrefix(task, "task-"+participant.ResidentPrefix)
	})
}

// followerOf is the follower that a participant is connected to. One that is connected
// to the leader is moved.
func (r *run) followerOf(ctx context.Context, p *process) (*ensemble.Server, error) {
	leader := r.ensemble.Leader(ctx)
	if leader == nil {
		return nil, errNoLeader
	}
	if p.at(leader) {
		p.proxy.Impair(ensemble.Impairment{Refuse: leader.Address})
		defer p.proxy.Heal()
		p.proxy.Break()
	}
	const patience, pause = 50, 100 * time.Millisecond
	for range patience {
		for _, s := range r.ensemble.Servers {
			if s != leader && p.at(s) {
				return s, nil
			}
		}
		if !wait(ctx, pause) {
			break
		}
	}
	return nil, errors.New("it is connected to no follower")
}

// at reports whether the participant's latest session is connected to a server.
func (p *process) at(s *ensemble.Server) bool {
	session, had := p.proxy.Session()
	address, connected := p.proxy.ServerOf(session.ID)
	return had && connected && address == s.Address
}
