package serve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Injection is a fault that was injected. It is safe for concurrent use.
type Injection struct {
	ensemble  *Ensemble
	fault     Fault
	trait     trait
	dice      *rand.Rand
	effective chan struct{}

	// Guarded by the ensemble's lock:
	ended    bool
	lasts    bool   // it has begun, and is not healed
	target   target // while it lasts
	members  []*Member
	requests int // how many have fitted its moment
	messages int // how many have fitted it
	effects  int
	start    *time.Timer // of its moment
	heal     *time.Timer // of its end
}

// target is whom a fault concerns, after the choice.
type target struct {
	all     bool
	session int64
	member  *Member
}

// Inject injects a fault. It refuses a fault that cannot be, or that concerns a server that the
// ensemble does not have.
func (e *Ensemble) Inject(f Fault) (*Injection, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if err := e.has(f); err != nil {
		return nil, fmt.Errorf("serve: %s: %w", f, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, fmt.Errorf("serve: %s: the ensemble is closed", f)
	}
	e.injected++
	i := &Injection{ensemble: e, fault: f, trait: traits[f.Kind], dice: rand.New(rand.NewPCG(e.options.Seed, e.injected)), effective: make(chan struct{})}
	e.injections = append(e.injections, i)
	switch w := f.When; {
	case w.Nth > 0:
	case w.After > 0:
		i.start = time.AfterFunc(w.After, i.alarm)
	case w.Every > 0:
		i.start = time.AfterFunc(w.Every, i.alarm)
	default:
		i.begin(nil)
	}
	return i, nil
}

// has says which server of a fault the ensemble does not have.
func (e *Ensemble) has(f Fault) error {
	observers := 0
	for _, m := range e.members {
		if m.observer {
			observers++
		}
	}
	switch {
	case f.On.Who == TheMember && (f.On.ID < 1 || f.On.ID > int64(len(e.members))):
		return fmt.Errorf("there is no such member; their ids are 1 to %d", len(e.members))
	case f.On.Who == SomeObserver && observers == 0:
		return fmt.Errorf("there is no observer; set Options.Observers")
	case len(e.members) > 1:
		return nil
	case f.Kind == Isolate, f.On.Who == SomeFollower, f.Kind == Lag:
		return fmt.Errorf("a single server has no others to follow; use 3 members")
	}
	return nil
}

// Fault is what was injected.
func (i *Injection) Fault() Fault { return i.fault }

// Effects is how often the fault has taken effect: sessions ended, connections reset or refused,
// messages swallowed, lost or late, writes that a server has learned late, servers that were
// stopped or cut off.
func (i *Injection) Effects() int {
	i.ensemble.mu.Lock()
	defer i.ensemble.mu.Unlock()
	return i.effects
}

// Effective is closed when the fault takes effect for the first time.
func (i *Injection) Effective() <-chan struct{} { return i.effective }

// Heal ends the fault: what lasts is over, and nothing more happens. Connections whose messages
// were swallowed are closed, as they lack them.
func (i *Injection) Heal() {
	i.ensemble.mu.Lock()
	defer i.ensemble.mu.Unlock()
	i.end()
}

// end is Heal. The ensemble is locked.
func (i *Injection) end() {
	if i.ended {
		return
	}
	i.ended = true
	for _, timer := range []*time.Timer{i.start, i.heal} {
		if timer != nil {
			timer.Stop()
		}
	}
	i.finish()
	all := i.ensemble.injections
	i.ensemble.injections = slices.DeleteFunc(slices.Clone(all), func(other *Injection) bool { return other == i })
}

// alarm is the moment of a fault that has a time.
func (i *Injection) alarm() {
	i.ensemble.mu.Lock()
	defer i.ensemble.mu.Unlock()
	if i.ended {
		return
	}
	if every := i.fault.When.Every; every > 0 {
		i.start.Reset(every)
	}
	i.begin(nil)
}

// begin makes the fault happen, or begin; by is the connection of the request that it follows,
// if it follows one. The ensemble is locked.
func (i *Injection) begin(by *conn) {
	chosen, found := i.choose(by)
	log := i.ensemble.options.Log
	if !found {
		log.Warn("a fault finds no target, so nothing happens", "fault", i.fault.String(), "again", i.fault.When.Every)
	} else {
		log.Info("a fault begins", append([]any{"fault", i.fault.String()}, chosen.attrs()...)...)
		i.target = chosen
		i.apply(by)
	}
	switch {
	case i.trait.lasts && found:
		i.lasts, i.messages = true, 0
		if i.fault.For > 0 {
			i.heal = time.AfterFunc(i.fault.For, i.over)
		}
	case i.fault.When.Every == 0:
		i.end()
	}
}

// over is the end of a fault that lasts for a time.
func (i *Injection) over() {
	i.ensemble.mu.Lock()
	defer i.ensemble.mu.Unlock()
	if !i.ended {
		i.stop()
	}
}

// stop ends what lasts, until it begins again if it does. The ensemble is locked.
func (i *Injection) stop() {
	if i.fault.When.Every == 0 {
		i.end()
	} else {
		i.finish()
	}
}

// apply does what a fault does when it begins. The answer to the request that it follows still
// arrives. The ensemble is locked.
func (i *Injection) apply(by *conn) {
	e := i.ensemble
	switch i.fault.Kind {
	case Expire:
		for _, s := range e.allSessions() {
			if i.target.hasSession(s) {
				i.bite("session", hex(s.id))
				s.end(expiredByForce)
			}
		}
	case Reset:
		for _, c := range e.conns(i.target) {
			i.bite("client", c.name)
			c.abort()
			if c == by {
				c.retire()
			} else {
				c.drop()
			}
		}
	case Lag, Isolate, Stop:
		for _, m := range e.members {
			if i.target.all || i.target.member == m {
				i.members = append(i.members, m)
				i.turn(m)
			}
		}
	}
}

// turn lets a server lag, cuts it off, or stops it. The ensemble is locked.
func (i *Injection) turn(m *Member) {
	if i.fault.Kind != Lag && m.joined {
		i.bite("member", m.id)
	}
	switch i.fault.Kind {
	case Lag:
		m.fallBehind(i.fault.By)
	case Isolate:
		m.isolate()
	case Stop:
		m.stops++
		m.leave("a fault stops it")
	}
}

// finish undoes what lasts. The ensemble is locked.
func (i *Injection) finish() {
	if !i.lasts {
		return
	}
	i.lasts = false
	i.ensemble.options.Log.Info("a fault is over", append([]any{"fault", i.fault.String(), "effects", i.effects}, i.target.attrs()...)...)
	for _, m := range i.members {
		switch i.fault.Kind {
		case Lag:
			m.view.KeepUp()
		case Isolate:
			m.unite()
		case Stop:
			m.stops--
			m.ensemble.arrange()
		}
	}
	i.members = nil
	for _, c := range i.ensemble.conns(i.target) {
		if c.lossy && !c.swallows() {
			c.abort()
			c.drop()
		}
	}
}

// bite notes that the fault has taken effect. The ensemble is locked.
func (i *Injection) bite(attrs ...any) {
	if i.effects == 0 {
		close(i.effective)
	}
	i.effects++
	level := i.ensemble.options.Log.Info
	if i.effects > 1 && i.trait.lasts && i.fault.Kind != Lose && i.fault.Kind != Refuse {
		level = i.ensemble.options.Log.Debug // it may be each message
	}
	level("a fault takes effect", append([]any{"fault", i.fault.String(), "effects", i.effects}, attrs...)...)
}

// hits reports whether the fault lasts, and concerns a connection. The ensemble is locked.
func (i *Injection) hits(c *conn) bool { return i.lasts && i.target.hasConn(c) }

// effects notes that a kind of fault has taken effect on a server. The ensemble is locked.
func (e *Ensemble) effects(kind Kind, m *Member) {
	for _, i := range e.injections {
		if i.lasts && i.fault.Kind == kind && slices.Contains(i.members, m) {
			i.bite("member", m.id)
		}
	}
}

// refused reports whether a fault refuses a new connection. The ensemble is locked.
func (e *Ensemble) refused(m *Member, c *conn) bool {
	for _, i := range e.injections {
		if i.fault.Kind == Refuse && i.hits(c) {
			i.bite("member", m.id, "client", c.name)
			return true
		}
	}
	return false
}

// happened lets faults begin that follow a request, which was carried out and answered. The
// ensemble is locked.
func (e *Ensemble) happened(c *conn, m message) {
	for _, i := range e.injections {
		if w := i.fault.When; w.Nth > 0 && !i.ended && i.requests < w.Nth && slices.ContainsFunc(m.requests(), w.Request.fits) {
			if i.requests++; i.requests == w.Nth {
				i.begin(c)
			}
		}
	}
}
