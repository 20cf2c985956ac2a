package judge

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run in the terms of queues.
type facts struct {
	*checker.Case
	puts     []put
	takes    []take
	holds    []record.Operation // how long consumers believed to have an item
	acks     []record.Operation
	releases []record.Operation
	effects  []record.Event

	put      map[string]*put  // by the id of the item
	maxTakes map[string]int32 // by queue: after how many takes an item is a dead letter; 0: never

	// By the commits, in ZooKeeper's order; empty if that order is not known.
	stays  []*stay
	claims []*claim

	entries []entry // in the ledgers, that were applied; in ZooKeeper's order if it is known
	refused int     // entries that ZooKeeper refused, because the take was over

	answered []answer // writes that were applied and answered, in the order of their answers
}

// put is one item that a producer has put, or tried to put.
type put struct {
	record.Operation
	history.Intended
}

func (p put) id() string { return p.Invoke.ID() }

// take is one attempt of a consumer to take an item.
type take struct {
	record.Operation
	asked history.Asked
	end   history.Told
}

// told reports whether the consumer was told that it has an item.
func (t take) told() bool { return t.Outcome() == record.OK }

// token is the token that the consumer was told.
func (t take) token() int32 { return t.Done.Token().Epoch }

// entry is an entry in a ledger.
type entry struct {
	history.Written
	write *checker.Write
}

// answer is an answered write.
type answer struct {
	seq  int   // of the event
	zxid int64 // the greatest of all that were answered until then
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{
		Case: c, put: map[string]*put{}, maxTakes: map[string]int32{},
		holds: record.Operations(c.Events, history.Hold), acks: record.Operations(c.Events, history.Ack), releases: record.Operations(c.Events, history.Release),
	}
	for _, op := range record.Operations(c.Events, history.Put) {
		intended, err := record.OwnData[history.Intended](op.Invoke)
		if err != nil {
			panic(err) // the verdict says then that these judges failed
		}
		f.puts = append(f.puts, put{op, intended})
	}
	for i := range f.puts {
		f.put[f.puts[i].id()] = &f.puts[i]
	}
	for _, op := range record.Operations(c.Events, history.Take) {
		asked, err := record.OwnData[history.Asked](op.Invoke)
		if err != nil {
			panic(err)
		}
		end, _ := record.OwnData[history.Told](op.Done) // an end without data says no more than its type
		f.takes = append(f.takes, take{op, asked, end})
		f.maxTakes[asked.Queue] = asked.MaxTakes
	}
	for _, e := range c.Events {
		if e.Kind == record.Effect {
			f.effects = append(f.effects, e)
		}
	}
	written := map[int64]*checker.Write{}
	for i := range c.Writes {
		f.enter(i)
		if w := &c.Writes[i]; w.Zxid != 0 {
			written[w.Zxid] = w
		}
	}
	if c.Ordered() {
		f.answers()
		(&follower{facts: f, written: written, live: map[string]*stay{}, current: map[string]*claim{}, line: map[string][]*stay{}}).follow()
		slices.SortStableFunc(f.entries, func(a, b entry) int { return cmp.Compare(a.write.Zxid, b.write.Zxid) })
	}
	return f
}

// enter notes the entries that a write made, and counts those that a server refused because the
// take was over: the checks are the first parts of such a write.
func (f *facts) enter(at int) {
	w := &f.Writes[at]
	ops := w.Invoke.Ops()
	for _, e := range history.ChangeOf(ops).Entries {
		switch {
		case w.Outcome() == record.OK:
			f.entries = append(f.entries, entry{e, w})
		case w.Outcome() == record.Fail && f.Index.Exchange[at] >= 0:
			i := f.Index.Run.Exchanges[f.Index.Exchange[at]].Index
			if i >= 0 && i < len(ops) && history.ItemOf(ops[i].Path) != "" {
				f.refused++
			}
		}
	}
}

// answers notes which writes were answered when.
func (f *facts) answers() {
	for i := range f.Index.Writes {
		if w := &f.Index.Writes[i]; w.Outcome() == record.OK && f.Writes[i].Zxid > 0 {
			f.answered = append(f.answered, answer{w.Done.Seq, f.Writes[i].Zxid})
		}
	}
	slices.SortFunc(f.answered, func(a, b answer) int { return cmp.Compare(a.seq, b.seq) })
	for i := 1; i < len(f.answered); i++ {
		f.answered[i].zxid = max(f.answered[i].zxid, f.answered[i-1].zxid)
	}
}

// before is a place in ZooKeeper's order that was reached when an event happened: writes until
// there had been answered.
func (f *facts) before(e record.Event) int64 {
	i, _ := slices.BinarySearchFunc(f.answered, e.Seq, func(a answer, seq int) int { return cmp.Compare(a.seq, seq) })
	if i == 0 {
		return 0
	}
	return f.answered[i-1].zxid
}

// holder is the participant that has a session, or the session if that is not known.
func (f *facts) holder(session string) string {
	if i := slices.IndexFunc(f.Index.Sessions, func(h record.Held) bool { return h.Session == session }); i >= 0 {
		return cmp.Or(f.Index.Sessions[i].Opened.Process, f.Index.Sessions[i].Over.Process)
	}
	return "session " + session
}

// needsOrder doubts a property that is about the order of the commits, and reports whether that
// is not known.
func (f *facts) needsOrder(p *checker.Findings) bool {
	if f.Ordered() {
		return false
	}
	p.Doubt(noOrder)
	return true
}
