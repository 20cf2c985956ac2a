package judge

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// noneAcknowledgedByFenced: no manager acknowledges an application after another one has become active. No
// fault is an excuse: the system outside compares no tokens, and fencing is there for all of them.
func (f *facts) noneAcknowledgedByFenced() checker.Property {
	p := checker.NewFindings("NoneAcknowledgedByFenced")
	var latest record.Operation
	next := 0
	for _, ack := range f.acks {
		for next < len(f.actives) && f.actives[next].Invoke.Seq < ack.Seq {
			latest = f.actives[next]
			next++
		}
		if by := ack.Act().By; latest.Invoke.Seq > 0 && by != latest.Invoke.Alive() {
			p.Violate(wording.Finding{Code: LateAcknowledgement, Object: ack.Act().Task, Args: wording.Args{
				"process": by.String(), "key": ack.Act().Task, "at": ack.At, "other": latest.Invoke.Process, "since": latest.Invoke.At,
			}}, latest.Invoke, ack)
		}
	}
	return p.Property("%d applications were acknowledged, each by the manager that had become active last.", len(f.acks))
}

// onlyTheLastWrites: in ZooKeeper's order, every write to records and parts is by the store that was opened
// last, and demands its epoch.
func (f *facts) onlyTheLastWrites() checker.Property {
	p := checker.NewFindings("OnlyTheLastWrites")
	if f.needsOrder(p) {
		return p.Property("")
	}
	for _, s := range f.strays {
		found := wording.Finding{Code: WroteUnchecked, Object: history.ObjectOf(s.path), Zxid: s.zxid, Args: wording.Args{
			"process": f.holder(s.session), "path": s.path, "epoch": s.epoch,
		}}
		if s.late {
			found.Code = WroteLate
		}
		p.Violate(found, events(s.write)...)
	}
	return p.Property("Each write to records and parts was by the store that was opened last. The store was opened %d times.", len(f.openings))
}

// holder is the participant that has a session, or the session if that is not known.
func (f *facts) holder(session string) string {
	if i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == session }); i >= 0 {
		return cmp.Or(f.Index.Sessions[i].Opened.Process, f.Index.Sessions[i].Over.Process)
	}
	return "session " + session
}

// epochsGrow: each opening gets a greater epoch than those before, and one that ZooKeeper gave to it.
func (f *facts) epochsGrow() checker.Property {
	p := checker.NewFindings("EpochsGrow")
	for i, o := range f.opens {
		if o.Outcome() != record.OK {
			continue
		}
		epoch := o.Done.Token().Epoch
		for _, old := range f.opens[:i] {
			earlier := old.Done.Token().Epoch
			if old.Outcome() == record.OK && (earlier == epoch || earlier > epoch && old.Done.Seq < o.Invoke.Seq) {
				p.Violate(wording.Finding{Code: EpochNotGreater, Args: wording.Args{
					"process": o.Invoke.Process, "at": o.Done.At, "epoch": epoch, "other": old.Invoke.Process, "earlier": earlier,
				}}, old.Done, o.Done)
			}
		}
		if f.Ordered() && f.openings[epoch] == nil {
			p.Violate(wording.Finding{Code: EpochOfNone, Args: wording.Args{"process": o.Invoke.Process, "at": o.Done.At, "epoch": epoch}}, o.Invoke, o.Done)
		}
	}
	for _, b := range f.backs {
		p.Violate(wording.Finding{Code: EpochBack, Zxid: b.zxid, Args: wording.Args{"epoch": b.epoch, "last": b.last}}, events(b.write)...)
	}
	return p.Property("The store was opened %d times, each time with a greater epoch.", succeeded(f.opens))
}

// servesAfterHeal: when everything is healed, a manager is active, and has loaded all records.
func (f *facts) servesAfterHeal() checker.Property {
	p := checker.NewFindings("ServesAfterHeal")
	switch {
	case f.NeedsHeal(p):
	case !f.Evidence.Drained:
		p.Violate(wording.Finding{Code: NeverServed, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	return p.Property("A manager was active after all faults were healed, and had loaded all records.")
}
