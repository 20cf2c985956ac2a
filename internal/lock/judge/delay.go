package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// drift is how much too fast the clock of a participant may run, in percent: the next holder
// measures the delay by its own clock.
const drift = 1

// delayWaited: after a holder that had asked for a delay has ended without giving its lock back,
// the next grant comes later than that delay.
func (f *facts) delayWaited() checker.Property {
	p := checker.NewFindings("DelayWaited")
	if f.needsOrder(p) {
		return p.Property("")
	}
	m := f.moments()
	ends := f.unclean()
	shortest := ""
	least := 0.0
	for _, e := range ends {
		waited := m.notAfter(e.next.from) - m.notBefore(e.old.until)
		if share := float64(waited) / float64(e.delay); shortest == "" || share < least {
			least, shortest = share, fmt.Sprintf(" The next grant came %.2f times the delay after such an end, or later.", share)
		}
		if waited < e.delay*(100-drift)/100 {
			p.Violate(wording.Finding{Code: DelaySkipped, Object: e.old.Lock, Zxid: e.next.from, Args: wording.Args{
				"process": e.next.process(), "at": f.when(e.next), "token": e.next.token, "other": e.old.process(), "earlier": e.old.token,
				"delay": e.delay, "waited": waited,
			}}, slices.Concat(e.old.events(), e.next.events())...)
		}
	}
	return p.Property("%d holders with a delay ended without giving their lock back, and the lock was granted again after the delay, less %d percent for clocks that run too fast.%s",
		len(ends), drift, shortest)
}

// end is an unclean end of a holder that had asked for a delay, and the next grant.
type end struct {
	old, next *holding
	delay     time.Duration
}

// unclean finds the ends that the next holder must wait after. The holder was told that it has the
// lock, and did not give it back before the lock was over: its session ended, or its lease. A
// release that was not confirmed leaves open which it was, and so does a session that another
// process has ended in the middle of a release.
func (f *facts) unclean() (all []end) {
	asked := map[granted]attempt{}
	for _, a := range f.attempts {
		if a.told() && a.asked.Delay > 0 {
			asked[granted{a.lock(), a.token()}] = a
		}
	}
	released := map[string]record.Operation{}
	for _, r := range f.releases {
		released[r.Invoke.ID()] = r
	}
	lost := map[string]bool{}
	for _, h := range f.holds {
		lost[h.Invoke.ID()] = h.Done.Type == record.OK && h.Done.Remark() != ""
	}
	for i, old := range f.holdings {
		a, delays := asked[granted{old.Lock, old.token}]
		_, gave := released[a.Invoke.ID()]
		if !delays || old.until == 0 || gave && !lost[a.Invoke.ID()] {
			continue
		}
		at := slices.IndexFunc(f.holdings[i+1:], func(h *holding) bool { return h.Lock == old.Lock && h.standing != old.standing })
		if at >= 0 && f.holdings[i+1+at].from > old.until { // a grant before its end is the concern of MutualExclusion
			all = append(all, end{old, f.holdings[i+1+at], a.asked.Delay})
		}
	}
	return all
}

// moments say when something was committed, by the writes before it and after it in ZooKeeper's
// order.
type moments struct {
	zxids  []int64
	sent   []time.Duration // by when the last of the writes up to here was sent
	heard  []time.Duration // when the first of the writes from here on was answered
	latest time.Duration
}

func (f *facts) moments() moments {
	var applied []*checker.Write
	for i := range f.Writes {
		if f.Writes[i].Zxid != 0 {
			applied = append(applied, &f.Writes[i])
		}
	}
	slices.SortFunc(applied, func(a, b *checker.Write) int { return cmp.Compare(a.Zxid, b.Zxid) })
	m := moments{latest: f.End, heard: make([]time.Duration, len(applied))}
	last := time.Duration(0)
	for _, w := range applied {
		last = max(last, w.Invoke.At)
		m.zxids, m.sent = append(m.zxids, w.Zxid), append(m.sent, last)
	}
	first := f.End
	for i, w := range slices.Backward(applied) {
		first = min(first, f.Until(w.Operation))
		m.heard[i] = first
	}
	return m
}

// notBefore is a time before which a place in the order was not committed.
func (m moments) notBefore(zxid int64) time.Duration {
	i, here := slices.BinarySearch(m.zxids, zxid)
	if here {
		i++
	}
	if i == 0 {
		return 0
	}
	return m.sent[i-1]
}

// notAfter is a time after which it was not committed.
func (m moments) notAfter(zxid int64) time.Duration {
	i, _ := slices.BinarySearch(m.zxids, zxid)
	if i == len(m.heard) {
		return m.latest
	}
	return m.heard[i]
}
