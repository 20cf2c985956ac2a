package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// isolateHolder takes a participant that holds something long-lived, and cuts the
// follower that it talks to from all other servers.
func (j *Injector) isolateHolder(ctx context.Context, fault Fault) (Injection, error) {
	p, err := j.holder(ctx, fault.Pick)
	if err != nil {
		return Injection{}, err
	}
	s, err := j.followerOf(ctx, p)
	if err != nil {
		release(j, p)
		return Injection{}, fmt.Errorf("%s: %w", p.Name(), err)
	}
	rest := others(j.Ensemble().Servers(), s)
	d := split([]Server{s}, rest)
	apply, probe, heal := d.Apply, d.Probe, d.Heal
	there := false
	d.Apply = func(ctx context.Context) error {
		err := apply(ctx)
		there = at(p, s)
		return err
	}
	d.Probe = func(ctx context.Context) Finding {
		f := probe(ctx)
		f.Effective = f.Effective && there
		f.Text += fmt.Sprintf(", %s %s connected to it", p.Name(), whether(there, "was", "was not"))
		return f.With("holder", p.Name()).With("connected", there)
	}
	d.Heal = func(ctx context.Context) error { defer release(j, p); return heal(ctx) }
	return d, nil
}

// holder takes a participant that holds something long-lived, if possible one that does
// nothing else.
func (j *Injector) holder(ctx context.Context, pick int) (Process, error) {
	held, err := j.Observer().Residents(ctx)
	for deadline := j.Now() + holderPatience; err == nil && len(held) == 0 && j.Now() < deadline && wait(ctx, time.Second); {
		held, err = j.Observer().Residents(ctx) // the load has just begun
	}
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, p := range rotated(j.Processes(), pick) {
		if held[p.Name()] > 0 {
			all = append(all, p)
		}
	}
	only := j.Settings().Holders
	rank := func(p Process) int { return slices.Index([]bool{true, false}, slices.Contains(only, p.Name())) }
	slices.SortStableFunc(all, func(a, b Process) int { return cmp.Compare(rank(a), rank(b)) })
	for _, p := range all {
		if p.Alive() && take(j, p) {
			return p, nil
		}
	}
	return nil, errors.New("no participant that holds something long-lived is free of faults")
}

// holderPatience is how long a fault waits until a participant holds something
// long-lived.
const holderPatience = 20 * time.Second

// followerOf is the follower that a participant is connected to. A participant that is
// connected to the leader is moved.
func (j *Injector) followerOf(ctx context.Context, p Process) (Server, error) {
	leader, leads := j.Ensemble().Leader(ctx)
	if !leads {
		return nil, errNoLeader
	}
	if at(p, leader) {
		wire(p).Impair(Impairment{Refuse: leader.Address()})
		defer p.Line().Heal()
	}
	const patience, pause = 50, 100 * time.Millisecond
	for range patience {
		for _, s := range j.Ensemble().Servers() {
			if s != leader && at(p, s) {
				return s, nil
			}
		}
		if !wait(ctx, pause) {
			break
		}
	}
	return nil, errors.New("the participant is connected to no follower")
}

// at reports whether a process' latest session is connected to a server.
func at(p Process, s Server) bool {
	session, had := p.Session()
	address, connected := wire(p).ServerOf(session)
	return had && connected && address == s.Address()
}
