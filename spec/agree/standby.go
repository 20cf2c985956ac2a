package agree

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/internal/standby/world"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// standing is a world of an active-standby switch. If safe is set, only OneActive is judged: without
// a guard other properties may be violated earlier.
type standing struct {
	world.Config
	safe bool
}

func (m standing) config() any    { return m.Config }
func (m standing) module() string { return "Standby" }

func (m standing) unguarded(guard string) machine {
	m.Without = guard
	return m
}

func (m standing) constants() []constant {
	b := m.Bounds
	return []constant{
		number("Candidates", m.Candidates), number("Fails", m.Fails), truth("Neutral", m.Neutral), truth("Twins", m.Twins), truth("Stale", m.Stale),
		truth("Hand", m.Hand), truth("ForGood", m.ForGood),
		number("Expiries", b.Expiries), number("Losses", b.Losses), number("Crashes", b.Crashes), number("Lags", b.Lags), number("Leaves", b.Leaves),
		library(m.Library), without(m.Without),
	}
}

func (m standing) properties(k Kind) string {
	if k == Live {
		return "SPECIFICATION FairSpec\nPROPERTIES SomeProcessIsActive LockIsTakenAgain ActiveIsNamed\n"
	}
	if m.safe {
		return "SPECIFICATION Spec\nCHECK_DEADLOCK FALSE\nINVARIANTS TypeOK OneActive\n"
	}
	return judged("TypeOK OneActive BreadcrumbNames OneHolder OwnNotFenced ToldTruly StandbyInTheEnd NoLostWakeUp NeverStuck",
		"BreadcrumbByHolder LockByHolder WriteFenced TargetTakes")
}

func (m standing) lens() lens { return ensembleLens(standbyContent, standbyTold) }

// standbyContent is the data of a znode of an active-standby switch.
func standbyContent(p string, data []byte) tlc.Value {
	switch {
	case len(data) == 0:
		return none
	case p == "/ledger":
		return decimal(string(data))
	case p == "/epoch":
		var r struct {
			Nonce string
			Lifts int `json:"lifts_to"`
		}
		switch err := json.Unmarshal(data, &r); {
		case err != nil:
			return tlc.Str(string(data))
		case r.Nonce == "":
			return tlc.Record(map[string]tlc.Value{"lifted": tlc.Int(r.Lifts)})
		}
		return nonce(r.Nonce)
	case p == "/failover":
		var r struct {
			To, Candidate string
			Epoch         int
		}
		if json.Unmarshal(data, &r) != nil {
			r.To = string(data) // made by hand
		}
		return tlc.Record(map[string]tlc.Value{"to": tlc.Str(r.To), "candidate": tlc.Str(r.Candidate), "epoch": tlc.Int(r.Epoch)})
	}
	return tlc.Record(map[string]tlc.Value{"text": tlc.Str(string(data))})
}

// decimal is a number in a text; 0 if there is none.
func decimal(text string) tlc.Value {
	n, _ := strconv.Atoi(text)
	return tlc.Int(n)
}

// standbyTold is what a process has been told, and what it was asked to do.
func standbyTold(notes map[string]string) tlc.Value {
	told := map[string]tlc.Value{}
	for _, number := range []string{"active", "wrote", "refused"} {
		told[number] = decimal(notes[number])
	}
	for _, flag := range []string{"standby", "neutral", "self", "left", "done"} {
		told[flag] = tlc.Bool(notes[flag] != "")
	}
	return tlc.Record(told)
}

// switching is a small world of an active-standby switch, changed.
func switching(change func(*world.Config)) standing {
	c := world.Defaults()
	if change != nil {
		change(&c)
	}
	return standing{Config: c}
}

// ofStandby lists the checks of Standby.tla.
func ofStandby() []Check {
	complete := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "standby-" + name, Says: says, Kind: Complete, Machine: switching(change)}
	}
	live := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "live-standby-" + name, Says: says, Kind: Live, Machine: switching(change)}
	}
	expiry := func(c *world.Config) { c.Bounds.Expiries = 1 }
	loss := func(c *world.Config) { c.Bounds.Losses = 1 }
	crash := func(c *world.Config) { c.ForGood, c.Bounds.Crashes = true, 1 }
	hand := func(c *world.Config) { c.Failovers, c.Hand = 1, true }
	fails := func(c *world.Config) { c.Stale, c.Fails = true, 2 }
	return append([]Check{
		complete("two", "two candidates, no fault", nil),
		complete("stale", "a breadcrumb is there of a process that is gone", func(c *world.Config) { c.Stale = true }),
		complete("fails", "attempts to fence fail, and the lock is given up", fails),
		complete("expiry", "a session is ended", expiry),
		complete("loss", "a connection breaks", loss),
		complete("for-good", "a process dies and stays down", crash),
		complete("failover", "a failover is asked for", hand),
		complete("two-without-write-check", "two candidates, and the guard write-check is out", func(c *world.Config) { c.Without = "write-check" }),

		live("two", "a process becomes active", nil),
		live("fails", "a process becomes active, although attempts to fence fail", fails),
		live("expiry", "a process is active again, whatever session was ended", expiry),
		live("loss", "a process is active again, whatever connection broke", loss),
		live("for-good", "a process is active again, whatever process died", crash),
		live("failover", "the target of a failover becomes active", hand),
	}, standbyBroken()...)
}

// standbyOrders are guards that only the specification has, because they are in the order of steps
// and not in a request.
func standbyOrders() []subject.Guard {
	return []subject.Guard{
		{Name: "fence-before-active", Explain: "the old active is fenced before the new one becomes active"},
		{Name: "fenced-or-given-up", Explain: "a process that cannot fence the old active gives the lock up"},
		{Name: "breadcrumb-before-active", Explain: "a process leaves its breadcrumb before it becomes active"},
		{Name: "breadcrumb-stays", Explain: "a process that gives the lock up leaves the breadcrumb of another one"},
		{Name: "standby-first", Explain: "an active becomes standby before it gives the lock up"},
	}
}

// standbyBroken removes each guard of an active-standby switch, one at a time, but failover-raises: its
// counterexample needs three candidates and a request, and TLC takes too long. The explorer finds it.
func standbyBroken() []Check {
	alone := func(change func(*explore.Bounds)) standing {
		return switching(func(c *world.Config) {
			c.Candidates = 1
			change(&c.Bounds)
		})
	}
	unsafe := func(change func(*world.Config)) violation {
		m := switching(change)
		m.safe = true
		return violation{m, "OneActive"}
	}
	loss := func(b *explore.Bounds) { b.Losses = 1 }
	expiry := func(c *world.Config) { c.Bounds.Expiries = 1 }
	stale := func(c *world.Config) { c.Stale, c.Bounds.Expiries = true, 1 }
	fails := func(c *world.Config) { c.Fails, c.Bounds.Expiries = 2, 1 }
	hidden := func(c *world.Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }
	return broken("standby-", slices.Concat(worlds.Listed(world.Guards()), standbyOrders()), map[string]violation{
		"take-in-one":              {alone(func(*explore.Bounds) {}), "LockByHolder"},
		"take-resolved":            {alone(loss), "NeverStuck"},
		"take-leaves-breadcrumb":   unsafe(stale),
		"breadcrumb-read":          unsafe(stale),
		"breadcrumb-check":         unsafe(hidden),
		"breadcrumb-resolved":      {alone(loss), "OwnNotFenced"},
		"write-check":              {switching(hidden), "WriteFenced"},
		"quit-in-one":              {alone(func(b *explore.Bounds) { b.Leaves = 1 }), "BreadcrumbByHolder"},
		"quit-check":               {switching(func(c *world.Config) { c.Library, c.Bounds.Expiries, c.Bounds.Leaves = explore.Replacing, 1, 1 }), "LockByHolder"},
		"quit-confirmed":           {alone(func(b *explore.Bounds) { b.Losses, b.Leaves = 1, 1 }), "OwnNotFenced"},
		"watch-with-read":          {switching(func(c *world.Config) { c.Candidates, c.Failovers, c.Hand = 1, 1, true }), "NoLostWakeUp"},
		"look-after-reconnect":     {switching(func(c *world.Config) { c.Bounds.Losses = 1 }), "NoLostWakeUp"},
		"fence-before-active":      unsafe(expiry),
		"fenced-or-given-up":       unsafe(fails),
		"breadcrumb-before-active": unsafe(expiry),
		"breadcrumb-stays":         unsafe(fails),
		"standby-first":            unsafe(func(c *world.Config) { c.Bounds.Leaves = 1 }),
	})
}
