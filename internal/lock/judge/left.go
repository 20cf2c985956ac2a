package judge

import (
	"path"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// nothingLeft: in the final tree no lock has a child, except those of participants that were
// killed, whose sessions are not over yet. And a locker that had given back all and asked for
// nothing had no contender any more, although its session was still there.
func (f *facts) nothingLeft() checker.Property {
	p := checker.NewFindings("NothingLeft")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	for _, n := range f.Evidence.Nodes {
		if lock := path.Dir(n.Path); history.IsLock(lock) && !f.goesSoon(n.Owner) {
			p.Violate(wording.Finding{Code: LeftInTree, Object: lock, Args: wording.Args{"path": n.Path}}, f.About(lock)...)
		}
	}
	settled := 0
	for _, e := range f.Events {
		if !history.Is(e, history.Settled) {
			continue
		}
		settled++
		for _, s := range f.line {
			if f.leftBy(e, s) {
				p.Violate(wording.Finding{Code: LeftInSession, Object: s.Lock, Args: wording.Args{
					"process": e.Process, "at": e.At, "path": s.Path, "session": s.session,
				}}, e)
			}
		}
	}
	return p.Property("No lock has a contender in the final tree, and no contender of %d lockers that had given back all was there until the end of its session.", settled)
}

// goesSoon reports whether a session belongs to a participant that did not leave in good order,
// so that its znodes go with it when it has timed out.
func (f *facts) goesSoon(session string) bool {
	i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == session })
	if session == "" || i < 0 {
		return false
	}
	life := f.Index.Sessions[i].Opened.Alive()
	return !slices.ContainsFunc(f.Events, func(e record.Event) bool {
		return e.Kind == record.Leave && e.Type == record.OK && e.Alive() == life
	})
}

// leftBy reports whether a contender of the life that has settled was there until the end of its
// session, in which the life has settled.
func (f *facts) leftBy(settled record.Event, s *standing) bool {
	i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == s.session })
	if i < 0 || s.left || f.Index.Sessions[i].Opened.Alive() != settled.Alive() {
		return false
	}
	over := f.Index.Sessions[i].Over
	return over.Seq == 0 || over.At >= settled.At
}

// freeAfterHeal: when everything is healed, each lock can be taken. Every locker takes each lock
// once more before it ends.
func (f *facts) freeAfterHeal() checker.Property {
	p := checker.NewFindings("FreeAfterHeal")
	switch {
	case f.NeedsHeal(p):
		return p.Property("")
	case !f.Evidence.Drained:
		p.Violate(wording.Finding{Code: NeverFree, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	since := time.Duration(0)
	if e, begun := f.Index.Began(record.Draining); begun {
		since = e.At
	}
	taken := map[string]bool{}
	for _, a := range f.attempts {
		taken[a.lock()] = taken[a.lock()] || a.told() && a.Done.At >= since
	}
	for _, a := range f.attempts {
		if !taken[a.lock()] && f.Evidence.Drained {
			taken[a.lock()] = true // it is told once
			p.Violate(wording.Finding{Code: NeverTaken, Object: a.lock()}, f.About(a.lock())...)
		}
	}
	return p.Property("Each of %d locks was taken after all faults were healed.", len(taken))
}
