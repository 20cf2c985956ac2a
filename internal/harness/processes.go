package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

func (r *run) kill(p *process, _ nemesis.Fault) deed {
	var killed bool
	var seen string
	return deed{
		apply: func(context.Context) (err error) { killed, seen, err = p.kill(); return err },
		probe: func(context.Context) finding { return found(killed, "%s", seen).with("process", seen) },
		heal:  func(context.Context) error { return p.start() },
	}
}

// leave lets a participant leave in good order, and starts it again.
func (r *run) leave(p *process, _ nemesis.Fault) deed {
	var took time.Duration
	var clean bool
	return deed{
		apply: func(context.Context) error { took, clean = p.leave(leavePatience); return nil },
		probe: func(context.Context) finding {
			return found(clean, "%s, after %v", whether(clean, "it left by itself", "it did not leave by itself"), took.Round(time.Millisecond)).with("left by itself", clean)
		},
		heal: func(context.Context) error { return p.start() },
	}
}

// stop stops a process for longer than its session lasts.
func (r *run) stop(p *process, _ nemesis.Fault) deed {
	return r.halt(p, func(held time.Duration) bool { return held > r.config.SessionTimeout })
}

// pause stops a process for less than its session lasts.
func (r *run) pause(p *process, _ nemesis.Fault) deed {
	return r.halt(p, func(held time.Duration) bool { return held < r.config.SessionTimeout })
}

// halt stops a process, and is effective if it is held as long as it should be.
func (r *run) halt(p *process, should func(held time.Duration) bool) deed {
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
		probe: func(context.Context) finding {
			held, stopped := clock.Now()-since, p.stopped()
			return found(stopped && should(held), "it was %sstopped, for %v", whether(stopped, "", "not "), held.Round(time.Millisecond)).
				with("stopped", stopped).with("for", held.Round(time.Millisecond))
		},
		heal: func(context.Context) error { return p.signal(syscall.SIGCONT) },
	}
}

// lifeInStorm is how long a process lives between two kills of a storm.
const lifeInStorm = 500 * time.Millisecond

// storm kills a master, a worker and a client over and over.
func (r *run) storm(ctx context.Context, fault nemesis.Fault) (deed, error) {
	victims, err := r.oneOfEach(ctx, fault.Pick, nemesis.Backup, nemesis.SomeWorker, nemesis.SomeClient)
	if err != nil {
		return deed{}, err
	}
	var work sync.WaitGroup
	over := make(chan struct{})
	kills, errs := make([]int, len(victims)), make([]error, len(victims))
	return deed{
		target: names(victims),
		apply: func(ctx context.Context) error {
			for i, p := range victims {
				work.Go(func() { kills[i], errs[i] = p.killUntil(over) })
			}
			return nil
		},
		probe: func(context.Context) finding {
			close(over)
			work.Wait()
			least, f := kills[0], finding{}
			for i, n := range kills {
				least = min(least, n)
				f = f.with(victims[i].name+" killed", n)
			}
			f.effective, f.text = least >= 2, fmt.Sprintf("each was killed and started again at least %d times", least)
			return f
		},
		heal: func(context.Context) error { return errors.Join(errs...) },
		done: func() { release(victims) },
	}, nil
}

// killUntil kills the process and starts it again until over is closed, and leaves it
// running.
func (p *process) killUntil(over <-chan struct{}) (kills int, err error) {
	ticker := time.NewTicker(lifeInStorm)
	defer ticker.Stop()
	for {
		killed, _, err := p.kill()
		if killed {
			kills++
		}
		if err := errors.Join(err, p.start()); err != nil {
			return kills, err
		}
		select {
		case <-over:
			return kills, nil
		case <-ticker.C:
		}
	}
}

// oneOfEach claims one participant for each role, or none at all.
func (r *run) oneOfEach(ctx context.Context, pick int, roles ...nemesis.Role) ([]*process, error) {
	var all []*process
	for _, role := range roles {
		p, err := r.victim(ctx, role, pick)
		if err != nil {
			release(all)
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// twin runs a second process of the same name, with a proxy of its own.
func (r *run) twin(p *process, _ nemesis.Fault) deed {
	second := &process{name: p.name, role: p.role, run: r, started: p.started, executable: p.executable}
	return deed{
		apply: func(context.Context) error {
			if err := second.connect(); err != nil {
				return err
			}
			return second.start()
		},
		probe: func(context.Context) finding {
			_, had := second.proxy.Session()
			both := p.alive() && second.alive()
			return found(both && had, "%s, and the second one %s a session", whether(both, "both run", "not both run"), whether(had, "had", "did not have")).
				with("both run", both).with("second had a session", had)
		},
		heal: func(context.Context) error {
			if second.command != nil {
				second.quit(leavePatience)
			}
			if second.proxy != nil {
				return second.proxy.Close()
			}
			return nil
		},
	}
}
