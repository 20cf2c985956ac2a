package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Injector binds faults to the targets of a bench. It gives no target two faults at a
// time, because they would heal each other.
type Injector struct {
	Bench
	*engaged
}

// engaged is what all faults of a bench share.
type engaged struct {
	mu   sync.Mutex
	busy map[any]bool // the processes and the servers that suffer from a fault
	work sync.WaitGroup
}

// NewInjector makes an injector for a bench.
func NewInjector(b Bench) *Injector { return &Injector{b, &engaged{busy: map[any]bool{}}} }

// Bind finds the target of a fault and its injection.
func (j *Injector) Bind(ctx context.Context, fault Fault) (Injection, error) {
	entry, known := Lookup(fault.Kind)
	if !known {
		return Injection{}, fmt.Errorf("unknown fault %q", fault.Kind)
	}
	j, fault = j.aimed(fault)
	recipe := j.Settings().Recipe
	fault.Role = fault.Aim(recipe.Lacks...)
	switch why := recipe.Refuses(fault.Kind); {
	case why != "":
		return Injection{}, fmt.Errorf("%s is impossible: the recipe has %s", fault.Kind, why)
	case slices.Contains(recipe.Lacks, fault.Role):
		return Injection{}, fmt.Errorf("%s: the recipe has no %s", fault.Kind, fault.Role)
	case entry.Needs&^j.Settings().Offers != 0:
		return Injection{}, fmt.Errorf("%s is impossible in memory", fault.Kind)
	}
	return entry.Inject(j, ctx, fault)
}

// aimed is the injector of the recipe that a fault aims at, if the run has several: each in its
// turn, by the number of the fault, among those that can have it. If none of these has the role that
// was drawn, the fault aims at another role of its kind.
func (j *Injector) aimed(fault Fault) (*Injector, Fault) {
	var able, fit []Recipe
	for _, part := range j.Settings().Recipe.Parts {
		if part.Refuses(fault.Kind) != "" {
			continue
		}
		able = append(able, part)
		if !slices.Contains(part.Lacks, fault.Role) {
			fit = append(fit, part)
		}
	}
	if len(able) == 0 {
		return j, fault
	}
	if len(fit) == 0 {
		fit, fault.Role = able, ""
	}
	return &Injector{partOfBench{j.Bench, fit[fault.Number%len(fit)]}, j.engaged}, fault
}

// partOfBench is a bench as one of several recipes has it.
type partOfBench struct {
	Bench
	recipe Recipe
}

// Settings implements Bench.
func (b partOfBench) Settings() Settings {
	s := b.Bench.Settings()
	s.Recipe = b.recipe
	return s
}

// Processes implements Bench.
func (b partOfBench) Processes() []Process {
	return slices.DeleteFunc(slices.Clone(b.Bench.Processes()), func(p Process) bool { return !b.recipe.Owns(p.Name()) })
}

// Observer implements Bench.
func (b partOfBench) Observer() Observer { return b.Bench.Observer().For(b.recipe) }

// Wait waits until no injection is active any more.
func (j *Injector) Wait() { j.work.Wait() }

// binding finds the target and the injection of a fault of one kind.
type binding func(j *Injector, ctx context.Context, fault Fault) (Injection, error)

// onOne takes one process for a fault.
func onOne(inject func(j *Injector, p Process, fault Fault) Injection) binding {
	return func(j *Injector, ctx context.Context, fault Fault) (Injection, error) {
		p, err := j.victim(ctx, fault.Role, fault.Pick)
		if err != nil {
			return Injection{}, err
		}
		i := inject(j, p, fault)
		i.Target, i.Done = p.Name(), func() { release(j, p) }
		return i, nil
	}
}

// onMachine is onOne for a fault that needs Machines.
func onMachine(inject func(j *Injector, p Machine, fault Fault) Injection) binding {
	return onOne(func(j *Injector, p Process, fault Fault) Injection { return inject(j, p.(Machine), fault) })
}

// take marks all targets as busy, or none if one is busy already.
func take[T any](j *Injector, all ...T) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.ContainsFunc(all, func(one T) bool { return j.busy[one] }) {
		return false
	}
	for _, one := range all {
		j.busy[one] = true
	}
	return true
}

func release[T any](j *Injector, all ...T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, one := range all {
		delete(j.busy, one)
	}
}

// victim takes the process that a fault aims at.
func (j *Injector) victim(ctx context.Context, role Role, pick int) (Process, error) {
	if role == ActiveMaster {
		return j.activeMaster(ctx)
	}
	fit, err := j.fit(ctx, role, pick)
	if err != nil {
		return nil, err
	}
	for _, p := range fit {
		if p.Alive() && take(j, p) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no %s is free of faults", role)
}

// fit lists the processes that fit a role, in the order of preference.
func (j *Injector) fit(ctx context.Context, role Role, pick int) ([]Process, error) {
	playing := func(plays func(Process) bool) []Process {
		all := slices.DeleteFunc(slices.Clone(j.Processes()), func(p Process) bool { return !plays(p) })
		return rotated(all, pick)
	}
	switch role {
	case SomeClient:
		return playing(Process.IsClient), nil
	case Backup:
		active, _, err := j.Observer().ActiveMaster(ctx)
		backups := slices.DeleteFunc(playing(Process.CanLead), func(p Process) bool { return p.Name() == active })
		return backups, err
	case BusiestWorker:
		held, err := j.Observer().Held(ctx)
		workers := playing(Process.CanWork)
		slices.SortStableFunc(workers, func(a, b Process) int { return cmp.Compare(held[b.Name()], held[a.Name()]) })
		return workers, err
	case WorkerAlone:
		return playing(func(p Process) bool { return p.CanWork() && !p.CanLead() }), nil
	}
	return playing(Process.CanWork), nil
}

// rotated is the list rotated to begin with the picked element.
func rotated[T any](all []T, pick int) []T {
	first := pick % max(len(all), 1)
	return slices.Concat(all[first:], all[:first])
}

// activeMaster takes the leading master, in the life in which it leads: the znode of the
// leader still names a killed master for a while. If it suffers from another fault, activeMaster
// waits a little while for another leader.
func (j *Injector) activeMaster(ctx context.Context) (Process, error) {
	const patience = 20
	for range patience {
		name, session, err := j.Observer().ActiveMaster(ctx)
		if err != nil {
			return nil, err
		}
		all := j.Processes()
		i := slices.IndexFunc(all, func(p Process) bool { return p.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("the znode of the leader names %q, which is not a participant of this run", name)
		}
		if p := all[i]; p.Alive() && p.Has(session) && take(j, p) {
			return p, nil
		}
		if !wait(ctx, 200*time.Millisecond) {
			break
		}
	}
	return nil, errors.New("the active master has a fault already, or it is dead and its session still lives")
}
