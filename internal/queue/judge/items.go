package judge

import (
	"cmp"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// noLoss: an item whose put was confirmed is in the queue until a consumer has it recorded as
// consumed. On its way it is moved, from one znode to another by one write, and never only deleted.
func (f *facts) noLoss() checker.Property {
	p := checker.NewFindings("NoLoss")
	nodes, made := f.inTree(), map[string]bool{}
	for _, s := range f.stays {
		made[s.id] = true
	}
	gone := f.mayBeConsumed()
	confirmed := 0
	for _, put := range f.puts {
		if put.Outcome() != record.OK {
			continue
		}
		confirmed++
		never := wording.Finding{Code: NeverThere, Object: put.Done.Object(), Args: wording.Args{
			"process": put.Invoke.Process, "at": put.Done.At, "id": put.id(), "queue": put.Queue,
		}}
		if f.Ordered() && !made[put.id()] {
			p.Violate(never, put.Invoke, put.Done)
		} else if !f.Ordered() && f.HasTree() && !nodes.ids[put.id()] && !gone[put.id()] {
			p.Violate(wording.Finding{Code: NotInTree, Object: put.Done.Object(), Args: wording.Args{"id": put.id()}}, put.Invoke, put.Done)
		}
	}
	for _, s := range f.stays {
		switch {
		case s.how == removed:
			p.Violate(wording.Finding{Code: Vanished, Object: s.Path, Zxid: s.until, Args: wording.Args{
				"id": s.id, "at": f.when(s.ended), "process": f.ender(s),
			}}, events(s.made, s.ended)...)
		case s.how == stays && f.HasTree() && !nodes.paths[s.Path]:
			p.Violate(wording.Finding{Code: NotInTree, Object: s.Path, Args: wording.Args{"id": s.id}}, events(s.made)...)
		}
	}
	return p.Property("%d items were put. Each is in its queue, or a consumer had it recorded as consumed.", confirmed)
}

// tree is what the final tree has.
type tree struct{ paths, ids map[string]bool }

func (f *facts) inTree() tree {
	t := tree{map[string]bool{}, map[string]bool{}}
	if f.HasTree() {
		for _, n := range f.Evidence.Nodes {
			t.paths[n.Path] = true
			t.ids[history.IDOf(n.Path, n.Data)] = true
		}
	}
	return t
}

// mayBeConsumed are the items whose consumers were told that they are recorded as consumed, or cannot
// know it.
func (f *facts) mayBeConsumed() map[string]bool {
	all := map[string]bool{}
	for _, a := range f.acks {
		if a.Outcome() != record.Fail {
			all[a.Invoke.ID()] = true
		}
	}
	return all
}

// ender is the participant that ended a stay, or its session.
func (f *facts) ender(s *stay) string {
	if s.ended == nil {
		return f.holder(s.by)
	}
	return s.ended.Invoke.Process
}

// noUnexpected: each item in a queue is one that a producer has put, where it was to be, with its
// payload, and not one whose producer was told that it will never be there.
func (f *facts) noUnexpected() checker.Property {
	p := checker.NewFindings("NoUnexpected")
	for _, t := range f.takes {
		if put := f.put[t.Done.ID()]; t.told() && (put == nil || put.Queue != t.asked.Queue) {
			p.Violate(wording.Finding{Code: TakenUnknown, Object: t.Done.Object(), Args: wording.Args{
				"process": t.Invoke.Process, "at": t.Done.At, "id": t.Done.ID(),
			}}, t.Invoke, t.Done)
		} else if t.told() && put.Outcome() == record.Fail {
			p.Violate(f.denied(put, t.Done.Object()), put.Invoke, put.Done, t.Invoke, t.Done)
		}
	}
	for _, s := range f.stays {
		if s.origin == nil {
			f.madeBy(p, s)
		}
		if s.changed || s.origin != nil && s.origin.data != s.data {
			p.Violate(wording.Finding{Code: Altered, Object: s.Path, Zxid: s.from, Args: wording.Args{"id": s.id, "at": f.when(cmp.Or(s.altered, s.made))}}, events(s.made, s.altered)...)
		}
	}
	return p.Property("%d items came into %d znodes. Each is one that a producer has put, with its payload.", len(f.puts), len(f.stays))
}

// madeBy compares a znode with the put that made it.
func (f *facts) madeBy(p *checker.Findings, s *stay) {
	put := f.put[s.id]
	switch {
	case put == nil:
		p.Violate(wording.Finding{Code: Unknown, Object: s.Path, Args: wording.Args{"id": s.id}}, events(s.made)...)
	case put.Outcome() == record.Fail:
		p.Violate(f.denied(put, s.Path), append(events(s.made), put.Invoke, put.Done)...)
	case put.Queue != s.Queue || (put.Delay == 0) != (s.Folder == history.Line) || s.Folder == history.Line && put.Priority != s.Priority:
		p.Violate(wording.Finding{Code: Elsewhere, Object: s.Path, Args: wording.Args{
			"id": s.id, "process": put.Invoke.Process, "queue": put.Queue, "priority": put.Priority,
		}}, append(events(s.made), put.Invoke, put.Done)...)
	}
}

func (f *facts) denied(p *put, path string) wording.Finding {
	return wording.Finding{Code: PutDenied, Object: path, Args: wording.Args{
		"process": p.Invoke.Process, "at": p.Done.At, "id": p.id(), "queue": p.Queue, "path": path,
	}}
}

// putOnce: no put makes two znodes, whatever answers were lost.
func (f *facts) putOnce() checker.Property {
	p := checker.NewFindings("PutOnce")
	if f.needsOrder(p) {
		return p.Property("")
	}
	first := map[string]*stay{}
	for _, s := range f.stays {
		before, twice := first[s.id]
		switch {
		case s.origin != nil || s.id == "":
		case twice:
			p.Violate(wording.Finding{Code: PutTwice, Object: s.Path, Zxid: s.from, Args: wording.Args{
				"id": s.id, "at": f.when(s.made), "path": before.Path,
			}}, events(before.made, s.made)...)
		default:
			first[s.id] = s
		}
	}
	return p.Property("%d items came into their queues, each once.", len(first))
}

// consumedOnce: an item is recorded as consumed once, by the write that also has what its consumer
// writes with that, and the consumer is told the truth.
func (f *facts) consumedOnce() checker.Property {
	p := checker.NewFindings("ConsumedOnce")
	count := 0
	first := map[string]*stay{}
	for _, s := range f.stays {
		if s.how != consumed {
			continue
		}
		count++
		if before := first[s.id]; before != nil {
			p.Violate(wording.Finding{Code: ConsumedTwice, Object: s.Path, Zxid: s.until, Args: wording.Args{
				"id": s.id, "at": f.when(s.ended), "process": f.ender(s), "other": f.ender(before),
			}}, events(before.ended, s.ended)...)
		}
		if first[s.id] = s; !s.recorded {
			p.Violate(wording.Finding{Code: AckApart, Object: s.Path, Zxid: s.until, Args: wording.Args{"id": s.id, "at": f.when(s.ended)}}, events(s.ended)...)
		}
	}
	told := map[string]record.Operation{}
	for _, a := range f.acks {
		before, twice := told[a.Invoke.ID()]
		if a.Outcome() == record.OK && twice {
			p.Violate(wording.Finding{Code: ConsumedTwice, Object: a.Invoke.Object(), Args: wording.Args{
				"id": a.Invoke.ID(), "at": a.Done.At, "process": a.Invoke.Process, "other": before.Invoke.Process,
			}}, before.Invoke, before.Done, a.Invoke, a.Done)
		}
		if a.Outcome() == record.OK {
			told[a.Invoke.ID()] = a
		}
	}
	if f.Ordered() {
		f.acksTrue(p)
	} else {
		count = len(told)
	}
	return p.Property("%d items were recorded as consumed, each once, and each consumer was told the truth about that.", count)
}

// acksTrue compares what consumers were told with what was recorded.
func (f *facts) acksTrue(p *checker.Findings) {
	by := map[granted]*stay{}
	for _, s := range f.stays {
		if last := s.last(); s.how == consumed && last != nil {
			by[granted{s.Path, last.Token}] = s
		}
	}
	for _, a := range f.acks {
		s := by[granted{a.Invoke.Object(), a.Invoke.Token().Epoch}]
		switch {
		case a.Outcome() == record.OK && s == nil:
			p.Violate(wording.Finding{Code: AckUntrue, Object: a.Invoke.Object(), Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "id": a.Invoke.ID(),
			}}, a.Invoke, a.Done)
		case a.Outcome() == record.Fail && s != nil:
			p.Violate(wording.Finding{Code: AckDenied, Object: a.Invoke.Object(), Zxid: s.until, Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Done.At, "id": a.Invoke.ID(),
			}}, append(events(s.ended), a.Invoke, a.Done)...)
		}
	}
}

// granted names a take: no znode is taken twice with one token.
type granted struct {
	path  string
	token int32
}
