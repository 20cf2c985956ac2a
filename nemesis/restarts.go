package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// startAll starts every server that does not run.
func (j *Injector) startAll(ctx context.Context) error {
	return each(j.Ensemble().Servers(), func(s Server) error { return s.Restart(ctx) })
}

// pids are the processes of all servers; empty for a server without a process.
func (j *Injector) pids(ctx context.Context) (all []string, err error) {
	err = each(j.Ensemble().Servers(), func(s Server) error {
		pid, err := s.Process(ctx)
		all = append(all, pid)
		return err
	})
	return all, err
}

// renewed counts the servers whose process has changed.
func renewed(before, after []string) int {
	n := 0
	for i := range min(len(before), len(after)) {
		if after[i] != "" && after[i] != before[i] {
			n++
		}
	}
	return n
}

// startPatience is how long a server may take to serve again: a few seconds, and more
// on a busy machine.
const startPatience = 20 * time.Second

// roll restarts one server after the other. Each restart begins when all of them serve,
// and none after the load has ended.
func (j *Injector) roll(load context.Context, fault Fault) (Injection, error) {
	order, err := j.fitServers(load, fault)
	if err != nil {
		return Injection{}, err
	}
	before, err := j.pids(load)
	if err != nil {
		return Injection{}, err
	}
	var rolling *background
	most := 0 // down at once
	step := func(ctx context.Context, s Server) error {
		if err := j.Ensemble().WaitServing(ctx, len(order)); err != nil {
			return err
		}
		if load.Err() != nil {
			return fmt.Errorf("the load ended before %s", s.Name())
		}
		if err := s.Quit(ctx); err != nil {
			return err
		}
		now, err := j.pids(ctx)
		most = max(most, len(slices.DeleteFunc(now, func(pid string) bool { return pid != "" })))
		return errors.Join(err, s.Restart(ctx))
	}
	return Injection{
		Target: serverNames(order), Takes: time.Duration(len(order)) * startPatience,
		Apply: func(ctx context.Context) error {
			rolling = begin(func() error {
				for _, s := range order {
					if err := step(ctx, s); err != nil {
						return err
					}
				}
				return j.Ensemble().WaitServing(ctx, len(order))
			})
			return nil
		},
		Heal: j.startAll,
		Probe: func(ctx context.Context) Finding {
			err := rolling.end()
			after, unknown := j.pids(ctx)
			if err := errors.Join(err, unknown); err != nil {
				return Found(false, "%v", err)
			}
			n := renewed(before, after)
			return Found(n == len(order) && most == 1, "%d of %d servers have a new process, at most %d was down at once", n, len(order), most).
				With("new processes", n).With("down at once", most)
		},
	}, nil
}

// restartAll kills all servers at once. The probe also needs that they come back.
func (j *Injector) restartAll(ctx context.Context, _ Fault) (Injection, error) {
	before, err := j.pids(ctx)
	if err != nil {
		return Injection{}, err
	}
	servers := j.Ensemble().Servers()
	return Injection{
		Target: serverNames(servers),
		Apply: func(ctx context.Context) error {
			errs := make([]error, len(servers))
			var group sync.WaitGroup
			for i, s := range servers {
				group.Go(func() { errs[i] = s.Kill(ctx) })
			}
			group.Wait()
			return errors.Join(errs...)
		},
		Heal: j.startAll,
		Probe: func(ctx context.Context) Finding {
			answer := 0
			for _, s := range servers {
				if _, err := s.Mode(ctx); err == nil {
					answer++
				}
			}
			if err := j.startAll(ctx); err != nil {
				return Found(false, "%v", err)
			}
			var after []string
			err := await(ctx, "all servers run", func(ctx context.Context) bool {
				now, err := j.pids(ctx)
				after = now
				return err == nil && !slices.Contains(now, "")
			})
			if err != nil {
				return Found(false, "%v", err)
			}
			n := renewed(before, after)
			return Found(answer == 0 && n == len(servers), "%d of %d servers answered, %d have a new process", answer, len(servers), n).
				With("answered", answer).With("new processes", n)
		},
	}, nil
}
