package harness

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/subject"
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
func (c *Setup) UseProfile(name string, given func(option string) bool) error {
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
		_, most := c.mostHolders()
		c.Holders = min(p.Holders, most)
	}
	return nil
}

// ProfileFaults are the faults that need servers of this profile.
func (c Setup) ProfileFaults() []nemesis.Kind {
	p := c.profile()
	var kinds []nemesis.Kind
	if p.Holders > 0 && c.Subject.Workload.Has(holds) {
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

func holds(r subject.Role) bool { return r.Holds }

// mostHolders is the role whose participants may hold long-lived things and do nothing
// else, and how many of them may: one must do the rest.
func (c Setup) mostHolders() (subject.Role, int) {
	for _, r := range c.Subject.Workload.Roles {
		if r.Holds {
			return r, max(c.Participants[r.Name]-1, 0)
		}
	}
	return subject.Role{}, 0
}

// holders are the participants that only hold long-lived things: the last ones.
func (c Setup) holders() []string {
	role, _ := c.mostHolders()
	var names []string
	for i := c.Participants[role.Name] - c.Holders; i < c.Participants[role.Name]; i++ {
		names = append(names, named(role, i+1))
	}
	return names
}

// common is the part of the configuration that all participants share.
func (c Setup) common() (participant.Config, error) {
	p := c.profile()
	config := participant.Config{
		Recipe: c.Recipe, SessionTimeout: c.SessionTimeout, Secret: p.Secret, Secured: p.Secured, MaxRequest: p.Most,
	}
	if c.Subject.Workload.Options == nil {
		return config, nil
	}
	return config.With(c.Subject.Workload.Options(c.run()))
}
