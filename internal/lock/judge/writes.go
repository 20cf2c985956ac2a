package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// writesFenced: what a holder writes in the name of its token takes effect only while its
// contender is there, and each such write demands that. Without ZooKeeper's order, no write of a
// holder may be sent after a later holder was told that it has the lock, and be accepted.
func (f *facts) writesFenced() checker.Property {
	p := checker.NewFindings("WritesFenced")
	for _, e := range f.entries {
		if f.Ordered() {
			f.writeInOrder(p, e)
		} else {
			f.writeByTime(p, e)
		}
	}
	return p.Property("%d writes in the name of a token. Each took effect while the lock was held with that token. ZooKeeper refused %d that came later.", len(f.entries), f.refused)
}

func (f *facts) writeInOrder(p *checker.Findings, e entry) {
	wrong := func(code wording.Code, more wording.Args, h *holding) {
		found := f.about(code, e)
		for name, value := range more {
			found.Args[name] = value
		}
		var rests []record.Event
		if h != nil {
			rests = h.events()
		}
		p.Violate(found, append(rests, e.write.Invoke, e.write.Done)...)
	}
	h := f.byToken[granted{e.Lock, e.Token}]
	switch {
	case h == nil:
		wrong(WroteForNone, nil, nil)
	case e.write.Zxid < h.from:
		wrong(WroteEarly, nil, h)
	case !h.there(e.write.Zxid):
		wrong(WroteLate, wording.Args{"since": h.until}, h)
	case !(history.Grant{Contender: h.Contender, Token: h.token}).Checks(e.write.Invoke.Ops()):
		wrong(WroteUnchecked, nil, h)
	}
}

// about is a finding about an entry.
func (f *facts) about(code wording.Code, e entry) wording.Finding {
	return wording.Finding{Code: code, Object: e.Lock, Zxid: e.write.Zxid, Args: wording.Args{
		"process": e.write.Invoke.Process, "token": e.Token, "at": f.At(e.write.Operation),
	}}
}

// writeByTime compares an entry with the holders after it.
func (f *facts) writeByTime(p *checker.Findings, e entry) {
	for _, a := range f.attempts {
		later := a.told() && a.lock() == e.Lock && a.token() > e.Token && a.asked.Mode == history.Exclusive && e.Mode == history.Exclusive
		if later && a.Done.At < e.write.Invoke.At {
			p.Violate(f.about(WroteLate, e), a.Done, e.write.Invoke, e.write.Done)
			return
		}
	}
}

// staleEffectsFenced: the system outside accepts no act with a token when it has accepted one
// with a greater token for the same lock, and refuses no other.
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
	return p.Property("%d acts on the system outside. %d of them came from a holder after which another one had acted, and the system refused all of these.", len(f.effects), refused)
}
