package judge

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// stale is how old a read may be while the leader of the ensemble is being replaced.
const stale = 5 * time.Second

// waitsEndInTime: a wait is over only when the barrier was not set, at some moment in it or shortly
// before.
func (f *facts) waitsEndInTime() checker.Property {
	p := checker.NewFindings("WaitsEndInTime")
	if f.needsOrder(p) {
		return p.Property("")
	}
	judged := 0
	for _, c := range f.about(history.Wait) {
		if !c.done() {
			continue
		}
		judged++
		for _, s := range f.set {
			lifted := s.until > 0 && (s.ended == nil || s.ended.Invoke.At <= c.Done.At)
			if s.began != nil && s.began.Outcome() == record.OK && s.began.Done.At < c.Invoke.At-stale && !lifted {
				p.Violate(f.finding(WaitEarly, c, wording.Args{"from": s.began.Done.At}), s.began.Invoke, c.Invoke, c.Done)
			}
		}
	}
	return p.Property("%d waits. None of them was over while the barrier was set.", judged)
}

// roundsWhole: a round begins only when all of its participants are there and those of the round before
// are gone; and a user that is told to be in one is.
func (f *facts) roundsWhole() checker.Property {
	p := checker.NewFindings("RoundsWhole")
	if f.needsOrder(p) {
		return p.Property("")
	}
	began := map[int32]*round{}
	for _, r := range f.rounds {
		began[r.number] = r
		for code, missing := range map[wording.Code]string{RoundShort: r.missing, RoundBeside: r.beside} {
			if missing != "" {
				p.Violate(wording.Finding{Code: code, Object: history.Round, Zxid: r.zxid, Args: wording.Args{"round": r.number, "missing": missing}}, f.About(history.Round)...)
			}
		}
	}
	for _, c := range f.about(history.Enter) {
		if number := c.Done.Token().Epoch; c.done() && (began[number] == nil || int64(len(began[number].members)) != c.asked.N) {
			p.Violate(f.finding(RoundOfNone, c, wording.Args{"round": number}), c.Invoke, c.Done)
		}
	}
	return p.Property("%d rounds. Each began when all of its participants were there, and those of the round before were gone.", len(f.rounds))
}

// leaveTogether: a user leaves a round only when every other one that is in has asked to leave, or its
// znode went with its session.
func (f *facts) leaveTogether() checker.Property {
	p := checker.NewFindings("LeaveTogether")
	if f.needsOrder(p) {
		return p.Property("")
	}
	asked := map[string]*call{} // when a stay was to end, by its id
	for _, c := range f.about(history.Leave) {
		asked[c.Invoke.ID()] = c
	}
	left := 0
	for _, c := range f.about(history.Leave) {
		if !c.done() {
			continue
		}
		left++
		for _, s := range f.stays {
			if s.Invoke.Token() != c.Done.Token() || s.Invoke.ID() == c.Invoke.ID() || s.Done.Remark() != "" || s.Invoke.At > c.Done.At {
				continue
			}
			other := asked[s.Invoke.ID()]
			waits := other == nil || other.Invoke.At > c.Done.At
			if waits && !f.lost(s, c.Done.At) {
				p.Violate(f.finding(LeftAlone, c, wording.Args{"round": c.Done.Token().Epoch, "other": s.Invoke.Process}), s.Invoke, c.Done)
			}
		}
	}
	return p.Property("%d times a user left a round. Each other one in it had asked to leave, or had lost its place.", left)
}

// lost reports whether a user may have lost its place in a round before that time: it has died, or the
// znode of a participant of that round that it has made went with its session.
func (f *facts) lost(stay record.Operation, before time.Duration) bool {
	if life := f.Index.LifeOf(stay.Invoke.Alive()); life != nil {
		if at, ended := life.Over(stay.Invoke.At); ended && at <= before {
			return true
		}
	}
	for _, r := range f.rounds {
		for _, m := range r.members {
			if r.number == stay.Invoke.Token().Epoch && f.closed[m] && f.madeBy(m, stay.Invoke.Alive()) {
				return true
			}
		}
	}
	return false
}

// madeBy reports whether a life has made a znode.
func (f *facts) madeBy(path string, life record.Life) bool {
	for _, commit := range f.Index.Commits {
		made := slices.ContainsFunc(commit.Ops, func(op record.Op) bool { return op.Kind == "create" && op.Path == path })
		if made {
			return slices.ContainsFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == commit.Session && h.Opened.Alive() == life })
		}
	}
	return false
}

// tenuresApart: two users never believe to hold the lease at the same time, unless a fault stopped the
// earlier one, or the clock of one was changed.
func (f *facts) tenuresApart() checker.Property {
	p := checker.NewFindings("TenuresApart")
	explained := 0
	var going []record.Operation
	for _, next := range slices.SortedStableFunc(slices.Values(f.tenures), func(a, b record.Operation) int { return cmp.Compare(a.Invoke.At, b.Invoke.At) }) {
		going = slices.DeleteFunc(going, func(old record.Operation) bool { return f.Lasted(old) <= next.Invoke.At })
		for _, old := range going {
			from, to := next.Invoke.At, min(f.Lasted(old), f.Lasted(next))
			switch {
			case to <= from:
			case f.Excuse(old, from, to) != "":
				explained++
			default:
				p.Violate(wording.Finding{Code: HeldByTwo, Object: history.Duty, Args: wording.Args{
					"old": old.Invoke.Process, "earlier": old.Invoke.Token().Epoch, "process": next.Invoke.Process, "token": next.Invoke.Token().Epoch, "from": from, "long": to - from,
				}}, old.Invoke, next.Invoke)
			}
		}
		going = append(going, next)
	}
	return p.Property("%d tenures of the lease. No two users believed to hold it at the same time, except for %d times in which a fault had stopped one of them.", len(f.tenures), explained)
}

// ledgerFenced: each entry in the ledger checks the lease, and no holder writes after a later one.
func (f *facts) ledgerFenced() checker.Property {
	p := checker.NewFindings("LedgerFenced")
	greatest, by := int32(0), ""
	for _, w := range f.entries {
		token, id, checked := int32(0), "", false
		for _, op := range w.Invoke.Ops() {
			if isEntry(op) {
				token, id, _ = history.ParseEntry(op.Data)
			}
			checked = checked || op.Kind == "check" && op.Path == history.Duty
		}
		if late := f.Ordered() && token < greatest && id != by; late || !checked {
			p.Violate(wording.Finding{Code: EntryUnfenced, Object: history.Duty, Zxid: w.Zxid, Args: wording.Args{"process": w.Invoke.Process, "at": f.At(w.Operation), "token": token}}, w.Invoke, w.Done)
		}
		if token > greatest {
			greatest, by = token, id
		}
	}
	return p.Property("%d entries in the ledger, each by the user that held the lease.", len(f.entries))
}
