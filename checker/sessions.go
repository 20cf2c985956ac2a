package checker

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// sessionsEnd: a session that has ended is over. No write is accepted in its name. And
// no participant is granted a new session while it holds on to the old one; a client
// library that replaces sessions silently does that.
func (c *Case) sessionsEnd() Property {
	ended := c.EndedByForce()
	p := NewFindings(SessionsEnd)
	for i, w := range c.Writes {
		fault, over := ended[w.Invoke.Session()]
		if over && w.Outcome() == record.OK && w.Invoke.At > fault.Done.At {
			p.Violate(wording.Finding{Code: wording.SessionUsed, Args: wording.Args{
				"process": w.Invoke.Process, "session": w.Invoke.Session(), "at": c.At(c.Writes[i].Operation), "ended": fault.Done.At,
			}}, fault.Done, w.Invoke, w.Done)
		}
	}
	c.writesAfterEnd(p)
	granted := c.replacedSessions(p)
	return p.Property("%d sessions were granted, and %d were ended by force. Each participant gave up its session before the next one, and ZooKeeper accepted no write in a session that was over.", granted, len(ended))
}

// writesAfterEnd compares the end of each session with the writes of that session, in
// ZooKeeper's order. It does not matter who asked for the end.
func (c *Case) writesAfterEnd(p *Findings) {
	ended := c.Closes()
	for i, w := range c.Writes {
		if end := ended[w.Invoke.Session()]; end != 0 && w.Zxid > end {
			p.Violate(wording.Finding{Code: wording.SessionOver, Zxid: w.Zxid, Args: wording.Args{
				"process": w.Invoke.Process, "session": w.Invoke.Session(), "at": c.At(c.Writes[i].Operation), "before": end,
			}}, w.Invoke, w.Done)
		}
	}
}

// replacedSessions compares the sessions on the wire with the participants' reports,
// and counts the sessions that were granted.
func (c *Case) replacedSessions(p *Findings) (granted int) {
	held := map[record.Life][]record.Event{} // the sessions that it holds on to
	for _, e := range c.Sessions {
		who := e.Alive()
		switch change := e.SessionChange(); change.Fate {
		case record.Granted:
			granted++
			if old := held[change.To]; len(old) >= c.limit(change.To.Process) && !holds(old, e.Session()) {
				p.Violate(wording.Finding{Code: wording.SessionReplaced, Args: wording.Args{
					"process": change.To.String(), "session": e.Session(), "at": e.At, "old": old[0].Session(),
				}}, old[0], e)
			}
		case record.Opened:
			held[who] = append(held[who], e)
		default:
			held[who] = slices.DeleteFunc(held[who], func(old record.Event) bool { return old.Session() == e.Session() })
		}
	}
	return granted
}

// limit is how many sessions a participant may hold at a time.
func (c *Case) limit(process string) int {
	if c.mayHold == nil {
		return 1
	}
	return c.mayHold(process)
}

func holds(held []record.Event, session string) bool {
	return slices.ContainsFunc(held, func(e record.Event) bool { return e.Session() == session })
}

// noCrash: no participant ended unless the nemesis or the harness ended it.
func (c *Case) noCrash() Property {
	p := NewFindings(NoCrash)
	for _, e := range c.Processes {
		if change := e.ProcessChange(); change.Fate == record.Crashed {
			p.Violate(wording.Finding{Code: wording.Crashed, Args: wording.Args{
				"process": change.Of.String(), "how": change.String(), "at": e.At,
			}}, e)
		}
	}
	return p.Property("No participant ended by itself.")
}
