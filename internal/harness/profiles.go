package harness

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// profileStream separates a profile's draws from the seed from other draws.
const profileStream = 0x9f0f11e

// The session timeouts that a profile with its own tick draws from. The shortest is the
// least that servers with that tick allow. With the longest, a session still ends well
// before a server that is cut off stops serving.
const (
	shortestTimeout = 4 * time.Second
	longestTimeout  = 6 * time.Second
)

// UseProfile sets the options that a profile of the servers asks for (tick-time,
// session-timeout and holders), unless they were given. A profile that is drawn is
// drawn from the seed. The servers of ensembles other than docker stay as they are.
func (c *Config) UseProfile(name string, given func(option string) bool) error {
	rng := rand.New(rand.NewPCG(c.Seed, profileStream))
	possible := ensemble.Drawn()
	drawn, timeout := possible[rng.IntN(len(possible))], shortestTimeout+time.Duration(rng.Int64N(int64(longestTimeout-shortestTimeout)))
	p := drawn
	switch {
	case name != ensemble.AnyProfile:
		var err error
		if p, err = ensemble.ProfileNamed(name); err != nil {
			return fmt.Errorf("--server-profile: %w", err)
		}
	case c.Ensemble != Docker:
		p = ensemble.Profiles[0]
	}
	c.Profile = p.Name
	if p.Tick > 0 && !given("tick-time") {
		c.TickTime = p.Tick
	}
	if p.Tick > 0 && !given("session-timeout") {
		c.SessionTimeout = timeout.Round(100 * time.Millisecond)
	}
	if p.Holders > 0 && !given("holders") {
		c.Holders = min(p.Holders, max(c.Workers-1, 0))
	}
	return nil
}

// ProfileFaults are the faults that need servers of this profile.
func (c Config) ProfileFaults() []nemesis.Kind {
	p := c.profile()
	var kinds []nemesis.Kind
	if p.Holders > 0 {
		kinds = append(kinds, nemesis.IsolateHolder)
	}
	if p.Namespace != "" {
		kinds = append(kinds, nemesis.ExhaustQuota)
	}
	return kinds
}

// profile is the profile of the servers.
func (c Config) profile() ensemble.Profile {
	p, err := ensemble.ProfileNamed(c.Profile)
	if err != nil {
		return ensemble.Profiles[0] // Validate has refused the name
	}
	return p
}

// holders are the workers that only hold resident tasks: the last ones.
func (c Config) holders() []string {
	var names []string
	for i := c.Workers - c.Holders; i < c.Workers; i++ {
		names = append(names, fmt.Sprintf("%s-%d", participant.Worker, i+1))
	}
	return names
}

// residents is how many resident tasks each client submits. If some workers do nothing
// else, every worker gets one.
func (c Config) residents() int {
	if c.Holders == 0 {
		return 1
	}
	return (c.Workers+c.Nodes)/max(c.Clients, 1) + 1
}

// common is the part of the configuration that all participants share.
func (c Config) common() participant.Config {
	p := c.profile()
	return participant.Config{
		SessionTimeout: c.SessionTimeout, Rate: c.Rate / float64(c.Clients), Retention: c.retention(),
		Holders: c.holders(), Residents: c.residents(), Secret: p.Secret, Secured: p.Secured, MaxRequest: p.Most, Large: p.Most > 0,
	}
}
