package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// writeFenced: what a consumer writes about an item takes effect only while its claim is there, and
// each such write demands that. Without ZooKeeper's order, no write may be sent after a later take
// of the item was told, and be accepted.
func (f *facts) writeFenced() checker.Property {
	p := checker.NewFindings("WriteFenced")
	type taken struct {
		id    string
		token int32
	}
	by := map[taken][]*claim{}
	for _, c := range f.claims {
		by[taken{c.of.id, c.Token}] = append(by[taken{c.of.id, c.Token}], c)
	}
	later := map[string][]take{}
	for _, t := range f.takes {
		if t.told() && !f.Ordered() {
			later[t.Done.ID()] = append(later[t.Done.ID()], t)
		}
	}
	for _, e := range f.entries {
		if f.Ordered() {
			f.writeInOrder(p, e, by[taken{e.Item, e.Token}])
			continue
		}
		entry := takenAs(later[e.Item], e)
		for _, t := range later[e.Item] {
			if t.Done.Object() == entry && t.token() > e.Token && t.Done.At < e.write.Invoke.At {
				p.Violate(f.about(WroteLate, e, t.Done.Object()), t.Done, e.write.Invoke, e.write.Done)
				break
			}
		}
	}
	return p.Property("%d writes about items. Each took effect while its consumer had the item. ZooKeeper refused %d that came later.", len(f.entries), f.refused)
}

// takenAs is the znode of the item that a consumer wrote about, by its last take with that token before
// the write; empty if it was told of none. A dead letter that comes back is another znode, whose tokens begin anew.
func takenAs(takes []take, e entry) (znode string) {
	for _, t := range takes {
		if t.Invoke.Process == e.write.Invoke.Process && t.token() == e.Token && t.Done.At <= e.write.Invoke.At {
			znode = t.Done.Object()
		}
	}
	return znode
}

// writeInOrder judges an entry by the takes that have its token. There may be several: a dead letter
// that comes back is taken with small tokens again.
func (f *facts) writeInOrder(p *checker.Findings, e entry, takes []*claim) {
	if len(takes) == 0 {
		p.Violate(f.about(WroteForNone, e, ""), events(e.write)...)
		return
	}
	for _, c := range takes {
		if !c.there(e.write.Zxid) {
			continue
		}
		if !c.Checks(e.write.Invoke.Ops()) {
			p.Violate(f.about(WroteUnchecked, e, c.Item()), append(events(c.write), events(e.write)...)...)
		}
		return
	}
	c := takes[len(takes)-1]
	p.Violate(f.about(WroteLate, e, c.Item()), append(events(c.write, c.ended), events(e.write)...)...)
}

// about is a finding about an entry.
func (f *facts) about(code wording.Code, e entry, item string) wording.Finding {
	return wording.Finding{Code: code, Object: item, Zxid: e.write.Zxid, Args: wording.Args{
		"process": e.write.Invoke.Process, "token": e.Token, "at": f.At(e.write.Operation), "id": e.Item,
	}}
}

// staleEffectsFenced: the system outside accepts no act with a token when it has accepted one
// with a greater token for the same item, and refuses no other.
func (f *facts) staleEffectsFenced() checker.Property {
	p := checker.NewFindings("StaleEffectsFenced")
	greatest := map[string]record.Event{}
	refused := 0
	for _, e := range f.effects {
		last := greatest[e.Object()]
		stale := last.Seq > 0 && e.Token().Compare(last.Token()) < 0
		accepted := e.Act().Accepted
		if !accepted {
			refused++
		}
		if accepted == stale {
			p.Violate(wording.Finding{Code: EffectMisjudged, Object: e.Object(), Args: wording.Args{
				"process": e.Act().By.Process, "token": e.Token().Epoch, "at": e.At, "greatest": last.Token().Epoch,
				"was": map[bool]string{true: "accepted", false: "refused"}[accepted],
			}}, last, e)
		}
		if accepted && !stale {
			greatest[e.Object()] = e
		}
	}
	return p.Property("%d acts on the system outside. %d of them came from a consumer after which another one had acted, and the system refused all of these.", len(f.effects), refused)
}
