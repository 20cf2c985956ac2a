package checker

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// ledger is what ZooKeeper itself says of a run: which writes were applied, and in which
// order. It joins three records: the history has what participants believe, the wire
// has under which number each of their writes was asked for, and the commits have what
// became of that number.
type ledger struct {
	evidence  *record.Evidence
	exchanges []record.Exchange
	commits   []record.Commit

	joined
	requests map[request]int // position in commits, of what was not answered
	latest   []time.Duration // by position in commits: until when it had taken effect
}

// request is what ZooKeeper knows a write by: xids ascend within a session.
type request struct {
	session string
	xid     int32
}

// newLedger returns nil where nobody recorded what was committed, or what was asked for.
func newLedger(writes []record.Operation, evidence *record.Evidence, exchanges []record.Exchange, commits []record.Commit) *ledger {
	if commits == nil || exchanges == nil || evidence == nil {
		return nil
	}
	l := &ledger{evidence: evidence, exchanges: exchanges, commits: commits, requests: map[request]int{}}
	if !slices.IsSortedFunc(commits, byZxid) {
		l.commits = slices.SortedFunc(slices.Values(commits), byZxid)
	}
	for _, x := range exchanges {
		if x.Zxid == 0 {
			l.requests[request{x.Session, x.Xid}] = -1
		}
	}
	for i, c := range l.commits {
		r := request{c.Session, c.Xid}
		if _, asked := l.requests[r]; asked && c.Kind != record.CommitClose { // the nemesis ends sessions of others, with numbers of its own
			l.requests[r] = i
		}
	}
	l.joined = join(writes, exchanges)
	l.bound()
	return l
}

func byZxid(a, b record.Commit) int { return cmp.Compare(a.Zxid, b.Zxid) }

// place is the position of a zxid in the commits, or -1.
func (l *ledger) place(zxid int64) int {
	i, found := slices.BinarySearchFunc(l.commits, zxid, func(c record.Commit, zxid int64) int { return cmp.Compare(c.Zxid, zxid) })
	if !found {
		return -1
	}
	return i
}

// bound finds until when each commit had taken effect: until a later one was answered.
func (l *ledger) bound() {
	never := time.Duration(math.MaxInt64)
	l.latest = slices.Repeat([]time.Duration{never}, len(l.commits))
	for _, x := range l.exchanges {
		if at := l.place(x.Zxid); x.Answered != 0 && at >= 0 {
			l.latest[at] = x.Answered
		}
	}
	soonest := never
	for i := range slices.Backward(l.latest) {
		soonest = min(soonest, l.latest[i])
		l.latest[i] = soonest
	}
}

// commitOf is the position in commits of what became of an exchange; -1 if nothing did.
func (l *ledger) commitOf(x *record.Exchange) int {
	if x.Zxid != 0 {
		return l.place(x.Zxid)
	}
	return l.requests[request{x.Session, x.Xid}]
}

// fate is what became of a write of the history: OK with the position of its commit,
// Fail, or Info where the record has a hole in which it might be.
func (l *ledger) fate(write int) (outcome record.Type, commit int) {
	exchange := l.writes[write]
	if exchange < 0 {
		return record.Fail, -1 // it never reached a server
	}
	switch at := l.commitOf(&l.exchanges[exchange]); {
	case at < 0 && len(l.evidence.Gaps) > 0:
		return record.Info, -1
	case at < 0 || l.commits[at].Kind != record.CommitWrite:
		return record.Fail, -1
	default:
		return record.OK, at
	}
}

// settle replaces the unknown outcomes of writes by what was committed, and finds the
// place of each write in ZooKeeper's order. What was applied had been when a later
// write was answered.
func (f *facts) settle() {
	f.zxids = make([]int64, len(f.writes))
	if f.ledger == nil {
		return
	}
	for i := range f.writes {
		w := &f.writes[i]
		outcome, commit := f.ledger.fate(i)
		if outcome == record.OK {
			f.zxids[i] = f.ledger.commits[commit].Zxid
		}
		if w.Outcome() != record.Info {
			continue
		}
		f.settled(outcome)
		if outcome == record.Info {
			continue
		}
		w.Done.Type, w.Done.At = outcome, f.end
		if outcome == record.OK {
			w.Done.At = max(w.Invoke.At+1, min(f.end, f.ledger.latest[commit]))
		}
	}
}

// settled books an unknown outcome that the committed order was asked for. What it
// leaves open, the tree may still tell.
func (f *facts) settled(outcome record.Type) {
	switch outcome {
	case record.OK:
		f.unknowns.applied++
		f.unknowns.byOrder++
	case record.Fail:
		f.unknowns.lost++
		f.unknowns.byOrder++
	}
}

// settleSubmits does the same for submissions: one was accepted if a write that creates
// its task was applied.
func (f *facts) settleSubmits() {
	if f.ledger == nil || len(f.evidence.Gaps) > 0 {
		return
	}
	made := map[string]string{} // by id: the task
	for _, w := range f.writes {
		if w.Outcome() != record.OK {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); z.Kind == record.Task && op.Kind == "create" {
				id, _ := record.ParseTask(op.Data)
				made[id] = z.Task
			}
		}
	}
	for i := range f.submits {
		s := &f.submits[i]
		if s.Outcome() != record.Info {
			continue
		}
		name, accepted := made[s.Invoke.ID()]
		s.Done.Type = record.Fail
		if accepted {
			s.Done.Type, s.Done.Of = record.OK, record.Submission{ID: s.Invoke.ID(), Task: name}
		}
		f.settled(s.Done.Type)
	}
}

// ordered reports whether the writes that were applied can be ordered by zxid.
func (f *facts) ordered() bool { return f.ledger != nil && len(f.evidence.Gaps) == 0 }

// resting says on which evidence the order and the outcomes of writes rest.
func (f *facts) resting() string {
	switch {
	case f.evidence == nil:
		return "There is no evidence but what the participants have heard."
	case f.ledger == nil:
		why := cmp.Or(f.evidence.Weaker, "it was not recorded what was committed")
		return fmt.Sprintf("The evidence is the weaker one: %s. What was unanswered is judged by the final tree, and the order is that of time.", why)
	case f.evidence.Order == record.FromMemory:
		return fmt.Sprintf("The order of writes, and which of them were applied, is the server's own record: %d entries.", len(f.ledger.commits))
	}
	text := fmt.Sprintf("The order of writes, and which of them were applied, is from the transaction logs of %d servers: %d transactions until 0x%x.",
		len(f.evidence.Servers), len(f.ledger.commits), f.evidence.Last)
	if n := len(f.evidence.Gaps); n > 0 {
		text += fmt.Sprintf(" They have %d holes, so that the order is that of time.", n)
	}
	return text
}
