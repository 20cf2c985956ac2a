package harness

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkclient"
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
	Recipe         string          `json:"recipe"` // the name of the subject
	Seed           uint64          `json:"seed"`
	Time           time.Duration   `json:"time"` // of the load, in ns
	Servers        int             `json:"servers"`
	Participants   map[string]int  `json:"participants"` // of each role, by its name
	Rate           float64         `json:"rate"`         // objects per second, of all participants that submit together
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
	Holders        int             `json:"holders,omitempty"` // how many participants of the role that holds do nothing else
}

// Setup is a Config, and the subject that it names.
type Setup struct {
	Config
	Subject subject.Subject
}

// Defaults is the Setup of a plain run; the caller chooses the seed.
func Defaults(s subject.Subject) Setup {
	all, _ := nemesis.Parse("all")
	config := Config{
		Recipe: s.Name, Time: time.Minute, Servers: 3, Participants: map[string]int{}, Nemesis: all,
		Ensemble: Docker, Out: "results", SessionTimeout: 3 * time.Second, TickTime: 500 * time.Millisecond,
	}
	for _, r := range s.Workload.Roles {
		config.Participants[r.Name] = r.Count
	}
	if s.Workload.Has(submits) {
		config.Rate = 60
	}
	return Setup{config, s}
}

func submits(r subject.Role) bool { return r.Submits }

// Validate names each wrong option and the remedy. Faults that are impossible with the
// configuration are an error; see DropImpossible.
func (c Setup) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.checkTimes(bad)
	c.checkParticipants(bad)
	if err := nemesis.Validate(c.Schedule); err != nil {
		bad("schedule: %w", err)
	}
	for i, f := range c.Schedule {
		if f.Start >= c.Time {
			bad("schedule: fault %d (%s) starts at %v, but the load lasts %v: use a longer --time", i+1, f.Kind, f.Start, c.Time)
		}
	}
	switch c.Ensemble {
	case Docker:
		if !slices.Contains([]int{1, 3, 5}, c.Servers) {
			bad("--servers %d: use 1, 3 or 5", c.Servers)
		}
		if len(c.Connect) > 0 {
			bad("--connect: this option needs --ensemble external")
		}
	case Memory:
		if len(c.Connect) > 0 {
			bad("--connect: this option needs --ensemble external")
		}
	case External:
		if len(c.Connect) == 0 {
			bad("--ensemble external needs --connect host:port,...")
		} else if _, err := c.external(); err != nil {
			bad("%w", err)
		}
	default:
		bad("--ensemble %q: use docker, external or memory", c.Ensemble)
	}
	c.checkProfile(bad)
	c.checkMixed(bad)
	c.checkFaults(bad)
	return exit.With(exit.WrongUse, errors.Join(errs...))
}

// checkTimes checks the load, and what the servers are asked for.
func (c Setup) checkTimes(bad func(format string, args ...any)) {
	if c.Time < time.Second {
		bad("--time %v: use at least 1s", c.Time)
	}
	const leastTick, longestTick = 10 * time.Millisecond, time.Hour
	if c.TickTime < leastTick || c.TickTime > longestTick {
		bad("--tick-time %v: use %v to %v", c.TickTime, leastTick, longestTick)
		return
	}
	low, high := 2*c.TickTime, 20*c.TickTime
	switch {
	case c.Ensemble == Docker && (c.SessionTimeout < low || c.SessionTimeout > high):
		bad("--session-timeout %v: the servers allow %v to %v (2 to 20 ticks)", c.SessionTimeout, low, high)
	case c.SessionTimeout < leastSession || c.SessionTimeout > mostSession:
		bad("--session-timeout %v: use %v to %v", c.SessionTimeout, leastSession, mostSession)
	}
}

// Bounds of --session-timeout. A run waits for sessions of dead participants, so they may not
// last many times as long as its load.
const leastSession, mostSession = 100 * time.Millisecond, 10 * time.Minute

// external are the servers of --connect, as host:port.
func (c Config) external() ([]string, error) {
	servers, path, err := zkclient.ParseServers(strings.Join(c.Connect, ","))
	if err != nil {
		return nil, fmt.Errorf("--connect: %w", err)
	}
	if path != "" {
		return nil, fmt.Errorf("--connect: leave the path %s out, because each run makes a namespace of its own", path)
	}
	return servers, nil
}

// checkParticipants checks who takes part, and how much they do.
func (c Setup) checkParticipants(bad func(format string, args ...any)) {
	work := c.Subject.Workload
	if err := work.Validate(); err != nil {
		bad("the recipe %s: %w", c.Subject.Name, err)
		return
	}
	for _, g := range c.groups() {
		if n := g.count; n < g.role.Least || n > g.role.Most {
			bad("--%s %d: use %d to %d", g.role.Flag(), n, g.role.Least, g.role.Most)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Participants)) {
		if _, known := work.Role(name); !known {
			bad("the recipe %s has no role %q", c.Subject.Name, name)
		}
	}
	if work.Check != nil {
		if err := work.Check(c.run()); err != nil {
			bad("%w", err)
		}
	}
	if _, err := c.common(); err != nil {
		bad("%w", err)
	}
	if work.Has(submits) && !(c.Rate >= 0.1 && c.Rate <= 10000) { // NaN fails both comparisons
		bad("--rate %v: use 0.1 to 10000 %s a second", c.Rate, c.Subject.Things())
	}
}

// run is what the subject is told of the run.
func (c Setup) run() subject.Run {
	return subject.Run{
		Seed: c.Seed, Time: c.Time, Counts: c.Participants, Holders: c.holders(), Rate: c.Rate,
		SessionTimeout: c.SessionTimeout, MaxRequest: c.profile().Most,
	}
}

// checkProfile checks the profile of the servers and the options that belong to it.
func (c Setup) checkProfile(bad func(format string, args ...any)) {
	if _, err := ensemble.ProfileNamed(c.Profile); err != nil {
		bad("--server-profile: %w", err)
	} else if c.Ensemble != Docker && c.Profile != "" && c.Profile != ensemble.Kind {
		bad("--server-profile %s: only --ensemble docker can set up servers", c.Profile)
	}
	if c.Holders != 0 && !c.Subject.Workload.Has(holds) {
		bad("--holders %d: the recipe %s has no role that holds something long-lived", c.Holders, c.Subject.Name)
	} else if role, most := c.mostHolders(); c.Holders < 0 || c.Holders > most {
		bad("--holders %d: use 0 to %d: one of --%s %d must do ordinary work", c.Holders, most, role.Flag(), c.Participants[role.Name])
	}
	if c.Holders == 0 && slices.Contains(c.Nemesis, nemesis.IsolateHolder) {
		bad("--nemesis %s --holders 0: this fault needs a participant that only holds long-lived %s; use --holders 1 or more", nemesis.IsolateHolder, c.Subject.Things())
	}
}

// checkMixed checks that another build can take part.
func (c Setup) checkMixed(bad func(format string, args ...any)) {
	switch {
	case c.Mixed == "":
	case c.Ensemble == Memory:
		bad("--mixed %s: in memory all participants run in one process; use --ensemble docker", c.Mixed)
	case !slices.ContainsFunc(c.groups(), func(g group) bool { return g.count > 1 }):
		bad("--mixed %s: the other build runs every second participant of a role; use 2 participants or more in a role", c.Mixed)
	default:
		if _, err := otherBuild(c.Mixed); err != nil {
			bad("%w", err)
		}
	}
}

// checkFaults reports faults that are impossible with the configuration.
func (c Setup) checkFaults(bad func(format string, args ...any)) {
	recipe := c.Subject.Workload.ForNemesis()
	without := map[string][]nemesis.Kind{}
	for _, k := range c.Nemesis {
		if why := recipe.Refuses(k); why != "" {
			without[why] = append(without[why], k)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(without)) {
		bad("--nemesis %s: the recipe %s has %s", join(without[why]), c.Subject.Name, why)
	}
	for i, f := range c.Schedule {
		if role := f.Aim(recipe.Lacks...); slices.Contains(recipe.Lacks, role) {
			bad("schedule: fault %d (%s): the recipe %s has no %s", i+1, f.Kind, c.Subject.Name, role)
		}
	}
	refused := c.refused()
	if len(refused) == 0 {
		return
	}
	switch c.Ensemble {
	case External:
		bad("--nemesis %s: %w", join(refused), ensemble.ErrExternal)
	case Memory:
		bad("--nemesis %s: in memory there is no server and no process to break; use --ensemble docker", join(refused))
	default:
		if slices.Contains(refused, nemesis.ExhaustQuota) && c.servers() >= 3 {
			bad("--nemesis %s: these servers enforce no quota; use --server-profile quota", nemesis.ExhaustQuota)
			return
		}
		bad("--nemesis %s: %d server has no quorum to keep; use --servers 3 or 5", join(refused), c.Servers)
	}
}

// DropImpossible removes the faults that the configuration cannot have, except those
// that the options name.
func (c *Setup) DropImpossible(named []nemesis.Kind) {
	refused, recipe := c.refused(), c.Subject.Workload.ForNemesis()
	for _, k := range c.Nemesis {
		if recipe.Refuses(k) != "" {
			refused = append(refused, k)
		}
	}
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
func (c Setup) refused() []nemesis.Kind {
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

// policy has the limits that the participants are given.
func (c Setup) policy() record.Policy {
	if c.Subject.Workload.Policy == nil {
		return record.Policy{}
	}
	return c.Subject.Workload.Policy(c.run())
}

// group is a role and its number of participants.
type group struct {
	role  subject.Role
	count int
}

// groups lists the participants.
func (c Setup) groups() []group {
	var all []group
	for _, r := range c.Subject.Workload.Roles {
		all = append(all, group{r, c.Participants[r.Name]})
	}
	return all
}

// named is the name of the n-th participant of a role.
func named(r subject.Role, n int) string { return fmt.Sprintf("%s-%d", r.Name, n) }

// seedOf is a participant's own seed: clients must not all submit the same.
func (c Config) seedOf(name string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return c.Seed ^ hash.Sum64()
}

// plan is the schedule of the run. Of a role that leads and works, one half counts as
// leading and the other half as working.
func (c Setup) plan() []nemesis.Fault {
	if c.Schedule != nil {
		return nemesis.ByStart(c.Schedule)
	}
	o := nemesis.Options{
		Kinds: c.Nemesis, First: c.ProfileFaults(), Total: c.Time, Servers: c.servers(),
		SessionTimeout: c.SessionTimeout, ServerPatience: c.profile().Patience(c.TickTime), Lacks: c.Subject.Workload.ForNemesis().Lacks,
	}
	for _, g := range c.groups() {
		switch {
		case g.role.Leads && g.role.Works:
			o.Masters, o.Workers = o.Masters+g.count/2, o.Workers+g.count-g.count/2
		case g.role.Leads:
			o.Masters += g.count
		case g.role.Works:
			o.Workers += g.count
		}
		if g.role.Submits {
			o.Clients += g.count
		}
	}
	return nemesis.Plan(c.Seed, o)
}

// sleeps reports whether machines of participants may sleep.
func (c Config) sleeps() bool {
	return slices.Contains(c.Nemesis, nemesis.SleepWorker) ||
		slices.ContainsFunc(c.Schedule, func(f nemesis.Fault) bool { return f.Kind == nemesis.SleepWorker })
}
