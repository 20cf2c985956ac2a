package judge

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// call is one call that takes several locks together: an attempt for each.
type call struct {
	name     string
	attempts []attempt
}

// calls are the calls that take several locks.
func (f *facts) calls() []*call {
	var all []*call
	named := map[string]*call{}
	for _, a := range f.attempts {
		if a.asked.Call == "" {
			continue
		}
		c := named[a.asked.Call]
		if c == nil {
			c = &call{name: a.asked.Call}
			named[a.asked.Call], all = c, append(all, c)
		}
		c.attempts = append(c.attempts, a)
	}
	return all
}

// told are the attempts that got their lock, and refused those that did not.
func (c *call) told() (told, refused []attempt) {
	for _, a := range c.attempts {
		switch {
		case a.told():
			told = append(told, a)
		case a.Outcome() == record.Fail:
			refused = append(refused, a)
		}
	}
	return told, refused
}

// keptFor is how long a locker may take to leave the line of a lock, while its session asks for
// other things and is answered.
const keptFor = 5 * time.Second

// allOrNone: several locks that are taken together are all granted, or all refused. After a refusal
// nothing is kept. And two such calls never wait for each other.
func (f *facts) allOrNone() checker.Property {
	p := checker.NewFindings("AllOrNone")
	if f.needsOrder(p) {
		return p.Property("")
	}
	calls := f.calls()
	all, none := 0, 0
	owner := map[*standing]*call{}
	for _, c := range calls {
		told, refused := c.told()
		switch {
		case len(told) > 0 && len(refused) > 0:
			p.Violate(wording.Finding{Code: SomeOfAll, Object: refused[0].lock(), Args: wording.Args{
				"process": told[0].Invoke.Process, "at": told[0].Done.At, "got": told[0].lock(),
			}}, told[0].Done, refused[0].Done)
		case len(told) > 0:
			all++
		case len(refused) > 0:
			none++
		}
		for _, s := range f.lines[c.attempts[0].Invoke.Alive()] {
			i := slices.IndexFunc(c.attempts, func(a attempt) bool { return a.lock() == s.Lock && a.within(s.made) })
			if i < 0 {
				continue
			}
			owner[s] = c
			if a := c.attempts[i]; a.Outcome() == record.Fail && f.kept(s, a) {
				p.Violate(wording.Finding{Code: KeptOfNone, Object: s.Lock, Args: wording.Args{
					"process": a.Invoke.Process, "at": a.Done.At, "path": s.Path,
				}}, a.Invoke, a.Done)
			}
		}
	}
	f.deadlocks(p, owner)
	return p.Property("%d calls took several locks together, and %d got none of them and kept nothing. No two of them waited for each other.", all, none)
}

// kept reports whether a contender was there long after its locker was told that it does not get
// the lock, although other writes of its session were answered.
func (f *facts) kept(s *standing, refused attempt) bool {
	return slices.ContainsFunc(f.Writes, func(w checker.Write) bool {
		return w.Invoke.Session() == s.session && w.Outcome() == record.OK && w.Invoke.At > refused.Done.At+keptFor && s.there(w.Zxid)
	})
}

// contending is a call in one session. What a call has left in an earlier session goes by itself.
type contending struct {
	call    *call
	session string
}

// deadlocks finds calls that waited for each other: each had a place in a line in front of the
// other one.
func (f *facts) deadlocks(p *checker.Findings, owner map[*standing]*call) {
	byCall := map[contending][]*standing{}
	for s, c := range owner {
		byCall[contending{c, s.session}] = append(byCall[contending{c, s.session}], s)
	}
	grants := map[*standing]int64{}
	for _, h := range f.holdings {
		if grants[h.standing] == 0 {
			grants[h.standing] = h.from
		}
	}
	// waits reports whether a call waits for another one at a place in the order, and in which line.
	waits := func(c, other contending, zxid int64) *standing {
		for _, s := range byCall[c] {
			if s.made.Zxid > zxid || !s.there(zxid) || grants[s] != 0 && grants[s] <= zxid {
				continue
			}
			for _, front := range byCall[other] {
				if front.Lock == s.Lock && front.made.Zxid <= zxid && front.Sequence < s.Sequence && front.there(zxid) {
					return s
				}
			}
		}
		return nil
	}
	joined := slices.SortedFunc(func(yield func(*standing) bool) {
		for s := range owner {
			if !yield(s) {
				return
			}
		}
	}, func(a, b *standing) int { return cmp.Compare(a.made.Zxid, b.made.Zxid) })
	for i, s := range joined {
		for _, before := range joined[max(0, i-mostLines):i] {
			c, other, now := contending{owner[s], s.session}, contending{owner[before], before.session}, s.made.Zxid
			if c.call == other.call || waits(c, other, now) == nil {
				continue
			}
			if back := waits(other, c, now); back != nil {
				p.Violate(wording.Finding{Code: Deadlock, Object: s.Lock, Zxid: now, Args: wording.Args{
					"process": s.made.Invoke.Process, "at": f.At(s.made.Operation), "other": back.made.Invoke.Process, "lock": back.Lock,
				}}, back.made.Invoke, s.made.Invoke)
				return
			}
		}
	}
}

// mostLines bounds how many contenders are looked at for each that joins a line. There are as many
// as participants.
const mostLines = 400
