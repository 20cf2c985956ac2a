package judge

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run in the terms of the store.
type facts struct {
	*checker.Case
	leaders *leadership.Leaders

	actives  []record.Operation // how long managers were active, in the order of their beginnings
	opens    []record.Operation
	loads    []record.Operation
	gets     []record.Operation
	collects []record.Operation
	applies  []*apply
	acks     []record.Event // on the system outside

	answered []answer // writes that were applied and answered, in the order of their answers
	begun    []answer // writes that were applied, in the order of their beginnings; zxid is the least of all from there on

	// By the commits; empty if that order is not known.
	openings map[int32]*opening // by epoch
	backs    []back
	strays   []stray
	groups   []*group
	broken   []broken
}

// apply is one call that changes records.
type apply struct {
	record.Operation
	asked   history.Asked
	told    history.Told
	applied []*checker.Write // that changed a record of the call
	open    bool             // it may have changed its records, and the record of the run does not say
}

// removes reports whether the call deletes a record.
func (a *apply) removes(key string) bool {
	return slices.ContainsFunc(a.asked.Changes, func(c history.Change) bool { return c.Delete && c.Key == key })
}

// happened reports whether the changes were applied.
func (a *apply) happened() bool { return a.Outcome() == record.OK || len(a.applied) > 0 }

// may reports whether they were applied, or may have been.
func (a *apply) may() bool { return a.happened() || a.open || a.Outcome() == record.Info }

// answer is a write at its place in ZooKeeper's order.
type answer struct {
	seq  int // of an event
	zxid int64
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{Case: c, leaders: leadership.Of(c, nil), openings: map[int32]*opening{}}
	for kind, all := range map[record.Kind]*[]record.Operation{
		record.Lead: &f.actives, history.Open: &f.opens, history.Load: &f.loads, history.Get: &f.gets, history.Collect: &f.collects,
	} {
		*all = record.Operations(c.Events, kind)
	}
	slices.SortStableFunc(f.actives, func(a, b record.Operation) int { return cmp.Compare(a.Invoke.Seq, b.Invoke.Seq) })
	for _, e := range c.Events {
		if e.Kind == record.Effect {
			f.acks = append(f.acks, e)
		}
	}
	byLife := map[record.Life][]*checker.Write{}
	for i := range c.Writes {
		w := &c.Writes[i]
		byLife[w.Invoke.Alive()] = append(byLife[w.Invoke.Alive()], w)
	}
	for _, op := range record.Operations(c.Events, history.Apply) {
		a := &apply{Operation: op, asked: data[history.Asked](op.Invoke), told: history.Of[history.Told](op.Done)}
		a.find(byLife[op.Invoke.Alive()])
		f.applies = append(f.applies, a)
	}
	if c.Ordered() {
		f.places()
		newFollower(f).follow()
	}
	return f
}

// data is that of an event which must have some.
func data[T any](e record.Event) T {
	d, err := record.OwnData[T](e)
	if err != nil {
		panic(err) // the verdict says then that these judges failed
	}
	return d
}

// changed are the keys of the records that a write changes. A record that it makes and deletes is not among
// them: such a write asks whether the record is there.
func changed(ops []record.Op) map[string]bool {
	keys := map[string]bool{}
	for _, op := range ops {
		key := history.KeyOf(op.Path)
		switch {
		case key == "" || op.Kind == "check":
		case op.Kind == "delete" && slices.ContainsFunc(ops, func(o record.Op) bool { return o.Kind == "create" && o.Path == op.Path }):
			delete(keys, key)
		default:
			keys[key] = true
		}
	}
	return keys
}

// find finds the writes of a call. A manager makes one call about a record at a time.
func (a *apply) find(writes []*checker.Write) {
	for _, w := range writes {
		if w.Invoke.Seq < a.Invoke.Seq || a.Done.Seq > 0 && w.Invoke.Seq > a.Done.Seq {
			continue
		}
		keys := changed(w.Invoke.Ops())
		if !slices.ContainsFunc(a.asked.Changes, func(c history.Change) bool { return keys[c.Key] }) {
			continue
		}
		switch w.Outcome() {
		case record.OK:
			a.applied = append(a.applied, w)
		case record.Fail:
		default:
			a.open = true
		}
	}
}

// places notes which writes were begun and answered when.
func (f *facts) places() {
	for i := range f.Index.Writes {
		w, zxid := &f.Index.Writes[i], f.Writes[i].Zxid
		if zxid == 0 {
			continue
		}
		f.begun = append(f.begun, answer{w.Invoke.Seq, zxid})
		if w.Outcome() == record.OK {
			f.answered = append(f.answered, answer{w.Done.Seq, zxid})
		}
	}
	for _, all := range [][]answer{f.begun, f.answered} {
		slices.SortFunc(all, func(a, b answer) int { return cmp.Compare(a.seq, b.seq) })
	}
	for i := 1; i < len(f.answered); i++ {
		f.answered[i].zxid = max(f.answered[i].zxid, f.answered[i-1].zxid)
	}
	for i := len(f.begun) - 2; i >= 0; i-- {
		f.begun[i].zxid = min(f.begun[i].zxid, f.begun[i+1].zxid)
	}
}

// before is a place in ZooKeeper's order that was reached when an event happened: writes until there had
// been answered.
func (f *facts) before(e record.Event) int64 {
	i, _ := slices.BinarySearchFunc(f.answered, e.Seq, func(a answer, seq int) int { return cmp.Compare(a.seq, seq) })
	if i == 0 {
		return 0
	}
	return f.answered[i-1].zxid
}

// after is a place in ZooKeeper's order that was not reached when an event happened: the writes from there on
// were begun later. It is 0 if there is none.
func (f *facts) after(e record.Event) int64 {
	i, _ := slices.BinarySearchFunc(f.begun, e.Seq, func(a answer, seq int) int { return cmp.Compare(a.seq, seq) })
	if i == len(f.begun) {
		return 0
	}
	return f.begun[i].zxid
}

// needsOrder doubts a property that is about the order of the commits, and reports whether that is not
// known.
func (f *facts) needsOrder(p *checker.Findings) bool {
	if f.Ordered() {
		return false
	}
	p.Doubt(noOrder())
	return true
}
