package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

const writesAccountedName = "WritesAccounted"

// writesAccounted: every committed write was asked for by a participant in the history,
// and every acknowledged write is committed, under the zxid of the acknowledgement. If
// not, ZooKeeper has lost or invented a write, or the record of the run has. No recipe
// can cause this.
func (f *facts) writesAccounted() Property {
	l := f.ledger
	if l == nil {
		return Property{Name: writesAccountedName, Verdict: Skipped, Reason: "It is not known what was committed, so this was not judged. " + f.resting()}
	}
	p := newFinding(writesAccountedName, "")
	mentioned := make([]bool, len(l.Commits))
	acknowledged := 0
	for i := range l.Run.Exchanges {
		x := &l.Run.Exchanges[i]
		if !l.Begun[i] && !x.Close {
			p.violate(onWire(wording.NotMentioned, x))
		}
		var c *record.Commit
		if at := l.CommitOf(x); at >= 0 {
			c = &l.Commits[at]
			mentioned[at] = mentioned[at] || c.Session == x.Session
		}
		if x.Answered != 0 && x.Error == "" && l.hidden(x.Zxid) {
			p.doubt(wording.Finding{Code: wording.InAHole, Zxid: x.Zxid, Args: wording.Args{"process": x.Process, "at": x.Answered}})
		}
		if x.Answered == 0 || l.beyond(x.Zxid) {
			continue
		}
		acknowledged++
		if c != nil && c.Kind == record.CommitWrite && c.Session == x.Session && l.Begun[i] && l.Write[i] < 0 && !x.Close {
			p.violate(onWire(wording.NotApplied, x))
		}
		if found, wrong := l.contradicts(x, c); wrong {
			p.violate(found, f.of(i)...)
		}
	}
	for i, w := range f.writes {
		if w.Done.Type == record.OK && l.Exchange[i] < 0 {
			p.violate(wording.Finding{Code: wording.NotSent, Args: wording.Args{
				"process": w.Invoke.Process, "at": w.Done.At,
			}}, w.Invoke, w.Done)
		}
	}
	writes := 0
	for i, c := range l.Commits {
		if c.Kind != record.CommitWrite {
			continue
		}
		if writes++; !mentioned[i] {
			p.violate(wording.Finding{Code: wording.CommitOfNone, Zxid: c.Zxid, Args: wording.Args{
				"ops": parts(c.Ops), "session": c.Session, "tasks": record.TasksOf(c.Ops),
			}})
		}
	}
	p.holds = fmt.Sprintf("%d writes were committed, each of which somebody asked for; %d answers, each of which says what was committed.", writes, acknowledged)
	return p.property()
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
		found := onWire(code, x)
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
		return complain(wording.AckParts, "committed", parts(c.Ops))
	}
	return found, wrong
}

// onWire is a finding about an exchange and the write in it.
func onWire(code wording.Code, x *record.Exchange) wording.Finding {
	found := wording.Finding{Code: code, Zxid: x.Zxid, Exchange: exchangeOf(x), Args: wording.Args{
		"process": x.Process, "at": x.Sent, "session": x.Session, "ops": parts(x.Ops),
	}}
	if tasks := record.TasksOf(x.Ops); len(tasks) > 0 {
		found.Args["tasks"] = tasks
	}
	return found
}

func exchangeOf(x *record.Exchange) *wording.Exchange {
	return &wording.Exchange{Process: x.Process, Session: x.Session, Sent: x.Sent, Zxid: x.Zxid}
}

// sameOp compares a part as it was acknowledged with the part that is committed.
func sameOp(x, c record.Op) bool {
	return x.Kind == c.Kind && x.Path == c.Path && x.Data == c.Data && x.Ephemeral == c.Ephemeral && (x.Kind != "set" || x.Got == c.Got)
}

// of returns the events of an exchange.
func (f *facts) of(exchange int) []record.Event {
	if i := f.run.Write[exchange]; i >= 0 {
		return []record.Event{f.writes[i].Invoke, f.writes[i].Done}
	}
	return nil
}

// serversAgree: after the run all servers have the same tree, in memory and on disk, and
// the same transaction under each zxid.
func (f *facts) serversAgree() Property {
	const name = "ServersAgree"
	p := newFinding(name, "")
	switch {
	case f.evidence != nil && f.evidence.Order == record.FromMemory:
		return Property{Name: name, Verdict: Skipped, Reason: "There is one server, in memory, and no other to compare it with."}
	case f.evidence == nil || len(f.evidence.Servers) == 0 && f.evidence.Order != record.FromLogs:
		return Property{Name: name, Verdict: Skipped, Reason: "The servers' own trees and logs could not be read, so this was not judged. " + f.resting()}
	case len(f.evidence.Servers) == 0:
		p.doubt(wording.Finding{Code: wording.NoServerState, Args: wording.Args{"file": record.EvidenceFile}})
		return p.property()
	}
	for _, conflict := range f.evidence.Conflicts {
		p.violate(wording.Finding{Code: wording.LogsConflict, Args: wording.Args{"conflict": strings.ToUpper(conflict[:1]) + conflict[1:]}})
	}
	known := func(s record.ServerState) bool {
		return s.Name != "" && s.Served != "" && (s.Replayed != "" || f.evidence.Order != record.FromLogs)
	}
	var first *record.ServerState
	for i, s := range f.evidence.Servers {
		if first == nil && known(s) {
			first = &f.evidence.Servers[i]
		}
		switch {
		case s.Problem != "":
			p.doubt(wording.Finding{Code: wording.ServerUnknown, Args: wording.Args{"server": s.Name, "problem": s.Problem}})
		case !known(s):
			p.doubt(wording.Finding{Code: wording.NoDigest, Args: wording.Args{"file": record.EvidenceFile, "server": s.Name}})
		case s.Served != first.Served:
			p.violate(wording.Finding{Code: wording.TreesDiffer, Zxid: f.evidence.Last, Args: wording.Args{
				"first": first.Name, "second": s.Name,
			}})
		case s.Replayed != "" && s.Replayed != s.Served:
			p.violate(wording.Finding{Code: wording.TreeOnDisk, Zxid: f.evidence.Last, Args: wording.Args{"server": s.Name}})
		}
	}
	if f.evidence.Order != record.FromLogs {
		p.holds = fmt.Sprintf("%d servers serve the same tree. What is on their disks is not known: %s.", len(f.evidence.Servers), f.evidence.Weaker)
		return p.property()
	}
	transactions, uncommitted := 0, 0
	for _, s := range f.evidence.Servers {
		transactions += s.Transactions
		uncommitted += s.Uncommitted
	}
	p.holds = fmt.Sprintf("%d servers serve the same tree, which is the one that their snapshots and logs give; %d transactions in their logs contradict each other nowhere, and %d of them are in nobody's history any more.",
		len(f.evidence.Servers), transactions, uncommitted)
	return p.property()
}
