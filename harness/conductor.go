package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/participant"
)

// deed is a fault bound to what it acts on.
type deed struct {
	target string
	// session that was ended, in the history's notation, once apply has found it
	session func() string
	apply   func(ctx context.Context) error
	heal    func(ctx context.Context) error
	probe   func(ctx context.Context) (effective bool, finding string) // just before healing
	done    func()                                                     // after healing
}

// healLimit is how long the healing of one fault may take, whatever else ends.
const healLimit = 30 * time.Second

// torture carries out the plan and returns what became of each fault. When ctx
// ends, faults at work are healed at once and the others are left out.
func (r *run) torture(ctx context.Context, plan []nemesis.Fault) []nemesis.Record {
	began := r.now()
	records := make([]nemesis.Record, len(plan))
	done := make(chan struct{})
	for i, fault := range plan {
		records[i] = nemesis.Record{Fault: fault, Evidence: "the run ended first"}
		go func() {
			defer func() { done <- struct{}{} }()
			if wait(ctx, fault.Start-(r.now()-began)) {
				records[i] = r.inflict(ctx, fault)
			} else {
				r.missed(fault, records[i].Evidence)
			}
		}()
	}
	for range plan {
		<-done
	}
	return records
}

// wait returns true after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// inflict applies one fault, waits, probes and heals.
func (r *run) inflict(ctx context.Context, fault nemesis.Fault) nemesis.Record {
	record := nemesis.Record{Fault: fault, From: r.now(), To: r.now()}
	d, err := r.bind(ctx, fault)
	if err != nil {
		record.Evidence = "not applied: " + err.Error()
		r.missed(fault, record.Evidence)
		return record
	}
	if d.done != nil {
		defer d.done()
	}
	record.Target = d.target
	event := r.nemesis.Add(history.Event{Type: history.Invoke, Kind: history.Fault, Fault: string(fault.Kind), Target: d.target})
	record.From = event.At
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit+fault.Duration)
	defer cancel()
	err = d.apply(healing)
	record.Applied = err == nil
	if err == nil {
		wait(ctx, fault.Duration)
		record.Effective, record.Evidence = d.probe(healing)
	} else {
		record.Evidence = "not applied: " + err.Error()
	}
	if err := d.heal(healing); err != nil {
		record.Evidence += "; healing failed: " + err.Error()
	}
	outcome := history.OK
	if !record.Applied {
		outcome = history.Fail
	}
	r.nemesis.Complete(event, outcome, func(e *history.Event) {
		e.Fault, e.Target, e.Effective, e.Text = string(fault.Kind), d.target, record.Effective, record.Evidence
		if d.session != nil && record.Applied {
			e.Session = d.session()
		}
	})
	record.To = r.now()
	return record
}

// missed notes a fault that was intended and came to nothing.
func (r *run) missed(fault nemesis.Fault, why string) {
	event := r.nemesis.Add(history.Event{Type: history.Invoke, Kind: history.Fault, Fault: string(fault.Kind)})
	r.nemesis.Complete(event, history.Fail, func(e *history.Event) { e.Fault, e.Text = string(fault.Kind), why })
}

// bindReal finds the target of a fault and what is to be done to it.
func (r *run) bindReal(ctx context.Context, fault nemesis.Fault) (deed, error) {
	entry, ok := nemesis.Lookup(fault.Kind)
	if !ok {
		return deed{}, fmt.Errorf("unknown fault %q", fault.Kind)
	}
	if entry.Role.OnServers() {
		return r.bindServers(ctx, entry, fault)
	}
	p, err := r.victim(ctx, entry.Role, fault.Pick)
	if err != nil {
		return deed{}, err
	}
	var d deed
	switch fault.Kind {
	case nemesis.ExpireMaster, nemesis.ExpireWorker:
		d = r.expire(p, fault.Kind == nemesis.ExpireMaster)
	case nemesis.KillMaster, nemesis.KillWorker, nemesis.KillClient:
		d = r.kill(p)
	case nemesis.StopMaster, nemesis.StopWorker:
		d = r.stop(p)
	case nemesis.LeaveMaster, nemesis.LeaveWorker:
		d = r.leave(p)
	default:
		d = r.cut(p)
	}
	d.target, d.done = p.name, p.release
	return d, nil
}

// victim claims the participant that a fault is for.
func (r *run) victim(ctx context.Context, role nemesis.Role, pick int) (*process, error) {
	if role == nemesis.ActiveMaster {
		return r.activeMaster(ctx)
	}
	plays := map[nemesis.Role][]participant.Role{
		nemesis.SomeWorker: {participant.Worker, participant.Node}, nemesis.SomeClient: {participant.Client},
	}[role]
	var fit []*process
	for _, p := range r.processes {
		if slices.Contains(plays, p.role) {
			fit = append(fit, p)
		}
	}
	for i := range fit {
		if p := fit[(pick+i)%len(fit)]; p.alive() && p.claim() {
			return p, nil
		}
	}
	return nil, fmt.Errorf("every %s suffers already", role)
}

// activeMaster claims the master that leads. It waits a little while that one
// suffers from another fault: another will soon lead.
func (r *run) activeMaster(ctx context.Context) (*process, error) {
	const patience = 20
	for range patience {
		name, err := r.observer.activeMaster(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(r.processes, func(p *process) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("/master says %q, which is none of ours", name)
		}
		if p := r.processes[i]; p.alive() && p.claim() {
			return p, nil
		}
		if !wait(ctx, 200*time.Millisecond) {
			break
		}
	}
	return nil, errors.New("the active master suffers already")
}

func nothing(context.Context) error { return nil }

// expire ends the session with which a participant leads or works; an equal node
// has one for each.
func (r *run) expire(p *process, leads bool) deed {
	var session ensemble.Session
	return deed{
		session: func() string { return fmt.Sprintf("0x%x", session.ID) },
		apply: func(ctx context.Context) error {
			path := "/workers/" + p.name
			if leads {
				path = "/master"
			}
			id, err := r.observer.holder(ctx, path)
			if err != nil {
				return err
			}
			var ok bool
			if session, ok = p.proxy.SessionOf(id); !ok {
				return fmt.Errorf("%s is not held by %s", path, p.name)
			}
			// A server may end the session and its answer be lost: then the next one
			// does not know it any more.
			tried := false
			return r.anyServer(func(address string) error {
				sent := clock.Now()
				zxid, err := ensemble.Expire(ctx, address, session)
				if err == nil {
					r.expired(session, sent, zxid)
				}
				if tried && errors.Is(err, ensemble.ErrSessionGone) {
					return nil
				}
				tried = tried || errors.Is(err, ensemble.ErrUnanswered)
				return err
			})
		},
		probe: func(ctx context.Context) (bool, string) {
			gone := false
			err := r.anyServer(func(address string) error {
				alive, err := ensemble.SessionAlive(ctx, address, session)
				gone = err == nil && !alive
				return err
			})
			if err != nil {
				return false, err.Error()
			}
			return gone, fmt.Sprintf("session 0x%x: gone is %v", session.ID, gone)
		},
		heal: nothing,
	}
}

// anyServer tries an action on one server after the other until it succeeds.
func (r *run) anyServer(action func(address string) error) error {
	var errs []error
	for _, address := range r.ensemble.Addresses() {
		err := action(address)
		if err == nil || errors.Is(err, ensemble.ErrSessionGone) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *run) kill(p *process) deed {
	var killed bool
	var finding string
	return deed{
		apply: func(context.Context) (err error) { killed, finding, err = p.kill(); return err },
		probe: func(context.Context) (bool, string) { return killed, finding },
		heal:  func(context.Context) error { return p.start() },
	}
}

// leave lets a participant leave in good order, and starts it again.
func (r *run) leave(p *process) deed {
	var took time.Duration
	var clean bool
	return deed{
		apply: func(context.Context) error { took, clean = p.leave(leavePatience); return nil },
		probe: func(context.Context) (bool, string) {
			return clean, fmt.Sprintf("it left by itself is %v, after %v", clean, took.Round(time.Millisecond))
		},
		heal: func(context.Context) error { return p.start() },
	}
}

func (r *run) stop(p *process) deed {
	var since time.Duration
	return deed{
		apply: func(ctx context.Context) error {
			if err := p.signal(syscall.SIGSTOP); err != nil {
				return err
			}
			since = clock.Now()
			for !p.stopped() {
				if !wait(ctx, time.Millisecond) {
					return context.Cause(ctx)
				}
			}
			return nil
		},
		probe: func(context.Context) (bool, string) {
			held := clock.Now() - since
			return p.stopped() && held > r.config.SessionTimeout, fmt.Sprintf("stopped is %v, for %v", p.stopped(), held.Round(time.Millisecond))
		},
		heal: func(context.Context) error { return p.signal(syscall.SIGCONT) },
	}
}

func (r *run) cut(p *process) deed {
	var before int64
	return deed{
		apply: func(context.Context) error { before = p.proxy.Dropped(); p.proxy.Cut(); return nil },
		probe: func(context.Context) (bool, string) {
			n := p.proxy.Dropped() - before
			return n > 0, fmt.Sprintf("%d bytes swallowed", n)
		},
		heal: func(context.Context) error { p.proxy.Heal(); return nil },
	}
}

// bindServers is bind for faults on the ensemble.
func (r *run) bindServers(ctx context.Context, entry nemesis.Entry, fault nemesis.Fault) (deed, error) {
	servers := r.ensemble.Servers
	rotated := append(slices.Clone(servers[fault.Pick%len(servers):]), servers[:fault.Pick%len(servers)]...)
	switch fault.Kind {
	case nemesis.IsolateLeader:
		leader := r.ensemble.Leader(ctx)
		if leader == nil {
			return deed{}, errors.New("no server leads")
		}
		rest := slices.DeleteFunc(slices.Clone(servers), func(s *ensemble.Server) bool { return s == leader })
		return r.split([]*ensemble.Server{leader}, rest), nil
	case nemesis.SplitServers:
		minority := (len(servers) - 1) / 2
		return r.split(rotated[:minority], rotated[minority:]), nil
	}
	s := r.claimServer(rotated)
	if s == nil {
		return deed{}, errors.New("every server suffers already")
	}
	d := deed{target: s.Name, done: func() { r.releaseServer(s) }, apply: s.Kill, heal: s.Restart}
	held := func(ctx context.Context) (bool, error) { running, err := s.Running(ctx); return !running, err }
	what := "process gone"
	if entry.Kind == nemesis.PauseServer {
		d.apply, d.heal, held, what = s.Pause, s.Resume, s.Paused, "paused"
	}
	d.probe = func(ctx context.Context) (bool, string) {
		down, err := held(ctx)
		_, answer := s.Status(ctx)
		return err == nil && down && answer != nil, fmt.Sprintf("%s is %v, answers is %v", what, down, answer == nil)
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
		probe: func(ctx context.Context) (bool, string) {
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
				return false, err.Error()
			}
			return packets > 0 && serving == 0, fmt.Sprintf("%d packets dropped, %d of %d cut servers still serve", packets, serving, len(minority))
		},
	}
}
