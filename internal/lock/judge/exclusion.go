package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// mutualExclusion: in ZooKeeper's order, a lock is granted only when no contender holds it that
// excludes the new one. And two holders that exclude each other never believe to hold the lock at
// the same time, unless a fault stopped the earlier one or ended its session early: no lease can
// help against those faults.
func (f *facts) mutualExclusion() checker.Property {
	p := checker.NewFindings("MutualExclusion")
	for _, h := range f.holdings {
		if h.against != nil {
			p.Violate(wording.Finding{Code: HeldByTwo, Object: h.Lock, Zxid: h.from, Args: wording.Args{
				"process": h.process(), "at": f.when(h), "token": h.token, "other": h.against.process(), "earlier": h.against.token,
			}}, slices.Concat(h.against.events(), h.events())...)
		}
	}
	overlap, explained := time.Duration(0), 0
	for _, b := range f.overlaps() {
		if b.excuse != "" {
			explained++
			overlap += b.length
			continue
		}
		p.Violate(wording.Finding{Code: BelievedByTwo, Object: b.old.Invoke.Object(), Args: wording.Args{
			"old": b.old.Invoke.Process, "earlier": b.old.Invoke.Token().Epoch, "process": b.next.Invoke.Process, "token": b.next.Invoke.Token().Epoch,
			"long": b.length, "from": b.from,
		}}, b.old.Invoke, b.next.Invoke)
	}
	held := fmt.Sprintf("%d grants. ZooKeeper granted no lock while another contender that excludes the new one held it.", len(f.holdings))
	if !f.Ordered() {
		held = fmt.Sprintf("The order of the commits is not known, so the %d times in which lockers believed to hold a lock were judged.", len(f.holds))
	}
	if explained > 0 {
		return p.Property("%s Two lockers believed to hold the same lock at the same time %d times, for %s together. Each time a fault had stopped one of them or ended its session.",
			held, explained, wording.Seconds(overlap))
	}
	return p.Property("%s Two lockers never believed to hold the same lock at the same time, unless they shared it.", held)
}

// when is the time of a grant.
func (f *facts) when(h *holding) time.Duration {
	if h.write == nil {
		return 0
	}
	return f.At(h.write.Operation)
}

// events are those of the grant.
func (h *holding) events() []record.Event {
	if h.write == nil {
		return nil
	}
	return []record.Event{h.write.Invoke, h.write.Done}
}

// believing is a time in which two lockers that exclude each other believed to hold a lock.
type believing struct {
	old, next    record.Operation
	from, length time.Duration
	excuse       string
}

// overlaps are the times in which two lockers believed to hold the same lock, which at least one
// of them held alone.
func (f *facts) overlaps() []believing {
	asked := map[string]history.Asked{}
	for _, a := range f.attempts {
		asked[a.Invoke.ID()] = a.asked
	}
	var all []believing
	going := map[string][]record.Operation{} // by lock: those that have not ended when the next one begins
	for _, next := range slices.SortedStableFunc(slices.Values(f.holds), func(a, b record.Operation) int { return cmp.Compare(a.Invoke.At, b.Invoke.At) }) {
		lock := next.Invoke.Object()
		going[lock] = slices.DeleteFunc(going[lock], func(old record.Operation) bool { return f.Lasted(old) <= next.Invoke.At })
		for _, old := range going[lock] {
			if !asked[old.Invoke.ID()].Mode.Conflicts(asked[next.Invoke.ID()].Mode) {
				continue
			}
			first, second := old, next
			if first.Invoke.Token().Epoch > second.Invoke.Token().Epoch {
				first, second = second, first
			}
			from, to := next.Invoke.At, min(f.Lasted(old), f.Lasted(next))
			if to > from {
				all = append(all, believing{first, second, from, to - from, f.Excuse(first, from, to)})
			}
		}
		going[lock] = append(going[lock], next)
	}
	return all
}

// inTurn: a lock is granted in the order of the line. Only those that share a lock may pass each
// other.
func (f *facts) inTurn() checker.Property {
	p := checker.NewFindings("InTurn")
	if f.needsOrder(p) {
		return p.Property("")
	}
	for _, h := range f.holdings {
		if h.ahead != nil {
			p.Violate(wording.Finding{Code: Overtaken, Object: h.Lock, Zxid: h.from, Args: wording.Args{
				"process": h.process(), "at": f.when(h), "number": h.Sequence, "first": h.ahead.Sequence, "other": f.maker(h.ahead),
			}}, h.events()...)
		}
	}
	return p.Property("%d grants, each to the first of its line, or to one of those that share the lock and are in front of all others.", len(f.holdings))
}

// maker is the participant that made a contender, or its session if that is not known.
func (f *facts) maker(s *standing) string {
	if i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == s.session }); i >= 0 {
		return cmp.Or(f.Index.Sessions[i].Opened.Process, f.Index.Sessions[i].Over.Process)
	}
	return "session " + s.session
}

// needsOrder doubts a property that is about the order of the commits, and reports whether that
// is not known.
func (f *facts) needsOrder(p *checker.Findings) bool {
	if f.Ordered() {
		return false
	}
	p.Doubt(wording.Finding{Code: NoOrder})
	return true
}
