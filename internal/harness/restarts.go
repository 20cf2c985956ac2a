package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// startAll has every server run that does not.
func (r *run) startAll(ctx context.Context) error {
	return each(r.ensemble.Servers, func(s *ensemble.Server) error { return s.Restart(ctx) })
}

// pids are the processes of all servers, empty for one that has none.
func (r *run) pids(ctx context.Context) (all []string, err error) {
	err = each(r.ensemble.Servers, func(s *ensemble.Server) error {
		pid, err := s.Process(ctx)
		all = append(all, pid)
		return err
	})
	return all, err
}

// renewed counts the servers that have another process than before.
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
// on a machine that has much else to do.
const startPatience = 20 * time.Second

// roll stops and starts one server after the other. Each begins when all of them serve,
// and none when load has ended.
func (r *run) roll(load context.Context, fault nemesis.Fault) (deed, error) {
	order, err := r.fitServers(load, fault)
	if err != nil {
		return deed{}, err
	}
	before, err := r.pids(load)
	if err != nil {
		return deed{}, err
	}
	var rolling *errand
	most := 0 // down at once
	step := func(ctx context.Context, s *ensemble.Server) error {
		if err := r.ensemble.WaitServing(ctx, len(order)); err != nil {
			return err
		}
		if load.Err() != nil {
			return fmt.Errorf("the load ended before %s", s.Name)
		}
		if err := s.Quit(ctx); err != nil {
			return err
		}
		now, err := r.pids(ctx)
		most = max(most, len(slices.DeleteFunc(now, func(pid string) bool { return pid != "" })))
		return errors.Join(err, s.Restart(ctx))
	}
	return deed{
		target: serverNames(order), takes: time.Duration(len(order)) * startPatience,
		apply: func(ctx context.Context) error {
			rolling = begin(func() error {
				for _, s := range order {
					if err := step(ctx, s); err != nil {
						return err
					}
				}
				return r.ensemble.WaitServing(ctx, len(order))
			})
			return nil
		},
		heal: r.startAll,
		probe: func(ctx context.Context) finding {
			err := rolling.end()
			after, unknown := r.pids(ctx)
			if err := errors.Join(err, unknown); err != nil {
				return found(false, "%v", err)
			}
			n := renewed(before, after)
			return found(n == len(order) && most == 1, "%d of %d servers have a new process, at most %d was down at once", n, len(order), most).
				with("new processes", n).with("down at once", most)
		},
	}, nil
}

// restartAll kills all servers at once. That they come back is part of the proof.
func (r *run) restartAll(ctx context.Context, _ nemesis.Fault) (deed, error) {
	before, err := r.pids(ctx)
	if err != nil {
		return deed{}, err
	}
	servers := r.ensemble.Servers
	return deed{
		target: serverNames(servers),
		apply: func(ctx context.Context) error {
			errs := make([]error, len(servers))
			var group sync.WaitGroup
			for i, s := range servers {
				group.Go(func() { errs[i] = s.Kill(ctx) })
			}
			group.Wait()
			return errors.Join(errs...)
		},
		heal: r.startAll,
		probe: func(ctx context.Context) finding {
			answer := 0
			for _, s := range servers {
				if _, err := s.Status(ctx); err == nil {
					answer++
				}
			}
			if err := r.startAll(ctx); err != nil {
				return found(false, "%v", err)
			}
			var after []string
			err := await(ctx, "all servers run", func(ctx context.Context) bool {
				now, err := r.pids(ctx)
				after = now
				return err == nil && !slices.Contains(now, "")
			})
			if err != nil {
				return found(false, "%v", err)
			}
			n := renewed(before, after)
			return found(answer == 0 && n == len(servers), "%d of %d servers answered, %d have a new process", answer, len(servers), n).
				with("answered", answer).with("new processes", n)
		},
	}, nil
}
