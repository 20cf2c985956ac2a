package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// writesAccounted: every committed write was asked for by a participant in the history,
// and every acknowledged write is committed, under the zxid of the acknowledgement. If
// not, ZooKeeper has lost or invented a write, or the record of the run has. No recipe
// can cause this.
func (c *Case) writesAccounted() Property {
	l := c.ledger
	if l == nil {
		return Property{Name: WritesAccounted, Verdict: Skipped, Reason: "The run has no record of the commits, so this was not judged. " + c.Resting()}
	}
	p := NewFindings(WritesAccounted)
	mentioned := make([]bool, len(l.Commits))
	acknowledged := 0
	for i := range l.Run.Exchanges {
		x := &l.Run.Exchanges[i]
		if !l.Begun[i] && !x.Close {
			p.Violate(l.onWire(wording.NotMentioned, x))
		}
		var done *record.Commit
		if at := l.CommitOf(x); at >= 0 {
			done = &l.Commits[at]
			mentioned[at] = mentioned[at] || done.Session == x.Session
		}
		if x.Answered != 0 && x.Error == "" && l.hidden(x.Zxid) {
			p.Doubt(wording.Finding{Code: wording.InAHole, Zxid: x.Zxid, Args: wording.Args{"process": x.Process, "at": x.Answered}})
		}
		if x.Answered == 0 || l.beyond(x.Zxid) {
			continue
		}
		acknowledged++
		if done != nil && done.Kind == record.CommitWrite && done.Session == x.Session && l.Begun[i] && l.Write[i] < 0 && !x.Close {
			p.Violate(l.onWire(wording.NotApplied, x))
		}
		if found, wrong := l.contradicts(x, done); wrong {
			p.Violate(found, c.EventsOf(i)...)
		}
	}
	for i, w := range c.Writes {
		if w.Done.Type == record.OK && l.Exchange[i] < 0 {
			p.Violate(wording.Finding{Code: wording.NotSent, Args: wording.Args{
				"process": w.Invoke.Process, "at": w.Done.At,
			}}, w.Invoke, w.Done)
		}
	}
	writes := 0
	for i, done := range l.Commits {
		if done.Kind != record.CommitWrite {
			continue
		}
		if writes++; !mentioned[i] {
			p.Violate(wording.Finding{Code: wording.CommitOfNone, Zxid: done.Zxid, Args: wording.Args{
				"ops": wording.Parts(done.Ops), "session": done.Session, wording.Listed: l.Znodes.Touched(done.Ops),
			}})
		}
	}
	return p.Property("%d writes were committed, and a participant asked for each. %d answers arrived, and each agrees with its commit.", writes, acknowledged)
}

// beyond reports whether the commits do not cover a zxid.
func (l *ledger) beyond(zxid int64) bool {
	return zxid == 0 || l.evidence.Last != 0 && zxid > l.evidence.Last || l.hidden(zxid)
}

// hidden reports whether a zxid lies in a hole of the logs.
func (l *ledger) hidden(zxid int64) bool {
	return slices.ContainsFunc(l.evidence.Gaps, func(r record.ZxidRange) bool { return r.Contains(zxid) })
}

// contradicts says how an answer differs from the committed transaction, if it does.
func (l *ledger) contradicts(x *record.Exchange, c *record.Commit) (found wording.Finding, wrong bool) {
	same := c != nil && c.Session == x.Session && (c.Xid == x.Xid || x.Xid == 0)
	complain := func(code wording.Code, name string, value any) (wording.Finding, bool) {
		found := l.onWire(code, x)
		found.Args["at"] = x.Answered
		if name != "" {
			found.Args[name] = value
		}
		return found, true
	}
	switch {
	case x.Close: // another request may have ended the session a moment before
	case x.Error != "" && same && c.Kind == record.CommitWrite:
		return complain(wording.AckRefused, "error", string(x.Error))
	case x.Error != "":
	case c == nil:
		return complain(wording.AckLost, "", nil)
	case !same:
		found, wrong = complain(wording.AckOther, "xid", c.Xid)
		found.Args["other"] = c.Session
	case c.Kind != record.CommitWrite:
		return complain(wording.AckKind, "kind", c.Kind)
	case !slices.EqualFunc(x.Ops, c.Ops, sameOp):
		return complain(wording.AckParts, "committed", wording.Parts(c.Ops))
	}
	return found, wrong
}

// onWire is a finding about an exchange and the write in it.
func (l *ledger) onWire(code wording.Code, x *record.Exchange) wording.Finding {
	found := wording.Finding{Code: code, Zxid: x.Zxid, Exchange: wording.ExchangeOf(x), Args: wording.Args{
		"process": x.Process, "at": x.Sent, "session": x.Session, "ops": wording.Parts(x.Ops),
	}}
	if objects := l.Znodes.Touched(x.Ops); len(objects) > 0 {
		found.Args[wording.Listed] = objects
	}
	return found
}

// sameOp compares a part as it was acknowledged with the part that is committed.
func sameOp(x, c record.Op) bool {
	return x.Kind == c.Kind && x.Path == c.Path && x.Data == c.Data && x.Ephemeral == c.Ephemeral && (x.Kind != "set" || x.Got == c.Got)
}

// serversAgree: after the run all servers have the same tree, in memory and on disk, and
// the same transaction under each zxid.
func (c *Case) serversAgree() Property {
	p := NewFindings(ServersAgree)
	switch {
	case c.Evidence != nil && c.Evidence.Order == record.FromMemory:
		return Property{Name: ServersAgree, Verdict: Skipped, Reason: "There is one server, in memory, so there is nothing to compare."}
	case c.Evidence == nil || len(c.Evidence.Servers) == 0 && c.Evidence.Order != record.FromLogs:
		return Property{Name: ServersAgree, Verdict: Skipped, Reason: "The trees and logs of the servers could not be read, so this was not judged. " + c.Resting()}
	case len(c.Evidence.Servers) == 0:
		p.Doubt(wording.Finding{Code: wording.NoServerState, Args: wording.Args{"file": record.EvidenceFile}})
		return p.Property("")
	}
	for _, conflict := range c.Evidence.Conflicts {
		p.Violate(wording.Finding{Code: wording.LogsConflict, Args: wording.Args{"conflict": strings.ToUpper(conflict[:1]) + conflict[1:]}})
	}
	known := func(s record.ServerState) bool {
		return s.Name != "" && s.Served != "" && (s.Replayed != "" || c.Evidence.Order != record.FromLogs)
	}
	var first *record.ServerState
	for i, s := range c.Evidence.Servers {
		if first == nil && known(s) {
			first = &c.Evidence.Servers[i]
		}
		switch {
		case s.Problem != "":
			p.Doubt(wording.Finding{Code: wording.ServerUnknown, Args: wording.Args{"server": s.Name, "problem": s.Problem}})
		case !known(s):
			p.Doubt(wording.Finding{Code: wording.NoDigest, Args: wording.Args{"file": record.EvidenceFile, "server": s.Name}})
		case s.Served != first.Served:
			p.Violate(wording.Finding{Code: wording.TreesDiffer, Zxid: c.Evidence.Last, Args: wording.Args{
				"first": first.Name, "second": s.Name,
			}})
		case s.Replayed != "" && s.Replayed != s.Served && len(s.LeftOut) > 0:
			p.Doubt(wording.Finding{Code: wording.SnapshotLeftOut, Zxid: c.Evidence.Last, Args: wording.Args{
				"server": s.Name, "problem": strings.Join(s.LeftOut, "; "),
			}})
		case s.Replayed != "" && s.Replayed != s.Served:
			p.Violate(wording.Finding{Code: wording.TreeOnDisk, Zxid: c.Evidence.Last, Args: wording.Args{"server": s.Name}})
		}
	}
	if c.Evidence.Order != record.FromLogs {
		return p.Property("%d servers serve the same tree. The state of their disks is not known: %s.", len(c.Evidence.Servers), c.Evidence.Weaker)
	}
	transactions, uncommitted := 0, 0
	leftOut := ""
	for _, s := range c.Evidence.Servers {
		for _, why := range s.LeftOut {
			leftOut += fmt.Sprintf(" A snapshot of %s was left out: %s.", s.Name, why)
		}
		transactions += s.Transactions
		uncommitted += s.Uncommitted
	}
	return p.Property("%d servers serve the same tree, and their snapshots and logs give this tree. Their logs have %d transactions and no contradiction; %d of the transactions are uncommitted leftovers.%s",
		len(c.Evidence.Servers), transactions, uncommitted, leftOut)
}
