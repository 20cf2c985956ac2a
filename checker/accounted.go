package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

const writesAccountedName = "WritesAccounted"

// writesAccounted: whatever was committed, somebody's history mentions; and what was
// acknowledged is committed, under the zxid of the acknowledgement. If not, ZooKeeper
// has lost or made up a write, or the record of the run has: no recipe can be at fault.
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
			p.violate(nil, "%s sent %s in session %s at %s, and its history does not mention it.", x.Process, operations(x), x.Session, seconds(x.Sent))
		}
		var c *record.Commit
		if at := l.CommitOf(x); at >= 0 {
			c = &l.Commits[at]
			mentioned[at] = mentioned[at] || c.Session == x.Session
		}
		if x.Answered != 0 && x.Error == "" && l.hidden(x.Zxid) {
			p.doubt("%s was answered at %s, for zxid 0x%x, that its write was applied; whether it was committed, no log tells.", x.Process, seconds(x.Answered), x.Zxid)
		}
		if x.Answered == 0 || l.beyond(x.Zxid) {
			continue
		}
		acknowledged++
		if c != nil && c.Kind == record.CommitWrite && c.Session == x.Session && l.Begun[i] && l.Write[i] < 0 && !x.Close {
			p.violate(nil, "%s sent %s in session %s at %s; it was committed under zxid 0x%x, and its history says of no such write that it was applied, or may have been.",
				x.Process, operations(x), x.Session, seconds(x.Sent), x.Zxid)
		}
		if complaint := l.contradicts(x, c); complaint != "" {
			p.violate(f.of(i), "%s was answered at %s, for zxid 0x%x: %s: %s. The acknowledgement and what was committed contradict each other: that is ZooKeeper's violation, or the record's.",
				x.Process, seconds(x.Answered), x.Zxid, operations(x), complaint)
		}
	}
	for i, w := range f.writes {
		if w.Done.Type == record.OK && l.Exchange[i] < 0 {
			p.violate([]record.Event{w.Invoke, w.Done}, "%s was told at %s that its write was applied, and none was seen to be sent.", w.Invoke.Process, seconds(w.Done.At))
		}
	}
	writes := 0
	for i, c := range l.Commits {
		if c.Kind != record.CommitWrite {
			continue
		}
		if writes++; !mentioned[i] {
			p.violate(nil, "Under zxid 0x%x, %s was committed in session %s, and no history mentions that.", c.Zxid, parts(c.Ops), c.Session)
		}
	}
	p.holds = fmt.Sprintf("%d writes were committed, each of which somebody asked for; %d answers, each of which says what was committed.", writes, acknowledged)
	return p.property()
}

// beyond reports whether the commits do not tell of a zxid.
func (l *ledger) beyond(zxid int64) bool {
	return zxid == 0 || l.evidence.Last != 0 && zxid > l.evidence.Last || l.hidden(zxid)
}

// hidden reports whether a zxid lies in a hole of the logs.
func (l *ledger) hidden(zxid int64) bool {
	return slices.ContainsFunc(l.evidence.Gaps, func(r record.ZxidRange) bool { return r.Contains(zxid) })
}

// contradicts says what is wrong with an answer; nothing, if it is what was committed.
func (l *ledger) contradicts(x *record.Exchange, c *record.Commit) string {
	same := c != nil && c.Session == x.Session && (c.Xid == x.Xid || x.Xid == 0)
	switch {
	case x.Close: // somebody else may have ended the session a moment before
		return ""
	case x.Error != "" && same && c.Kind == record.CommitWrite:
		return "it was refused (" + string(x.Error) + ") and is committed all the same"
	case x.Error != "":
		return ""
	case c == nil:
		return "it was acknowledged and is not committed"
	case !same:
		return fmt.Sprintf("what is committed there is number %d of session %s", c.Xid, c.Session)
	case c.Kind != record.CommitWrite:
		return "it was acknowledged and is recorded as " + c.Kind
	case !slices.EqualFunc(x.Ops, c.Ops, sameOp):
		return "what is committed there is " + parts(c.Ops)
	}
	return ""
}

// sameOp compares a part as it was acknowledged with the part that is committed.
func sameOp(x, c record.Op) bool {
	return x.Kind == c.Kind && x.Path == c.Path && x.Data == c.Data && x.Ephemeral == c.Ephemeral && (x.Kind != "set" || x.Got == c.Got)
}

// of are the events of an exchange.
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
	const whose = " That is a violation by ZooKeeper itself, not by the recipe."
	p := newFinding(name, "")
	switch {
	case f.evidence != nil && f.evidence.Order == record.FromMemory:
		return Property{Name: name, Verdict: Skipped, Reason: "There is one server, in memory, and no other to compare it with."}
	case f.evidence == nil || len(f.evidence.Servers) == 0 && f.evidence.Order != record.FromLogs:
		return Property{Name: name, Verdict: Skipped, Reason: "The servers' own trees and logs could not be read, so this was not judged. " + f.resting()}
	case len(f.evidence.Servers) == 0:
		p.doubt("The logs were read, and %s says of no server what it has. %s", record.EvidenceFile, remedy)
		return p.property()
	}
	for _, conflict := range f.evidence.Conflicts {
		p.violate(nil, "%s.%s", strings.ToUpper(conflict[:1])+conflict[1:], whose)
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
			p.doubt("What %s has could not be found out: %s.", s.Name, s.Problem)
		case !known(s):
			p.doubt("%s does not have the digests of server %q, and does not say why. %s", record.EvidenceFile, s.Name, remedy)
		case s.Served != first.Served:
			p.violate(nil, "%s and %s serve different trees after zxid 0x%x.%s", first.Name, s.Name, f.evidence.Last, whose)
		case s.Replayed != "" && s.Replayed != s.Served:
			p.violate(nil, "%s serves another tree than it would come back with: its snapshot and log say something else at zxid 0x%x.%s", s.Name, f.evidence.Last, whose)
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
