package agree

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/lock/world"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// locking is a world of contenders for one lock.
type locking struct{ world.Config }

func (m locking) config() any    { return m.Config }
func (m locking) module() string { return "Lock" }

func (m locking) unguarded(guard string) machine {
	m.Without = guard
	return m
}

func (m locking) constants() []constant {
	b := m.Bounds
	return []constant{
		number("Writers", m.Writers), number("Readers", m.Readers), number("Rounds", m.Rounds), truth("ForGood", m.ForGood),
		number("Expiries", b.Expiries), number("Losses", b.Losses), number("Crashes", b.Crashes), number("Lags", b.Lags), number("Leaves", b.Leaves),
		library(m.Library), without(m.Without),
	}
}

func (m locking) properties(k Kind) string {
	if k == Live {
		return "SPECIFICATION FairSpec\nPROPERTIES NoStarvation\n"
	}
	return judged("TypeOK UniqueTokens WritesInOne NoZnodeLeft ToldTruly StaleEffectsFenced NoLostWakeUp NeverStuck",
		"MutualExclusion FifoInOrder TokensGrow")
}

func (m locking) lens() lens { return ensembleLens(lockContent, lockTold) }

// lockContent is the data of a znode of a lock.
func lockContent(p string, data []byte) tlc.Value {
	var r struct {
		Znode string
		Token int
	}
	switch name, contends := strings.CutPrefix(p, "/lock/"); {
	case len(data) == 0:
		return none
	case p == "/ledger":
		return lockToken(string(data))
	case json.Unmarshal(data, &r) != nil:
		return tlc.Str(string(data))
	case contends:
		return tlc.Record(map[string]tlc.Value{"token": tlc.Int(r.Token), "shared": tlc.Bool(strings.Contains(name, "-R-"))})
	}
	return tlc.Record(map[string]tlc.Value{"znode": tlc.Str(r.Znode), "token": tlc.Int(r.Token)})
}

// lockToken is a token in a text; 0 if there is none.
func lockToken(text string) tlc.Value {
	token, _ := strconv.Atoi(text)
	return tlc.Int(token)
}

// lockTold is what a contender has been told.
func lockTold(notes map[string]string) tlc.Value {
	return tlc.Record(map[string]tlc.Value{
		"holds": lockToken(notes["holds"]), "wrote": lockToken(notes["wrote"]), "refused": lockToken(notes["refused"]),
		"idle": tlc.Bool(notes["idle"] != ""), "done": tlc.Bool(notes["done"] != ""),
	})
}

// contending is a small world of a lock, changed.
func contending(change func(*world.Config)) locking {
	c := world.Defaults()
	if change != nil {
		change(&c)
	}
	return locking{c}
}

// ofLock lists the checks of Lock.tla.
func ofLock() []Check {
	complete := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "lock-" + name, Says: says, Kind: Complete, Machine: contending(change)}
	}
	live := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "live-lock-" + name, Says: says, Kind: Live, Machine: contending(change)}
	}
	expiry := func(c *world.Config) { c.Bounds.Expiries = 1 }
	loss := func(c *world.Config) { c.Bounds.Losses = 1 }
	return append([]Check{
		complete("two", "two writers, no fault", nil),
		complete("three", "three writers", func(c *world.Config) { c.Writers = 3 }),
		complete("rounds", "each writer takes the lock twice", func(c *world.Config) { c.Rounds = 2 }),
		complete("readers", "two readers", func(c *world.Config) { c.Writers, c.Readers = 0, 2 }),
		complete("shared", "one writer and two readers", func(c *world.Config) { c.Writers, c.Readers = 1, 2 }),
		complete("expiry", "a session is ended", expiry),
		complete("loss", "a connection breaks", loss),
		complete("crash", "a process dies and is started again", func(c *world.Config) { c.Bounds.Crashes = 1 }),
		complete("for-good", "a process dies and stays down, and a connection breaks", func(c *world.Config) { c.ForGood, c.Bounds.Crashes, c.Bounds.Losses = true, 1, 1 }),
		complete("leave", "a process is asked to leave", func(c *world.Config) { c.Bounds.Leaves = 1 }),
		complete("replacing", "a session is ended, and the library hides it", func(c *world.Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }),
		complete("two-without-grant-check", "two writers, and the guard grant-check is out", func(c *world.Config) { c.Without = "grant-check" }),

		live("two", "each writer has its turn", nil),
		live("expiry", "each writer has its turn, whatever session was ended", expiry),
		live("loss", "each writer has its turn, whatever connection broke", loss),
	}, lockBroken()...)
}

// lockBroken removes each guard of a lock, one at a time.
func lockBroken() []Check {
	one := contending(func(c *world.Config) { c.Writers = 1 })
	hidden := contending(func(c *world.Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 })
	readers := contending(func(c *world.Config) { c.Writers, c.Readers = 0, 2 })
	loss := contending(func(c *world.Config) { c.Bounds.Losses = 1 })
	lagging := contending(func(c *world.Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 })
	return broken("lock-", worlds.Listed(world.Guards()), map[string]violation{
		"write-check":          {contending(func(c *world.Config) { c.Bounds.Leaves = 1 }), "MutualExclusion"},
		"write-in-one":         {one, "WritesInOne"},
		"grant-check":          {hidden, "MutualExclusion"},
		"grant-in-one":         {readers, "ToldTruly"},
		"join-resolved":        {loss, "NeverStuck"},
		"release-confirmed":    {loss, "NoZnodeLeft"},
		"sync-after-doubt":     {lagging, "NeverStuck"},
		"watch-with-read":      {contending(nil), "NoLostWakeUp"},
		"look-after-reconnect": {loss, "NoLostWakeUp"},
		"fencing-token":        {contending(func(c *world.Config) { c.Bounds.Expiries = 1 }), "StaleEffectsFenced"},
	})
}
