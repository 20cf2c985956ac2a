package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// Dev is the command dev: a ZooKeeper in memory, and perhaps a group beside it.
type Dev struct {
	Listen  string // of the first server; the others get the ports behind it
	Members int
	Data    string // the directory that keeps the state; "" keeps it in memory only
	Faults  string
	Seed    uint64 // of what the faults choose at random; 0 stands for any
	Group   bool   // run a master, and a worker if it has a command
	Role    Role   // of the worker
}

// childEnds is how long a command that was told to end may take.
const childEnds = 10 * time.Second

// Run serves until ctx ends or, if there is a command to run, until that ends. It returns the
// exit code of the command as an error with that code.
func (d *Dev) Run(ctx context.Context, o *Options, streams Streams, command []string) error {
	log, err := o.logger()
	if err != nil {
		return err
	}
	if d.Members < 1 {
		return misuse("dev: --members %d: give 1 or more", d.Members)
	}
	faults, err := d.faults()
	if err != nil {
		return err
	}
	listeners, err := d.listeners(len(command) > 0)
	if err != nil {
		return err
	}
	if d.Seed == 0 {
		d.Seed = uint64(time.Now().UnixNano())
	}
	ensemble, err := serve.Open(d.Data, serve.Options{Members: d.Members, Seed: d.Seed, Log: log})
	if err != nil {
		return misuse("dev: --data %q: %w", d.Data, err)
	}
	defer ensemble.Close()
	ctx, stop := whileKept(ctx, ensemble)
	defer stop()
	for _, f := range faults {
		if _, err := ensemble.Inject(f); err != nil {
			return misuse("dev: --faults: %w", err)
		}
	}
	if len(faults) > 0 {
		log.Info("faults begin", "faults", d.Faults, "seed", d.Seed)
	}
	o.Servers = nil
	for i, l := range listeners {
		o.Servers = append(o.Servers, l.Addr().String())
		go func() {
			if err := ensemble.Members()[i].Serve(l); !errors.Is(err, serve.ErrStopped) {
				log.Error("a server has ended", "error", err)
			}
		}()
	}
	stopGroup, err := d.startGroup(o, log)
	if err != nil {
		return err
	}
	defer stopGroup()
	if len(command) > 0 {
		return d.outcome(ensemble, runChild(ctx, streams, command, strings.Join(o.Servers, ",")))
	}
	if err := printf(streams.Out, "export RINGMASTER_SERVERS=%s\n", strings.Join(o.Servers, ",")); err != nil {
		return err
	}
	<-ctx.Done()
	return d.outcome(ensemble, nil)
}

// whileKept is ctx, which also ends when the state cannot be kept any more.
func whileKept(ctx context.Context, ensemble *serve.Ensemble) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		select {
		case <-ensemble.Failed():
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// outcome is why the state could not be kept; if it was kept, it is the other error.
func (d *Dev) outcome(ensemble *serve.Ensemble, other error) error {
	if err := ensemble.Err(); err != nil {
		return fmt.Errorf("dev: --data %q: %w", d.Data, err)
	}
	return other
}

// faults are those that were asked for.
func (d *Dev) faults() ([]serve.Fault, error) {
	if d.Faults == "" {
		if d.Seed != 0 {
			return nil, misuse("dev: --seed is of what --faults choose at random: give --faults, too")
		}
		return nil, nil
	}
	faults, err := serve.ParseFaults(d.Faults)
	if err != nil {
		return nil, misuse("dev: --faults: %w", err)
	}
	return faults, nil
}

// listeners opens the ports. A command of its own gets free ports, unless some were asked for.
func (d *Dev) listeners(forCommand bool) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(d.Listen)
	first, bad := strconv.Atoi(port)
	if d.Listen == "" {
		host, first, err, bad = "127.0.0.1", 2181, nil, nil
		if forCommand {
			first = 0
		}
	}
	if err != nil || bad != nil || first < 0 || first+d.Members-1 > 65535 {
		return nil, misuse("dev: --listen %q: give an address and a port, such as 127.0.0.1:2181; port 0 is any that is free", d.Listen)
	}
	var all []net.Listener
	for i := range d.Members {
		at := first
		if first != 0 {
			at += i
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(at)))
		if err != nil {
			for _, l := range all {
				_ = l.Close() // nobody has connected yet
			}
			return nil, misuse("dev: %w: give another port with --listen, or end what uses this one", err)
		}
		all = append(all, l)
	}
	return all, nil
}

// startGroup runs a master, and a worker, in this process, if they are wanted. The function that
// it returns asks them to leave, and waits for them.
func (d *Dev) startGroup(o *Options, log *slog.Logger) (stop func(), err error) {
	if !d.Group && d.Role.Command == "" {
		return func() {}, nil
	}
	ctx, leave := context.WithCancel(context.Background())
	var running sync.WaitGroup
	start := func(role string, run func() error) {
		running.Go(func() {
			if err := run(); err != nil {
				log.Error("a role has ended", "role", role, "error", err)
			}
		})
	}
	own := *o // check turns the options into what they mean, once for each role
	master := Role{Name: "m1", Strategy: d.Role.Strategy, Master: d.Role.Master}
	start("master", func() error { return master.RunMaster(ctx, &own) })
	if d.Role.Command != "" {
		worker, own := d.Role, *o
		worker.Name = "w1"
		start("worker", func() error { return worker.RunWorker(ctx, &own) })
	}
	return func() {
		leave()
		running.Wait()
	}, nil
}

// runChild runs a command that is told where the servers are, and ends as it ends.
func runChild(ctx context.Context, streams Streams, command []string, servers string) error {
	child := exec.CommandContext(ctx, command[0], command[1:]...)
	child.Env = append(os.Environ(), "RINGMASTER_SERVERS="+servers, "ZK_SERVERS="+servers)
	child.Stdin, child.Stdout, child.Stderr = streams.In, streams.Out, streams.Err
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = childEnds
	err := child.Run()
	failed, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case exited && failed.Exited():
		return exit.With(exit.Code(failed.ExitCode()), errChild)
	case exited:
		signal := failed.Sys().(syscall.WaitStatus).Signal()
		const bySignal = 128 // as shells report it
		return exit.With(exit.Code(bySignal+int(signal)), errChild)
	}
	return misuse("dev: the command cannot be run: %w", err)
}
