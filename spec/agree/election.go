package agree

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/election/world"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// election is a world of candidates and leaders.
type election struct{ world.Config }

func (m election) config() any    { return m.Config }
func (m election) module() string { return "Election" }

func (m election) unguarded(guard string) machine {
	m.Without = guard
	return m
}

func (m election) constants() []constant {
	b := m.Bounds
	return []constant{
		number("Masters", m.Masters), number("Entries", m.Writes), truth("Queue", m.Queue), truth("ForGood", m.ForGood),
		number("Expiries", b.Expiries), number("Losses", b.Losses), number("Crashes", b.Crashes), number("Lags", b.Lags), number("Leaves", b.Leaves),
		library(m.Library), without(m.Without),
	}
}

func (m election) properties(k Kind) string {
	if k == Live {
		return "SPECIFICATION FairSpec\nPROPERTIES SomebodyLeads MasterIsTakenAgain NoStarvation\n"
	}
	return judged("TypeOK UniqueEpochs WritesInOne ProclaimedByHolder ToldTruly StaleEffectsFenced NoLostWakeUp NeverStuck",
		"SingleMaster LedgerInOrder EpochsGrow FifoInOrder")
}

func (m election) lens() lens { return ensembleLens(electionContent, electionTold) }

// entry is an entry of the ledger; None if there is none.
func entry(text string) tlc.Value {
	epoch, n, found := strings.Cut(text, ".")
	if !found {
		return none
	}
	e, _ := strconv.Atoi(epoch)
	i, _ := strconv.Atoi(n)
	return tlc.Record(map[string]tlc.Value{"epoch": tlc.Int(e), "n": tlc.Int(i)})
}

// proclaimed splits the data of /master: the name of its holder, and the epoch in which that has
// proclaimed itself.
func proclaimed(data string) (name string, epoch int) {
	name, text, _ := strings.Cut(data, "@")
	epoch, _ = strconv.Atoi(text)
	return name, epoch
}

// electionContent is the data of a znode of an election.
func electionContent(p string, data []byte) tlc.Value {
	switch {
	case len(data) == 0:
		return none
	case p == "/ledger":
		return entry(string(data))
	case p == "/assign":
		var r struct{ Nonce string }
		if json.Unmarshal(data, &r) != nil {
			return tlc.Str(string(data))
		}
		return nonce(r.Nonce)
	}
	name, epoch := proclaimed(string(data))
	return tlc.Record(map[string]tlc.Value{"name": tlc.Str(name), "epoch": tlc.Int(epoch)})
}

// nonce is a unique name that a process has made.
func nonce(text string) tlc.Value {
	process, rest, _ := strings.Cut(text, ".")
	life, n, _ := strings.Cut(rest, ".")
	l, _ := strconv.Atoi(life)
	i, _ := strconv.Atoi(n)
	return tlc.Record(map[string]tlc.Value{"process": tlc.Str(process), "life": tlc.Int(l), "n": tlc.Int(i)})
}

// electionTold is what a leader has been told.
func electionTold(notes map[string]string) tlc.Value {
	leads, _ := strconv.Atoi(notes["leads"])
	_, epoch := proclaimed(notes["proclaimed"])
	return tlc.Record(map[string]tlc.Value{
		"leads": tlc.Int(leads), "wrote": entry(notes["wrote"]), "refused": entry(notes["refused"]), "proclaimed": tlc.Int(epoch),
	})
}

// electing is a small world of an election, changed.
func electing(change func(*world.Config)) election {
	c := world.Defaults()
	if change != nil {
		change(&c)
	}
	return election{c}
}

// ofElection lists the checks of Election.tla.
func ofElection() []Check {
	complete := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "election-" + name, Says: says, Kind: Complete, Machine: electing(change)}
	}
	live := func(name, says string, change func(*world.Config)) Check {
		return Check{Name: "live-election-" + name, Says: says, Kind: Live, Machine: electing(change)}
	}
	expiry := func(c *world.Config) { c.Bounds.Expiries = 1 }
	loss := func(c *world.Config) { c.Bounds.Losses = 1 }
	crash := func(c *world.Config) { c.Bounds.Crashes = 1 }
	queue := func(c *world.Config) { c.Queue, c.Bounds.Expiries = true, 1 }
	return append([]Check{
		complete("two", "two candidates, no fault", nil),
		complete("three", "three candidates", func(c *world.Config) { c.Masters = 3 }),
		complete("expiry", "a session is ended", expiry),
		complete("two-entries", "a session is ended, and a leader writes twice", func(c *world.Config) { c.Writes, c.Bounds.Expiries = 2, 1 }),
		complete("loss", "a connection breaks", loss),
		complete("crash", "a process dies and is started again", crash),
		complete("for-good", "a process dies and stays down", func(c *world.Config) { c.ForGood, c.Bounds.Crashes = true, 1 }),
		complete("loss-and-lag", "a connection breaks, and a server falls behind", func(c *world.Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }),
		complete("replacing", "a session is ended, and the library hides it", func(c *world.Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }),
		complete("leave", "a process is asked to leave", func(c *world.Config) { c.Bounds.Leaves = 1 }),
		complete("queue", "the candidates queue, and a session is ended", queue),
		complete("two-without-write-check", "two candidates, and the guard write-check is out", func(c *world.Config) { c.Without = "write-check" }),

		live("two", "a master comes to lead", nil),
		live("expiry", "a master comes to lead, whatever session was ended", expiry),
		live("loss", "a master comes to lead, whatever connection broke", loss),
		live("crash", "a master comes to lead, whoever died", crash),
		live("queue", "who is the first in the queue comes to lead", queue),
	}, electionBroken()...)
}

// electionBroken removes each guard of an election, one at a time.
func electionBroken() []Check {
	expiry := electing(func(c *world.Config) { c.Bounds.Expiries = 1 })
	leave := electing(func(c *world.Config) { c.Bounds.Leaves = 1 })
	hidden := electing(func(c *world.Config) { c.Library, c.Bounds.Expiries, c.Bounds.Leaves = explore.Replacing, 1, 1 })
	loss := electing(func(c *world.Config) { c.Bounds.Losses = 1 })
	return broken("election-", worlds.Listed(world.Guards()), map[string]violation{
		"write-check":          {leave, "SingleMaster"},
		"write-in-one":         {electing(nil), "WritesInOne"},
		"proclaim-check":       {leave, "ProclaimedByHolder"},
		"hand-over-check":      {hidden, "SingleMaster"},
		"election-in-one":      {loss, "EpochsGrow"},
		"election-resolved":    {loss, "NeverStuck"},
		"watch-with-read":      {expiry, "NoLostWakeUp"},
		"look-after-reconnect": {loss, "NoLostWakeUp"},
		"fencing-token":        {expiry, "StaleEffectsFenced"},
	})
}
