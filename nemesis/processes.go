package nemesis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The faults of processes, by name.
const (
	KillMaster   Kind = "kill-master"
	KillBackup   Kind = "kill-backup"
	KillWorker   Kind = "kill-worker"
	KillClient   Kind = "kill-client"
	LeaveMaster  Kind = "leave-master"
	LeaveWorker  Kind = "leave-worker"
	StopMaster   Kind = "stop-master"
	StopWorker   Kind = "stop-worker"
	PauseMaster  Kind = "pause-master"
	PauseWorker  Kind = "pause-worker"
	RestartStorm Kind = "restart-storm"
	TwinWorker   Kind = "twin-worker"
)

var processFaults = []Entry{
	{
		Kind: KillMaster, Group: "process", Also: []string{"kill"}, Roles: []Role{ActiveMaster}, Least: 0.1, Most: 0.8,
		Explain: "the active master gets SIGKILL and restarts later",
		Probe:   "the process ended by SIGKILL",
		Did:     "killed %s",
		Does:    []record.Impact{record.Kills},
		Inject:  onOne((*Injector).kill),
	},
	{
		Kind: KillBackup, Group: "process", Also: []string{"kill"}, Roles: []Role{Backup}, Least: 0.1, Most: 0.8,
		Explain: "a backup gets SIGKILL and restarts later",
		Probe:   "the process ended by SIGKILL",
		Did:     "killed %s",
		Does:    []record.Impact{record.Kills},
		Inject:  onOne((*Injector).kill),
	},
	{
		Kind: KillWorker, Group: "process", Also: []string{"kill"}, Roles: busyWorkers, Least: 0.1, Most: 0.8,
		Explain: "a worker gets SIGKILL and restarts later",
		Probe:   "the process ended by SIGKILL",
		Did:     "killed %s",
		Does:    []record.Impact{record.Kills},
		Inject:  onOne((*Injector).kill),
	},
	{
		Kind: KillClient, Group: "process", Also: []string{"kill", "client"}, Roles: []Role{SomeClient}, Least: 0.1, Most: 0.8,
		Explain: "a client gets SIGKILL and restarts later",
		Probe:   "the process ended by SIGKILL",
		Did:     "killed %s",
		Does:    []record.Impact{record.Kills},
		Inject:  onOne((*Injector).kill),
	},
	{
		Kind: LeaveMaster, Group: "process", Also: []string{"leave"}, Roles: []Role{ActiveMaster}, Least: 0.1, Most: 0.8,
		Explain: "the active master gets SIGTERM under load, hands over, and restarts later",
		Probe:   "the process ended by itself, with code 0",
		Did:     "asked %s to leave",
		Does:    []record.Impact{record.Dismisses},
		Inject:  onOne((*Injector).leave),
	},
	{
		Kind: LeaveWorker, Group: "process", Also: []string{"leave"}, Roles: busyWorkers, Least: 0.1, Most: 0.8,
		Explain: "a worker gets SIGTERM under load, finishes or returns what it holds, and restarts later",
		Probe:   "the process ended by itself, with code 0",
		Did:     "asked %s to leave",
		Does:    []record.Impact{record.Dismisses},
		Inject:  onOne((*Injector).leave),
	},
	{
		Kind: StopMaster, Group: "process", Also: []string{"stop"}, Roles: []Role{ActiveMaster}, Least: 1.3, Most: 2.2, Needs: Machines,
		Explain: "the active master is stopped (SIGSTOP) for longer than the session timeout, then continues",
		Probe:   "the process is stopped at the begin and at the end, and for longer than the session timeout",
		Did:     "stopped %s",
		Does:    []record.Impact{record.Stops},
		Inject:  onMachine((*Injector).stop),
	},
	{
		Kind: StopWorker, Group: "process", Also: []string{"stop"}, Roles: busyWorkers, Least: 1.3, Most: 2.2, Needs: Machines,
		Explain: "a worker is stopped (SIGSTOP) for longer than the session timeout, then continues",
		Probe:   "the process is stopped at the begin and at the end, and for longer than the session timeout",
		Did:     "stopped %s",
		Does:    []record.Impact{record.Stops},
		Inject:  onMachine((*Injector).stop),
	},
	{
		Kind: PauseMaster, Group: "process", Also: []string{"pause"}, Roles: []Role{ActiveMaster}, Least: 0.2, Most: 0.6, Needs: Machines,
		Explain: "the active master is stopped (SIGSTOP) for less than the session timeout, then continues",
		Probe:   "the process is stopped at the begin and at the end, and for less than the session timeout",
		Did:     "stopped %s for a while",
		Does:    []record.Impact{record.Pauses},
		Inject:  onMachine((*Injector).pause),
	},
	{
		Kind: PauseWorker, Group: "process", Also: []string{"pause"}, Roles: busyWorkers, Least: 0.2, Most: 0.6, Needs: Machines,
		Explain: "a worker is stopped (SIGSTOP) for less than the session timeout, then continues",
		Probe:   "the process is stopped at the begin and at the end, and for less than the session timeout",
		Did:     "stopped %s for a while",
		Does:    []record.Impact{record.Pauses},
		Inject:  onMachine((*Injector).pause),
	},
	{
		Kind: RestartStorm, Group: "process", Roles: []Role{Several}, All: stormed, Least: 0.5, Most: 1.2, Needs: Machines,
		Explain: "a master, a worker and a client get SIGKILL and restart at once, again and again",
		Probe:   "each of them ended by SIGKILL at least twice",
		Did:     "killed and restarted %s over and over",
		Inject:  (*Injector).storm,
	},
	{
		Kind: TwinWorker, Group: "process", Roles: []Role{WorkerAlone}, Least: 0.8, Most: 1.6, Needs: Machines,
		Explain: "a second process with the name of a worker works beside it",
		Probe:   "both processes run at the end, and the second one has had a session",
		Did:     "started a second process under the name of %s",
		Inject:  onMachine((*Injector).twin),
	},
}

func (j *Injector) kill(p Process, _ Fault) Injection {
	return Injection{
		Apply: func(context.Context) error { return p.Kill() },
		Probe: func(context.Context) Finding { return p.Killed() },
		Heal:  func(context.Context) error { return p.Start() },
	}
}

// leave lets a participant leave in good order, and starts it again.
func (j *Injector) leave(p Process, _ Fault) Injection {
	var took time.Duration
	var clean bool
	return Injection{
		Apply: func(context.Context) error { took, clean = p.Leave(); return nil },
		Probe: func(context.Context) Finding {
			return Found(clean, "%s, after %v", whether(clean, "it left by itself", "it did not leave by itself"), took.Round(time.Millisecond)).With("left by itself", clean)
		},
		Heal: func(context.Context) error { return p.Start() },
	}
}

// stop stops a process for longer than its session lasts.
func (j *Injector) stop(p Machine, _ Fault) Injection {
	return j.halt(p, func(held time.Duration) bool { return held > j.Settings().SessionTimeout })
}

// pause stops a process for less than its session lasts.
func (j *Injector) pause(p Machine, _ Fault) Injection {
	return j.halt(p, func(held time.Duration) bool { return held < j.Settings().SessionTimeout })
}

// halt stops a process, and is effective if it is held as long as it should be.
func (j *Injector) halt(p Machine, should func(held time.Duration) bool) Injection {
	var since time.Duration
	return Injection{
		Apply: func(ctx context.Context) error {
			if err := p.Stop(); err != nil {
				return err
			}
			since = j.Now()
			for !p.Stopped() {
				if !wait(ctx, time.Millisecond) {
					return context.Cause(ctx)
				}
			}
			return nil
		},
		Probe: func(context.Context) Finding {
			held, stopped := j.Now()-since, p.Stopped()
			return Found(stopped && should(held), "it was %sstopped, for %v", whether(stopped, "", "not "), held.Round(time.Millisecond)).
				With("stopped", stopped).With("for", held.Round(time.Millisecond))
		},
		Heal: func(context.Context) error { return p.Continue() },
	}
}

// lifeInStorm is how long a process lives between two kills of a storm.
const lifeInStorm = 500 * time.Millisecond

// stormed are the roles of those that a storm kills.
var stormed = []Role{Backup, SomeWorker, SomeClient}

// storm kills a master, a worker and a client over and over.
func (j *Injector) storm(ctx context.Context, fault Fault) (Injection, error) {
	victims, err := j.oneOfEach(ctx, fault.Pick, stormed...)
	if err != nil {
		return Injection{}, err
	}
	var work sync.WaitGroup
	over := make(chan struct{})
	kills, errs := make([]int, len(victims)), make([]error, len(victims))
	return Injection{
		Target: names(victims),
		Apply: func(ctx context.Context) error {
			for i, p := range victims {
				work.Go(func() { kills[i], errs[i] = killUntil(p, over) })
			}
			return nil
		},
		Probe: func(context.Context) Finding {
			close(over)
			work.Wait()
			least, f := kills[0], Finding{}
			for i, n := range kills {
				least = min(least, n)
				f = f.With(victims[i].Name()+" killed", n)
			}
			f.Effective, f.Text = least >= 2, fmt.Sprintf("each was killed and started again at least %d times", least)
			return f
		},
		Heal: func(context.Context) error { return errors.Join(errs...) },
		Done: func() { release(j, victims...) },
	}, nil
}

// killUntil kills a process and starts it again until over is closed, and leaves it
// running.
func killUntil(p Process, over <-chan struct{}) (kills int, err error) {
	ticker := time.NewTicker(lifeInStorm)
	defer ticker.Stop()
	for {
		err := p.Kill()
		if p.Killed().Effective {
			kills++
		}
		if err := errors.Join(err, p.Start()); err != nil {
			return kills, err
		}
		select {
		case <-over:
			return kills, nil
		case <-ticker.C:
		}
	}
}

// oneOfEach takes one process for each role, or none at all.
func (j *Injector) oneOfEach(ctx context.Context, pick int, roles ...Role) ([]Process, error) {
	var all []Process
	for _, role := range roles {
		p, err := j.victim(ctx, role, pick)
		if err != nil {
			release(j, all...)
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// twin runs a second process of the same name, with a line of its own.
func (j *Injector) twin(p Machine, _ Fault) Injection {
	var second Twin
	return Injection{
		Apply: func(context.Context) (err error) { second, err = p.Twin(); return err },
		Probe: func(context.Context) Finding {
			_, had := second.Session()
			both := p.Alive() && second.Alive()
			return Found(both && had, "%s, and the second one %s a session", whether(both, "both run", "not both run"), whether(had, "had", "did not have")).
				With("both run", both).With("second had a session", had)
		},
		Heal: func(context.Context) error { return second.Remove() },
	}
}
