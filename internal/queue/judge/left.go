package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// recovered: when everything is healed, the items of consumers that were lost are in line again, and
// the others consume them. Nothing is left but dead letters.
func (f *facts) recovered() checker.Property {
	p := checker.NewFindings("Recovered")
	if f.NeedsHeal(p) || f.NeedsTree(p) {
		return p.Property("")
	}
	if !f.Evidence.Drained {
		p.Violate(wording.Finding{Code: NeverDrained, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	for _, n := range f.Evidence.Nodes {
		if z, is := history.ParseZnode(n.Path); f.Evidence.Drained && is && (z.Folder == history.Line || z.Folder == history.Delayed) {
			p.Violate(wording.Finding{Code: LeftInQueue, Object: n.Path, Args: wording.Args{"id": history.IDOf(n.Path, n.Data)}}, f.About(n.Path)...)
		}
	}
	lapsed := 0
	for _, c := range f.claims {
		if c.lapsed {
			lapsed++
		}
	}
	return p.Property("All queues were emptied after the faults were healed. %d takes had ended with the session of their consumer.", lapsed)
}

// nothingLeft: in the final tree no queue has a claim or a producer's znode, except those of
// participants that were killed, whose sessions are not over yet. And a consumer that had given back
// all and asked for nothing had no claim any more, although its session was still there.
func (f *facts) nothingLeft() checker.Property {
	p := checker.NewFindings("NothingLeft")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	for _, n := range f.Evidence.Nodes {
		if z, is := history.ParseZnode(n.Path); is && (z.Folder == history.Claims || z.Folder == history.Lanes) && !f.goesSoon(n.Owner) {
			p.Violate(wording.Finding{Code: LeftInTree, Object: history.ItemOf(n.Path), Args: wording.Args{"path": n.Path}}, f.About(history.ItemOf(n.Path))...)
		}
	}
	settled := 0
	for _, e := range f.Events {
		if !history.Is(e, history.Settled) {
			continue
		}
		settled++
		for _, c := range f.claims {
			if f.leftBy(e, c) {
				p.Violate(wording.Finding{Code: LeftInSession, Object: c.Item(), Args: wording.Args{
					"process": e.Process, "at": e.At, "path": c.Path, "session": c.session,
				}}, append(events(c.write), e)...)
			}
		}
	}
	return p.Property("No queue has a claim in the final tree, and no claim of %d participants that had given back all was there until the end of its session.", settled)
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

// leftBy reports whether a claim of the life that has settled was there until the end of its
// session, in which the life has settled.
func (f *facts) leftBy(settled record.Event, c *claim) bool {
	i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == c.session })
	if i < 0 || c.until != 0 && !c.lapsed || f.Index.Sessions[i].Opened.Alive() != settled.Alive() {
		return false
	}
	over := f.Index.Sessions[i].Over
	return over.Seq == 0 || over.At >= settled.At
}
