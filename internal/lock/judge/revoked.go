package judge

import (
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// hears is how long a holder may take to hear that it is asked to release its lock. It reads again
// after each reconnect. If it is cut off for longer, its lease is over before that.
const hears = 5 * time.Second

// revocationsHeard: a holder that listens hears that it is asked to release its lock, unless the
// lock is over before. It hears that once, and only if it was asked.
func (f *facts) revocationsHeard() checker.Property {
	p := checker.NewFindings("RevocationsHeard")
	if f.needsOrder(p) {
		return p.Property("")
	}
	held := map[string]record.Operation{}
	for _, h := range f.holds {
		held[h.Invoke.ID()] = h
	}
	asked, heard := 0, 0
	for _, a := range f.attempts {
		if !a.asked.Yields {
			continue
		}
		told := f.heard[a.Invoke.ID()]
		heard += len(told)
		if len(told) > 1 {
			p.Violate(f.revocation(HeardTwice, a, told[1]), told...)
		}
		written := f.requests(a)
		if len(told) > 0 && !slices.ContainsFunc(written, func(w *checker.Write) bool { return w.Invoke.Seq < told[0].Seq || w.Invoke.At <= told[0].At }) {
			p.Violate(f.revocation(HeardOfNothing, a, told[0]), told...)
		}
		h, holds := held[a.Invoke.ID()]
		for _, w := range written {
			if w.Outcome() != record.OK {
				continue
			}
			asked++
			by := max(w.Done.At, h.Invoke.At) + hears
			if holds && len(told) == 0 && f.Lasted(h) > by && f.Excuse(h, w.Done.At, by) == "" {
				p.Violate(f.revocation(NeverHeard, a, w.Done), a.Invoke, w.Invoke, w.Done, h.Invoke)
				break
			}
		}
	}
	return p.Property("%d requests to release a lock reached the contender of a holder that listens, and %d holders heard of one. Each of the others gave its lock back, or lost it, before it could hear.", asked, heard)
}

// requests are the writes that ask the holder that an attempt has made.
func (f *facts) requests(a attempt) (all []*checker.Write) {
	for _, s := range f.lines[a.Invoke.Alive()] {
		if s.Lock == a.lock() && a.within(s.made) {
			all = append(all, f.asked[s.Path]...)
		}
	}
	return all
}

// revocation is a finding about a holder that was asked.
func (f *facts) revocation(code wording.Code, a attempt, e record.Event) wording.Finding {
	return wording.Finding{Code: code, Object: a.lock(), Args: wording.Args{
		"process": a.Invoke.Process, "token": a.token(), "at": e.At,
	}}
}
