package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// sleepFile has for how long a participant's machine has slept.
func (p *process) sleepFile() string {
	return filepath.Join(p.run.dir, record.LogsFolder, p.name+".slept")
}

// sleeps adds a sleep to those that the present life has had. The process is stopped.
func (p *process) sleeps(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slept += d
	return participant.WriteSleep(p.sleepFile(), p.slept)
}

// sleep puts the machine of a worker that holds a resident task to sleep: its line is dead
// and its process is stopped for longer than its session lasts. When it wakes up, its
// monotonic clock has stood still, and its line stays dead for one more session timeout:
// only a clock that went on can tell the worker that its time is over.
func (r *run) sleep(ctx context.Context, fault nemesis.Fault) (deed, error) {
	p, err := r.holder(ctx, fault.Pick)
	if err != nil {
		return deed{}, err
	}
	d := r.sleepOf(p)
	d.target = p.name
	return d, nil
}

func (r *run) sleepOf(p *process) deed {
	var began time.Duration
	var session ensemble.Session
	halted := r.stop(p, nemesis.Fault{})
	return deed{
		apply: func(ctx context.Context) error {
			var had bool
			if session, had = p.proxy.Session(); !had {
				return fmt.Errorf("%s has no session", p.name)
			}
			p.proxy.Impair(ensemble.Impairment{Swallow: [2]bool{true, true}})
			began = clock.Now()
			return halted.apply(ctx)
		},
		probe: func(ctx context.Context) finding {
			f := halted.probe(ctx)
			if !f.effective {
				return f
			}
			gone, err := r.gone(ctx, session)
			if err != nil {
				return found(false, "%v", err)
			}
			f.effective = gone
			f.text += fmt.Sprintf(", its session %s %s", sessionName(session.ID), whether(gone, "is over", "is not over"))
			return f.with("session gone", gone)
		},
		heal: func(context.Context) error {
			if !p.stopped() {
				return p.signal(syscall.SIGCONT)
			}
			if err := p.sleeps(clock.Now() - began); err != nil {
				return err
			}
			return p.signal(syscall.SIGCONT)
		},
		done: func() {
			r.work.Go(func() {
				wait(context.Background(), r.config.SessionTimeout)
				p.proxy.Heal()
				p.release()
			})
		},
	}
}

// sleeps reports whether machines of participants may sleep.
func (c Config) sleeps() bool {
	return slices.Contains(c.Nemesis, nemesis.SleepWorker) ||
		slices.ContainsFunc(c.Schedule, func(f nemesis.Fault) bool { return f.Kind == nemesis.SleepWorker })
}
