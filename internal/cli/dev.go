package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/internal/signals"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// Dev is the command dev: a ZooKeeper in memory, and perhaps a group beside it.
type Dev struct {
	Listen             string // of the first server; the others get the ports behind it
	Members, Observers int
	ReadOnlyMode       bool   // servers without a leader serve read-only clients
	TLSCert, TLSKey    string // PEM files of the servers; "" is no TLS
	TLSCA              string // PEM file of the authority of clients that must show a certificate; "": they need none
	Data               string // the directory that keeps the state; "" keeps it in memory only
	Faults             string
	Seed               uint64 // of what the faults choose at random; 0 stands for any
	Group              bool   // run a master, and a worker if it has a command
	Role               Role   // of the worker
}

// Run serves until ctx ends or, if there is a command to run, until that ends. It returns the
// exit code of the command as an error with that code.
func (d *Dev) Run(ctx context.Context, o *Options, streams Streams, command []string) error {
	log, err := o.logger()
	if err != nil {
		return err
	}
	faults, err := d.check(o)
	if err != nil {
		return err
	}
	secure, err := d.tls()
	if err != nil {
		return err
	}
	listeners, err := d.listeners(len(command) > 0)
	if err != nil {
		return err
	}
	ensemble, err := serve.Open(d.Data, serve.Options{Members: d.Members, Observers: d.Observers, ReadOnlyMode: d.ReadOnlyMode, Seed: d.Seed, Log: log})
	if err != nil {
		return misuse("dev: --data %q: %w", d.Data, err)
	}
	defer ensemble.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	go d.watch(ctx, ensemble, fail)
	for _, f := range faults {
		if _, err := ensemble.Inject(f); err != nil {
			return misuse("dev: --faults: %s", inFlags.Replace(err.Error()))
		}
	}
	if len(faults) > 0 {
		log.Info("faults are injected", "faults", d.Faults, "seed", d.Seed)
	}
	o.Servers = serveAll(ensemble, d.secure(listeners, secure), log)
	if len(command) > 0 {
		d.Role.Drain = 0 // the user waits for the command, and not for tasks
	}
	group := *o
	if secure != nil && d.hasGroup() {
		if group.Servers, err = d.servePlain(ensemble, log); err != nil {
			return err
		}
	}
	defer d.startGroup(&group, log, fail)()
	if len(command) > 0 {
		return runChild(ctx, log, streams, command, strings.Join(o.Servers, ","))
	}
	if err := printf(streams.Out, "export RINGMASTER_SERVERS=%s\n", strings.Join(o.Servers, ",")); err != nil {
		return err
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !exit.Given(cause, exit.Interrupted) {
		return cause // of a role, or of the disk
	}
	log.Info(stopping)
	return nil
}

// serveAll lets each server accept connections, and returns their addresses.
func serveAll(ensemble *serve.Ensemble, listeners []net.Listener, log *slog.Logger) []string {
	var servers []string
	for i, l := range listeners {
		servers = append(servers, reachable(l.Addr()))
		go func() {
			if err := ensemble.Members()[i].Serve(l); !errors.Is(err, serve.ErrStopped) {
				log.Error("a server has ended", "error", err)
			}
		}()
	}
	return servers
}

// watch calls fail when the state cannot be kept any more.
func (d *Dev) watch(ctx context.Context, ensemble *serve.Ensemble, fail context.CancelCauseFunc) {
	select {
	case <-ensemble.Failed():
		fail(fmt.Errorf("dev: --data %q: %w", d.Data, ensemble.Err()))
	case <-ctx.Done():
	}
}

// inFlags names options as they are on the command line.
var inFlags = strings.NewReplacer("serve: ", "", "Options.Members", "--members", "Options.Observers", "--observers")

// runChild runs a command that is told where the servers are, and ends as it ends.
func runChild(ctx context.Context, log *slog.Logger, streams Streams, command []string, servers string) error {
	child := shell.Child{
		Command: command, Env: append(os.Environ(), "RINGMASTER_SERVERS="+servers, "ZK_SERVERS="+servers),
		In: streams.In, Out: streams.Out, Err: streams.Err, Signal: signals.Cause, Log: log,
	}
	code, err := child.Run(ctx)
	switch cause := context.Cause(ctx); {
	case err != nil:
		return misuse("dev: the command cannot be run: %w", err)
	case ctx.Err() != nil && !exit.Given(cause, exit.Interrupted):
		return cause // of a role that has ended by itself, so that the command was told to end
	case code != 0:
		return exit.With(exit.Code(code), errChild)
	}
	return nil
}

// check checks the options before anything is started, and reads the faults.
func (d *Dev) check(o *Options) ([]serve.Fault, error) {
	if d.Members < 1 {
		return nil, misuse("dev: --members %d: give 1 or more", d.Members)
	}
	if d.Observers < 0 {
		return nil, misuse("dev: --observers %d: give 0 or more", d.Observers)
	}
	if d.ReadOnlyMode && d.Members+d.Observers == 1 {
		return nil, misuse("dev: --read-only-mode: a single server has no others to lose: give --members 3, too")
	}
	if d.Role.Command != "" && strings.TrimSpace(d.Role.Command) == "" {
		return nil, misuse("dev: --exec %q: give the command to run for each task", d.Role.Command)
	}
	own := *o // check turns the options into what they mean, once for each role
	own.Servers = []string{"localhost"}
	if err := own.check(); err != nil {
		return nil, err
	}
	if d.Faults == "" {
		if d.Seed != 0 {
			return nil, misuse("dev: --seed is of what --faults choose at random: give --faults, too")
		}
		return nil, nil
	}
	if d.Seed == 0 {
		d.Seed = uint64(time.Now().UnixNano())
	}
	faults, err := serve.ParseFaults(d.Faults)
	if err != nil {
		return nil, misuse("dev: --faults: %s", inFlags.Replace(err.Error()))
	}
	return faults, nil
}

// reachable is the address at which a client of this machine finds a listener.
func reachable(at net.Addr) string {
	tcp, known := at.(*net.TCPAddr)
	if !known || !tcp.IP.IsUnspecified() {
		return at.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
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
	const highest = 65535
	servers := d.Members + d.Observers
	switch {
	case err != nil || bad != nil || first < 0 || first > highest:
		return nil, misuse("dev: --listen %q: give an address and a port, such as 127.0.0.1:2181; port 0 is any that is free", d.Listen)
	case first != 0 && first+servers-1 > highest:
		return nil, misuse("dev: --listen %q: the ports of %d servers end above %d: give a lower port, or 0 for free ones", d.Listen, servers, highest)
	}
	var all []net.Listener
	for i := range servers {
		at := first
		if first != 0 {
			at += i
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(at)))
		if err != nil {
			for _, l := range all {
				_ = l.Close() // nobody has connected yet
			}
			remedy := "give an address of this machine with --listen"
			if errors.Is(err, syscall.EADDRINUSE) {
				remedy = "give another port with --listen, or end what uses this one"
			}
			return nil, misuse("dev: %w: %s", err, remedy)
		}
		all = append(all, l)
	}
	return all, nil
}

// hasGroup reports whether there are roles in this process.
func (d *Dev) hasGroup() bool { return d.Group || d.Role.Command != "" }

// startGroup runs a master, and a worker, in this process, if they are wanted. A role that ends
// by itself calls fail. The function that it returns asks the roles to leave, and waits for
// them.
func (d *Dev) startGroup(o *Options, log *slog.Logger, fail context.CancelCauseFunc) (stop func()) {
	if !d.hasGroup() {
		return func() {}
	}
	ctx, leave := context.WithCancel(context.Background())
	var running sync.WaitGroup
	start := func(role string, run func(*Options) error) {
		own := *o // check turns the options into what they mean, once for each role
		running.Go(func() {
			if err := run(&own); err != nil {
				log.Error("a role has ended, so dev ends", "role", role, "error", err)
				fail(err)
			}
		})
	}
	master := Role{Name: "m1"}
	start("master", func(own *Options) error { return master.RunMaster(ctx, own) })
	if d.Role.Command != "" {
		worker := d.Role
		worker.Name = "w1"
		start("worker", func(own *Options) error { return worker.RunWorker(ctx, own) })
	}
	return func() {
		leave()
		running.Wait()
	}
}
