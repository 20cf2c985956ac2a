package judge

import (
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// appliedAsTold: the changes of a call are applied once and together if its manager was told so, and not at
// all if it was told that they are not.
func (f *facts) appliedAsTold() checker.Property {
	p := checker.NewFindings("AppliedAsTold")
	for _, a := range f.applies {
		object := history.ObjectOfKey(a.asked.Changes[0].Key)
		found := wording.Finding{Object: object, Args: wording.Args{"process": a.Invoke.Process, "key": a.asked.Changes[0].Key, "at": a.Return(f.End)}}
		events := []record.Event{a.Invoke, a.Done}
		for _, w := range a.applied {
			found.Zxid = w.Zxid
			events = append(events, w.Invoke, w.Done)
		}
		switch n := len(a.applied); {
		case n > 1:
			found.Code, found.Args["times"] = AppliedTwice, n
		case n == 0 && !a.open && a.Outcome() == record.OK:
			found.Code = AppliedNot
		case n == 1 && a.Outcome() == record.Fail:
			found.Code = AppliedAlthough
		case n == 1 && len(changed(a.applied[0].Invoke.Ops())) != len(a.asked.Changes):
			found.Code, found.Args["count"] = AppliedPartly, len(a.asked.Changes)
		default:
			continue
		}
		p.Violate(found, events...)
	}
	return p.Property("%d calls that change records. The changes of each were applied once and together, or not at all, as its manager was told.", len(f.applies))
}

// noAcknowledgedLost: an application that was acknowledged is in every later load, and in the final tree, unless
// it was removed since, or may have been.
func (f *facts) noAcknowledgedLost() checker.Property {
	p := checker.NewFindings("NoAcknowledgedLost")
	for _, ack := range f.acks {
		key := ack.Act().Task
		removed := func(before int) bool {
			return slices.ContainsFunc(f.applies, func(a *apply) bool {
				return a.may() && a.removes(key) && a.Invoke.Seq > ack.Seq && (before == 0 || a.Invoke.Seq < before)
			})
		}
		by := ack.Act().By.Process
		for _, l := range f.loads {
			if l.Outcome() != record.OK || l.Invoke.Seq < ack.Seq || removed(l.Done.Seq) {
				continue
			}
			has := slices.ContainsFunc(history.Of[history.Found](l.Done).Records, func(r history.Record) bool { return r.Key == key })
			if !has {
				p.Violate(wording.Finding{Code: LostInLoad, Object: history.ObjectOfKey(key), Args: wording.Args{
					"key": key, "by": by, "since": ack.At, "process": l.Invoke.Process, "at": l.Done.At,
				}}, ack, l.Invoke, l.Done)
				break
			}
		}
		if f.HasTree() && !removed(0) && !slices.ContainsFunc(f.Evidence.Nodes, func(n record.Node) bool { return history.KeyOf(n.Path) == key }) {
			p.Violate(wording.Finding{Code: LostInTree, Object: history.ObjectOfKey(key), Args: wording.Args{
				"key": key, "by": by, "since": ack.At,
			}}, append(f.About(history.ObjectOfKey(key)), ack)...)
		}
	}
	return p.Property("%d applications were acknowledged. Each is in all later loads until it was removed.", len(f.acks))
}

// partsWhole: a value that is read is one that was written for this record, whole.
func (f *facts) partsWhole() checker.Property {
	p := checker.NewFindings("PartsWhole")
	written := map[string]int{} // the first call that writes a value to a record
	for _, a := range f.applies {
		for _, c := range a.asked.Changes {
			if _, before := written[c.Key+" "+c.Value]; !before {
				written[c.Key+" "+c.Value] = a.Invoke.Seq
			}
		}
	}
	read := 0
	for _, op := range slices.Concat(f.loads, f.gets) {
		for _, r := range history.Of[history.Found](op.Done).Records {
			if r.Version == history.Absent {
				continue
			}
			read++
			if at, is := written[r.Key+" "+r.Value]; !is || at > op.Done.Seq {
				p.Violate(wording.Finding{Code: NeverWritten, Object: history.ObjectOfKey(r.Key), Args: wording.Args{
					"process": op.Invoke.Process, "at": op.Done.At, "key": r.Key, "value": r.Value,
				}}, op.Invoke, op.Done)
			}
		}
	}
	for _, b := range f.broken {
		found := wording.Finding{Code: PartsMissing, Object: history.ObjectOfKey(b.key), Zxid: b.zxid, Args: wording.Args{"key": b.key}}
		if b.deleted {
			found.Code = PartsGone
		}
		p.Violate(found, events(b.write)...)
	}
	return p.Property("%d values were read, each as it was written.", read)
}

// events are those of a write; none if it is not known.
func events(w *checker.Write) []record.Event {
	if w == nil {
		return nil
	}
	return []record.Event{w.Invoke, w.Done}
}

// loadComplete: the first load of a store has exactly the records that there were when its epoch began, as
// ZooKeeper applied the writes.
func (f *facts) loadComplete() checker.Property {
	p := checker.NewFindings("LoadComplete")
	if f.needsOrder(p) {
		return p.Property("")
	}
	judged, records := 0, 0
	for _, l := range f.loads {
		o := f.openings[l.Invoke.Token().Epoch]
		wrote := slices.ContainsFunc(f.applies, func(a *apply) bool {
			return a.Invoke.Alive() == l.Invoke.Alive() && a.Invoke.Token() == l.Invoke.Token() && a.Invoke.Seq < l.Done.Seq
		})
		if l.Outcome() != record.OK || o == nil || wrote { // without an opening, EpochsGrow tells
			continue
		}
		judged++
		seen := map[string]bool{}
		for _, r := range history.Of[history.Found](l.Done).Records {
			records++
			seen[r.Key] = true
			if is, there := o.found[r.Key]; !there || is.version != r.Version || is.value != r.Value {
				p.Violate(f.loaded(l, o, LoadedOther, r.Key), l.Invoke, l.Done)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(o.found)) {
			if !seen[key] {
				p.Violate(f.loaded(l, o, LoadedWithout, key), l.Invoke, l.Done)
			}
		}
	}
	return p.Property("%d loads returned %d records, which are those that there were when the store was opened.", judged, records)
}

// loaded is a finding about a load.
func (f *facts) loaded(l record.Operation, o *opening, code wording.Code, key string) wording.Finding {
	return wording.Finding{Code: code, Object: history.ObjectOfKey(key), Zxid: o.zxid, Args: wording.Args{
		"process": l.Invoke.Process, "at": l.Done.At, "epoch": l.Invoke.Token().Epoch, "key": key,
	}}
}

// partsCollected: when the parts that belong to no record were collected, those of earlier epochs are gone that
// belonged to no record before.
func (f *facts) partsCollected() checker.Property {
	p := checker.NewFindings("PartsCollected")
	if f.needsOrder(p) {
		return p.Property("")
	}
	judged, values := 0, 0
	for _, c := range f.collects {
		if c.Outcome() != record.OK {
			continue
		}
		judged++
		values += history.Of[history.Swept](c.Done).Values
		from, to := f.before(c.Invoke), f.after(c.Done)
		for _, g := range f.groups {
			stays := g.gone == 0 || to > 0 && g.gone > to
			if g.epoch < c.Invoke.Token().Epoch && g.made <= from && g.loose > 0 && g.loose <= from && stays {
				p.Violate(wording.Finding{Code: PartsLeft, Args: wording.Args{
					"process": c.Invoke.Process, "at": c.Done.At, "group": g.name,
				}}, c.Invoke, c.Done)
			}
		}
	}
	return p.Property("Parts were collected %d times, those of %d values. No parts of earlier epochs were left that belong to no record.", judged, values)
}
