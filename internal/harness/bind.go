package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// bindReal finds the target of a fault and what is to be done to it.
func (r *run) bindReal(ctx context.Context, fault nemesis.Fault) (deed, error) {
	fault.Role = fault.Aim()
	if bind := deedsOnServers[fault.Kind]; bind != nil {
		return bind(r, ctx, fault)
	}
	if bind := deedsOnSeveral[fault.Kind]; bind != nil {
		return bind(r, ctx, fault)
	}
	bind := deedsOnOne[fault.Kind]
	if bind == nil {
		return deed{}, fmt.Errorf("unknown fault %q", fault.Kind)
	}
	p, err := r.victim(ctx, fault.Role, fault.Pick)
	if err != nil {
		return deed{}, err
	}
	d := bind(r, p, fault)
	d.target, d.done = p.name, p.release
	return d, nil
}

// deedsOnOne are the faults that are done to one participant, which is claimed for
// them.
var deedsOnOne = map[nemesis.Kind]func(r *run, p *process, fault nemesis.Fault) deed{
	nemesis.ExpireMaster: (*run).expire, nemesis.ExpireBackup: (*run).expire,
	nemesis.ExpireWorker: (*run).expire, nemesis.ExpireClient: (*run).expire,
	nemesis.KillMaster: (*run).kill, nemesis.KillBackup: (*run).kill, nemesis.KillWorker: (*run).kill, nemesis.KillClient: (*run).kill,
	nemesis.LeaveMaster: (*run).leave, nemesis.LeaveWorker: (*run).leave,
	nemesis.StopMaster: (*run).stop, nemesis.StopWorker: (*run).stop,
	nemesis.PauseMaster: (*run).pause, nemesis.PauseWorker: (*run).pause,
	nemesis.TwinWorker: (*run).twin, nemesis.WrongClock: (*run).wrongClock,
	nemesis.CutMaster: (*run).cut, nemesis.CutBackup: (*run).cut, nemesis.CutWorker: (*run).cut, nemesis.CutClient: (*run).cut,
	nemesis.Mute: (*run).mute, nemesis.Deafen: (*run).deafen, nemesis.Reset: (*run).reset,
	nemesis.Latency: (*run).latency, nemesis.Bandwidth: (*run).bandwidth, nemesis.Drip: (*run).drip,
	nemesis.FreezeAccept: (*run).freezeAccept, nemesis.CutHandshake: (*run).cutHandshake, nemesis.Move: (*run).move,
	nemesis.DropCreate: (*run).dropCreate, nemesis.DropMulti: (*run).dropMulti, nemesis.DropDelete: (*run).dropDelete, nemesis.DropClose: (*run).dropClose,
	nemesis.DelayReply: (*run).delayReply, nemesis.ExpireAssigned: (*run).assigned,
}

// deedsOnSeveral are those that choose their participants themselves.
var deedsOnSeveral = map[nemesis.Kind]func(r *run, ctx context.Context, fault nemesis.Fault) (deed, error){
	nemesis.RestartStorm: (*run).storm, nemesis.ExpireElected: (*run).elected, nemesis.ExpireMany: (*run).many,
	nemesis.ExpireUnheard: (*run).unheard, nemesis.SleepWorker: (*run).sleep,
}

// victim claims the participant that a fault is for.
func (r *run) victim(ctx context.Context, role nemesis.Role, pick int) (*process, error) {
	if role == nemesis.ActiveMaster {
		return r.activeMaster(ctx)
	}
	fit, err := r.fit(ctx, role, pick)
	if err != nil {
		return nil, err
	}
	for _, p := range fit {
		if p.alive() && p.claim() {
			return p, nil
		}
	}
	return nil, fmt.Errorf("every %s suffers already, or there is none", role)
}

// fit lists the participants that fit a role, those first that are to be tried first.
func (r *run) fit(ctx context.Context, role nemesis.Role, pick int) ([]*process, error) {
	playing := func(roles ...participant.Role) []*process {
		var all []*process
		for _, p := range r.processes {
			if slices.Contains(roles, p.role) {
				all = append(all, p)
			}
		}
		first := pick % max(len(all), 1)
		return slices.Concat(all[first:], all[:first])
	}
	switch role {
	case nemesis.SomeClient:
		return playing(participant.Client), nil
	case nemesis.Backup:
		active, _, err := r.observer.activeMaster(ctx)
		backups := slices.DeleteFunc(playing(participant.Master, participant.Node), func(p *process) bool { return p.name == active })
		return backups, err
	case nemesis.BusiestWorker:
		held, err := r.observer.held(ctx)
		workers := playing(participant.Worker, participant.Node)
		slices.SortStableFunc(workers, func(a, b *process) int { return cmp.Compare(held[b.name], held[a.name]) })
		return workers, err
	case nemesis.WorkerAlone:
		return playing(participant.Worker), nil
	}
	return playing(participant.Worker, participant.Node), nil
}

// activeMaster claims the master that leads, in the life in which it does: one that was
// killed is still named by /master for a while. It waits a little while that one
// suffers from another fault: another will soon lead.
func (r *run) activeMaster(ctx context.Context) (*process, error) {
	const patience = 20
	for range patience {
		name, session, err := r.observer.activeMaster(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(r.processes, func(p *process) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("/master says %q, which is none of ours", name)
		}
		if p := r.processes[i]; p.alive() && p.has(session) && p.claim() {
			return p, nil
		}
		if !wait(ctx, 200*time.Millisecond) {
			break
		}
	}
	return nil, errors.New("the active master suffers already, or is dead and nobody has noticed yet")
}
