package record

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Index is a run, prepared once for all judges, stories and reports. It joins three
// records. The history has what participants believe. The wire has the number of each
// of their requests. The commits have the fate of each number.
type Index struct {
	Run       Run
	Znodes    Objects
	End       time.Duration // later than every event
	Writes    []Written     // in the order of their invocation
	Elections []Election    // in the order of their invocation
	Lives     []Lived       // in the order of their first events
	Sessions  []Held        // in the order of their first events
	Phases    []Event       // in their order
	Pairs                   // writes and exchanges
	Commits   []Commit      // of the run, by zxid

	requests map[request]int // places in Commits, by request, of writes without an answer
	latest   []time.Duration // by place in Commits: until when it had taken effect
	lives    map[Life]int
	holdings map[holding]int
	once     sync.Once
	objects  *mentioned
}

// Written is a write with all facts about it.
type Written struct {
	Operation
	Exchange int // place of its exchange; -1 for none
	Commit   int // place of its commit in the index; -1 for none
	// Zxid is its place in ZooKeeper's order, whether it was applied or refused; 0 if not
	// known.
	Zxid int64
	Fate Type  // OK, Fail or Info, by all records
	By   Basis // the evidence for the fate
}

// Basis is the record that decides the fate of a write.
type Basis int

// The records, in the order in which they are asked.
const (
	ByParticipant Basis = iota // the participant was told, or nothing else is known
	ByWire                     // the answer was on the wire, and the participant did not hear it
	ByAbsence                  // it was never on the wire, so it reached no server
	ByCommits                  // it was committed, or it was not
)

// Election is a write that begins an epoch, if it is applied.
type Election struct {
	Write int // place in the index
	Epoch int32
}

// request identifies a write to ZooKeeper: xids ascend within a session.
type request struct {
	session string
	xid     int32
}

// NewIndex reads a run. The objects of the recipe say what its znodes belong to.
func NewIndex(run Run, znodes Objects) *Index {
	x := &Index{Run: run, Znodes: znodes, Commits: run.Commits, requests: map[request]int{}, lives: map[Life]int{}, holdings: map[holding]int{}}
	for i := range run.Events {
		e := &run.Events[i]
		x.End = max(x.End, e.At+1)
		switch e.Kind {
		case Process:
			x.live(e)
		case Session:
			x.hold(e)
		case Phase:
			x.Phases = append(x.Phases, *e)
		}
	}
	if byZxid := func(a, b Commit) int { return cmp.Compare(a.Zxid, b.Zxid) }; !slices.IsSortedFunc(x.Commits, byZxid) {
		x.Commits = slices.SortedFunc(slices.Values(x.Commits), byZxid)
	}
	for _, e := range run.Exchanges {
		if e.Zxid == 0 {
			x.requests[request{e.Session, e.Xid}] = -1
		}
	}
	for i, c := range x.Commits {
		r := request{c.Session, c.Xid}
		if _, asked := x.requests[r]; asked && c.Kind != CommitClose { // the nemesis ends sessions of others, with numbers of its own
			x.requests[r] = i
		}
	}
	x.bound()
	writes := Operations(run.Events, Write)
	x.Pairs = Join(writes, run.Exchanges)
	x.Writes = make([]Written, len(writes))
	for i, op := range writes {
		x.Writes[i] = x.written(op, x.Exchange[i])
		if epoch, elects := op.Begins(); elects {
			x.Elections = append(x.Elections, Election{i, epoch})
		}
	}
	return x
}

// Begins returns the epoch that a write begins: it takes [MasterPath] and raises
// [AssignPath].
func (o Operation) Begins() (epoch int32, elects bool) {
	takes := false
	for _, op := range o.Invoke.Ops() {
		takes = takes || op.Kind == "create" && op.Path == MasterPath
		if op.Kind == "set" && op.Path == AssignPath {
			epoch, elects = op.Version+1, true
		}
	}
	return epoch, takes && elects
}

// Committed reports whether the run records both the committed transactions and the
// requests that asked for them.
func (x *Index) Committed() bool { return x.Run.Commits != nil && x.Run.Exchanges != nil }

// holes reports whether a committed write may be missing from the record.
func (x *Index) holes() bool { return x.Run.Evidence != nil && len(x.Run.Evidence.Gaps) > 0 }

// place is the place of a zxid in the commits, or -1.
func (x *Index) place(zxid int64) int {
	i, found := slices.BinarySearchFunc(x.Commits, zxid, func(c Commit, zxid int64) int { return cmp.Compare(c.Zxid, zxid) })
	if !found {
		return -1
	}
	return i
}

// bound finds for each commit the time by which it had taken effect: the answer to a
// later one.
func (x *Index) bound() {
	never := time.Duration(math.MaxInt64)
	x.latest = slices.Repeat([]time.Duration{never}, len(x.Commits))
	for _, e := range x.Run.Exchanges {
		if at := x.place(e.Zxid); e.Answered != 0 && at >= 0 {
			x.latest[at] = e.Answered
		}
	}
	soonest := never
	for i := range slices.Backward(x.latest) {
		soonest = min(soonest, x.latest[i])
		x.latest[i] = soonest
	}
}

// Moment is the time of a write: when its participant heard the answer; if it heard
// none, when the answer was on the wire; if there is none, when the write was sent.
func (x *Index) Moment(write int) time.Duration {
	w := &x.Writes[write]
	switch {
	case w.Outcome() != Info:
		return w.Done.At
	case w.Exchange >= 0 && x.Run.Exchanges[w.Exchange].Answered > 0:
		return x.Run.Exchanges[w.Exchange].Answered
	}
	return w.Invoke.At
}

// Latest is the time by which a commit had taken effect, by its place.
func (x *Index) Latest(commit int) time.Duration { return x.latest[commit] }

// CommitOf is the place in Commits of an exchange's transaction; -1 if none was
// committed.
func (x *Index) CommitOf(e *Exchange) int {
	if e.Zxid != 0 {
		return x.place(e.Zxid)
	}
	if at, asked := x.requests[request{e.Session, e.Xid}]; asked {
		return at
	}
	return -1
}

// written decides the fate of a write. The committed transactions decide before the
// answers. A record with a gap that may contain the write decides nothing.
func (x *Index) written(op Operation, exchange int) Written {
	w := Written{Operation: op, Exchange: exchange, Commit: -1, Fate: op.Outcome()}
	unknown := w.Fate == Info
	if exchange < 0 {
		if unknown && x.Run.Exchanges != nil {
			w.Fate, w.By = Fail, ByAbsence
		}
		return w
	}
	e := &x.Run.Exchanges[exchange]
	w.Zxid = e.Zxid
	at := -1
	if x.Committed() {
		at = x.CommitOf(e)
	}
	if at >= 0 && x.Commits[at].Kind == CommitWrite {
		w.Commit, w.Zxid = at, x.Commits[at].Zxid
	}
	switch {
	case !unknown:
	case w.Commit >= 0:
		w.Fate, w.By = OK, ByCommits
	case x.Committed() && (at >= 0 || !x.holes()):
		w.Fate, w.By = Fail, ByCommits
	case e.Answered > 0 && e.Error == "":
		w.Fate, w.By = OK, ByWire
	case e.Answered > 0:
		w.Fate, w.By = Fail, ByWire
	}
	return w
}
