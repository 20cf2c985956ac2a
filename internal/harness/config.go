package harness

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Kinds of ensemble.
const (
	Docker   = record.Docker
	External = record.External
	Memory   = record.Memory
)

// Config is every option of a run. It is stored with the run, and a run with the
// same Config has the same workload and the same schedule.
type Config struct {
	Seed           uint64          `json:"seed"`
	Time           time.Duration   `json:"time"` // of the load, in ns
	Servers        int             `json:"servers"`
	Masters        int             `json:"masters"`
	Workers        int             `json:"workers"`
	Clients        int             `json:"clients"`
	Nodes          int             `json:"nodes"` // equal nodes, which are candidates and work
	Rate           float64         `json:"rate"`  // tasks per second, of all clients together
	Nemesis        []nemesis.Kind  `json:"nemesis"`
	Schedule       []nemesis.Fault `json:"schedule,omitempty"` // instead of a schedule drawn from the seed
	Ensemble       string          `json:"ensemble"`
	Connect        []string        `json:"connect,omitempty"` // servers of an external ensemble
	Image          string          `json:"image,omitempty"`   // as asked for
	Out            string          `json:"out"`
	SessionTimeout time.Duration   `json:"session_timeout"` // as asked for, in ns
	TickTime       time.Duration   `json:"tick_time"`       // of the servers, in ns
	Profile        string          `json:"server_profile,omitempty"`
	Mixed          string          `json:"mixed,omitempty"`   // another torture command, which runs every second participant of each role
	Holders        int             `json:"holders,omitempty"` // how many of the workers hold resident tasks and do nothing else
}

// Defaults is the Config of a plain run; the caller chooses the seed.
func Defaults() Config {
	all, _ := nemesis.Parse("all")
	return Config{
		Time: time.Minute, Servers: 3, Masters: 2, Workers: 3, Clients: 3, Nodes: 2, Rate: 60, Nemesis: all,
		Ensemble: Docker, Out: "results", SessionTimeout: 3 * time.Second, TickTime: 500 * time.Millisecond,
	}
}

// Validate names each wrong option and the remedy. Faults that are impossible with the
// configuration are an error; see DropImpossible.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Time < time.Second {
		bad("--time %v: use at least 1s", c.Time)
	}
	for _, n := range []struct {
		flag  string
		value int
		least int
		most  int
	}{{"--masters", c.Masters, 0, 50}, {"--workers", c.Workers, 0, 100}, {"--nodes", c.Nodes, 0, 50}, {"--clients", c.Clients, 1, 50}} {
		if n.value < n.least || n.value > n.most {
			bad("%s %d: use %d to %d", n.flag, n.value, n.least, n.most)
		}
	}
	if c.Nodes < 2 && (c.Masters == 0 || c.Workers == 0) {
		bad("--masters %d --workers %d --nodes %d: somebody must lead and somebody work: give masters and workers, or at least 2 nodes", c.Masters, c.Workers, c.Nodes)
	}
	if !(c.Rate >= 0.1 && c.Rate <= 10000) { // NaN fails both comparisons
		bad("--rate %v: use 0.1 to 10000 tasks a second", c.Rate)
	}
	if err := nemesis.Validate(c.Schedule); err != nil {
		bad("schedule: %w", err)
	}
	for i, f := range c.Schedule {
		if f.Start >= c.Time {
			bad("schedule: fault %d (%s) starts at %v, and the load lasts %v: use --time", i+1, f.Kind, f.Start, c.Time)
		}
	}
	switch c.Ensemble {
	case Docker:
		if !slices.Contains([]int{1, 3, 5}, c.Servers) {
			bad("--servers %d: use 1, 3 or 5", c.Servers)
		}
		if len(c.Connect) > 0 {
			bad("--connect is for --ensemble external")
		}
		if low, high := 2*c.TickTime, 20*c.TickTime; c.SessionTimeout < low || c.SessionTimeout > high {
			bad("--session-timeout %v: the servers allow %v to %v (2 to 20 ticks)", c.SessionTimeout, low, high)
		}
	case Memory:
		if len(c.Connect) > 0 {
			bad("--connect is for --ensemble external")
		}
	case External:
		if len(c.Connect) == 0 {
			bad("--ensemble external needs --connect host:port,...")
		}
	default:
		bad("--ensemble %q: use docker, external or memory", c.Ensemble)
	}
	c.checkProfile(bad)
	c.checkMixed(bad)
	c.checkFaults(bad)
	return exit.With(exit.WrongUse, errors.Join(errs...))
}

// checkProfile checks the profile of the servers and the options that belong to it.
func (c Config) checkProfile(bad func(format string, args ...any)) {
	if _, err := ensemble.ProfileNamed(c.Profile); err != nil {
		bad("--server-profile: %w", err)
	} else if c.Ensemble != Docker && c.Profile != "" && c.Profile != ensemble.Kind {
		bad("--server-profile %s: the servers are set up by --ensemble docker only", c.Profile)
	}
	if c.Holders < 0 || c.Holders > max(c.Workers-1, 0) {
		bad("--holders %d: use 0 to %d: one of --workers %d must do ordinary tasks", c.Holders, max(c.Workers-1, 0), c.Workers)
	}
	if c.Holders == 0 && slices.Contains(c.Nemesis, nemesis.IsolateHolder) {
		bad("--nemesis %s --holders 0: it looks for a worker that holds resident tasks and does nothing else; give --holders 1, or more", nemesis.IsolateHolder)
	}
}

// checkMixed checks that another build can take part.
func (c Config) checkMixed(bad func(format string, args ...any)) {
	switch {
	case c.Mixed == "":
	case c.Ensemble == Memory:
		bad("--mixed %s: in memory all participants are one process; use --ensemble docker", c.Mixed)
	case c.Masters < 2 && c.Workers < 2 && c.Nodes < 2 && c.Clients < 2:
		bad("--mixed %s: every second participant of a role is of the other build; give 2 of one role", c.Mixed)
	default:
		if _, err := otherBuild(c.Mixed); err != nil {
			bad("%w", err)
		}
	}
}

// checkFaults reports faults that are impossible with the configuration.
func (c Config) checkFaults(bad func(format string, args ...any)) {
	refused := c.refused()
	if len(refused) == 0 {
		return
	}
	switch c.Ensemble {
	case External:
		bad("--nemesis %s: %w", join(refused), ensemble.ErrExternal)
	case Memory:
		bad("--nemesis %s: in memory there is neither a server nor a process to break; use --ensemble docker", join(refused))
	default:
		if slices.Contains(refused, nemesis.ExhaustQuota) && c.servers() >= 3 {
			bad("--nemesis %s: these servers enforce no quota; use --server-profile quota", nemesis.ExhaustQuota)
			return
		}
		bad("--nemesis %s: with %d server there is no quorum to keep; use --servers 3 or 5", join(refused), c.Servers)
	}
}

// DropImpossible removes the faults that the configuration cannot have, except those
// that the options name.
func (c *Config) DropImpossible(named []nemesis.Kind) {
	refused := c.refused()
	c.Nemesis = slices.DeleteFunc(slices.Clone(c.Nemesis), func(k nemesis.Kind) bool {
		return slices.Contains(refused, k) && !slices.Contains(named, k)
	})
}

// servers is the number of servers.
func (c Config) servers() int {
	if c.Ensemble == External {
		return len(c.Connect)
	}
	return c.Servers
}

// refused are the faults that are impossible on this ensemble.
func (c Config) refused() []nemesis.Kind {
	if c.Ensemble == Memory {
		return nemesis.RefusedInMemory(c.Nemesis)
	}
	refused := nemesis.Refused(c.Nemesis, c.servers(), c.Ensemble == External)
	if slices.Contains(c.Nemesis, nemesis.ExhaustQuota) && !slices.Contains(refused, nemesis.ExhaustQuota) && c.profile().Namespace == "" {
		refused = append(refused, nemesis.ExhaustQuota)
	}
	return refused
}

func join(kinds []nemesis.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ",")
}

// retention is how long masters keep finished tasks. With an odd seed it is so short
// that masters live to see its end. With an even seed it is so long that the final tree
// has all finished tasks.
func (c Config) retention() time.Duration {
	if c.Seed%2 == 1 {
		return 6 * time.Second
	}
	return time.Hour
}

// policy has the limits that the participants are given.
func (c Config) policy() record.Policy {
	return record.Policy{
		Version: record.PolicyVersion, MaxAttempts: participant.MaxAttempts, MaxHandovers: participant.MaxHandovers,
		Concurrency: participant.Concurrency, Retention: c.retention(),
	}
}

// group is a role and its number of participants.
type group struct {
	role  participant.Role
	count int
}

// cast lists the participants.
func (c Config) cast() []group {
	return []group{{participant.Master, c.Masters}, {participant.Worker, c.Workers}, {participant.Node, c.Nodes}, {participant.Client, c.Clients}}
}

// seedOf is a participant's own seed: clients must not all submit the same tasks.
func (c Config) seedOf(name string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return c.Seed ^ hash.Sum64()
}

// plan is the schedule of the run.
func (c Config) plan() []nemesis.Fault {
	if c.Schedule != nil {
		return nemesis.ByStart(c.Schedule)
	}
	return nemesis.Plan(c.Seed, nemesis.Options{
		Kinds: c.Nemesis, First: c.ProfileFaults(), Total: c.Time, Servers: c.servers(), Masters: c.Masters + c.Nodes/2, Workers: c.Workers + c.Nodes - c.Nodes/2, Clients: c.Clients,
		SessionTimeout: c.SessionTimeout, ServerPatience: c.profile().Patience(c.TickTime),
	})
}

// sleeps reports whether machines of participants may sleep.
func (c Config) sleeps() bool {
	return slices.Contains(c.Nemesis, nemesis.SleepWorker) ||
		slices.ContainsFunc(c.Schedule, func(f nemesis.Fault) bool { return f.Kind == nemesis.SleepWorker })
}
