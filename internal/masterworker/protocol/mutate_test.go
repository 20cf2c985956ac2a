package protocol

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// mutant is a trace with one thing changed.
type mutant struct {
	trace Trace
	of    int    // in the corpus
	kind  string // of change
	at    int    // the write that was changed
}

// mutation changes one write, or the order of writes, and says whether it could.
type mutation struct {
	name   string
	change func(t *Trace, at int, rng *rand.Rand) bool
}

// mutations are all kinds of change. What says nothing is not changed: fields that a
// kind of write does not have, the session of a write that needs no claim, how much of
// a write was met that was refused elsewhere.
var mutations = []mutation{
	{"drop", func(t *Trace, at int, _ *rand.Rand) bool {
		t.Writes = slices.Delete(t.Writes, at, at+1)
		t.shift(at, -1)
		return true
	}},
	{"duplicate", func(t *Trace, at int, _ *rand.Rand) bool {
		t.Writes = slices.Insert(t.Writes, at, t.Writes[at])
		t.shift(at, 1)
		return true
	}},
	{"swap", func(t *Trace, at int, _ *rand.Rand) bool {
		if at+1 >= len(t.Writes) {
			return false
		}
		t.Writes[at], t.Writes[at+1] = t.Writes[at+1], t.Writes[at]
		return true
	}},
	{"session", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		if w.Epoch == 0 && w.Incarnation == 0 && w.Kind != Close {
			return false // it is in nobody's name: anybody may write it
		}
		if len(t.Sessions) == 1 {
			t.Sessions = append(t.Sessions, "0x0")
		}
		w.Session = other(w.Session, len(t.Sessions), rng)
		return true
	}},
	{"worker", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		place := &w.Worker
		if w.From > 0 && (w.Worker == 0 || rng.IntN(2) == 0) {
			place = &w.From
		}
		if *place == 0 {
			return false
		}
		if len(t.Workers) == 1 {
			t.Workers = append(t.Workers, "nobody")
		}
		*place = other(*place, len(t.Workers), rng)
		return true
	}},
	{"epoch", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		return near(rng, &w.Epoch, &w.Record.Epoch, &w.Token.Epoch)
	}},
	{"attempt", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		return near(rng, &w.Record.Attempt, &w.Token.Attempt)
	}},
	{"incarnation", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		return near(rng, &w.Incarnation, &w.Record.Incarnation)
	}},
	{"version", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		if w.Kind != Elect && w.Kind != Register {
			return false
		}
		w.Version += []int32{-1, 1}[rng.IntN(2)]
		return true
	}},
	{"got", func(t *Trace, at int, rng *rand.Rand) bool { return near(rng, &t.Writes[at].Got) }},
	{"outcome", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		if w.Kind == Close {
			return false
		}
		if w.Error != "" {
			w.Error, w.Index = "", -1
			return true
		}
		w.Error, w.Index = errorNames[rng.IntN(len(errorNames))], rng.IntN(3)
		if w.Error == record.SessionExpired {
			w.Index = -1
		}
		return true
	}},
	{"error", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		if w.Error == "" || w.Error == Elsewhere {
			return false
		}
		named := errorNames[:len(errorNames)-1]
		w.Error = named[other(slices.Index(named, w.Error)+1, len(named), rng)-1]
		return true
	}},
	{"index", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		if w.Error == "" || w.Error == Elsewhere {
			return false
		}
		w.Index += []int{-1, 1}[rng.IntN(2)]
		return true
	}},
	{"kind", func(t *Trace, at int, _ *rand.Rand) bool {
		w := &t.Writes[at]
		to, ok := siblings[w.Kind]
		if !ok || w.Kind == FailTask && w.From == 0 {
			return false
		}
		w.Kind = to
		return true
	}},
	{"unanswered", func(t *Trace, _ int, rng *rand.Rand) bool { // a write that was never answered did not exist
		if len(t.Floats) == 0 {
			return false
		}
		at := rng.IntN(len(t.Floats))
		t.Floats = slices.Delete(t.Floats, at, at+1)
		return true
	}},
	{lostAnswer, func(t *Trace, at int, _ *rand.Rand) bool {
		lost := t.withoutAnswer(at)
		if lost != nil {
			*t = *lost
		}
		return lost != nil
	}},
	{"content", func(t *Trace, at int, rng *rand.Rand) bool {
		w := &t.Writes[at]
		switch w.Kind {
		case AssignTask, ReassignTask, RevokeTask:
			w.Record.Revoked = !w.Record.Revoked
		case TakeTask:
			w.Record.Taken = !w.Record.Taken
		case ReleaseTask:
			w.Left = !w.Left
		case CompleteTask, GiveBack, MootEnding:
			w.Shown = !w.Shown
		case CollectTask, Collect:
			w.Children = slices.Delete(slices.Clone(w.Children), 0, 1)
		case CollectTaskPart, CollectPart:
			with := []int32{statusChild, progressChild, 99}[rng.IntN(3)]
			w.Children = append(slices.Clone(w.Children), with)
		case PruneAttempts:
			w.Children = w.Children[1:]
		case ShowProgress:
			w.How = map[string]string{"set": "create", "create": "replace", "replace": "set"}[w.How]
		case SubmitTask:
			w.Resident = !w.Resident
		default:
			return false
		}
		return true
	}},
}

// lostAnswer is the one mutation that makes a behaviour of a behaviour, always.
const lostAnswer = "lost answer"

// withoutAnswer is a trace in which one write that made a difference was not answered;
// nil if it made none, or if nothing comes after it.
func (t *Trace) withoutAnswer(at int) *Trace {
	w := t.Writes[at]
	if w.Error != "" || !changes(w.Kind) || at+1 == len(t.Writes) {
		return nil
	}
	lost := t.clone()
	lost.Writes = slices.Delete(lost.Writes, at, at+1)
	lost.shift(at, -1)
	w.Got = 0 // the answer would have told
	lost.Floats = append(lost.Floats, Float{Write: w, Since: 1, Until: at + 1})
	return &lost
}

var errorNames = []record.Refusal{record.BadVersion, record.NoNode, record.NodeExists, record.NotEmpty, record.SessionExpired, Elsewhere}

// siblings are kinds of write that have the same fields.
var siblings = map[Kind]Kind{
	AssignTask: RevokeTask, RevokeTask: AssignTask, TakeTask: RevokeTask, FenceWorker: OpenInbox, ReleaseTask: DropTask, DropTask: ReleaseTask, FailTask: ReleaseTask,
	CompleteTask: GiveBack, GiveBack: CompleteTask, MootEnding: CompleteTask, SubmitTask: CancelTask, CancelTask: Other,
	Collect: PruneAttempts, CollectTask: PruneAttempts, CollectPart: Collect, CollectTaskPart: PruneAttempts, PruneAttempts: CollectTask, EnsureInbox: Register, OpenInbox: Resign,
	Elect: Other, Register: EnsureInbox, Retire: Register, Confirm: Other, Resign: Heartbeat, Heartbeat: Resign, SignBacklog: Stranger,
	Close: Other, ShowProgress: MootEnding, Other: Close, SessionOver: Close, ReassignTask: ReleaseTask,
}

// other is another of the numbers 1 to n.
func other(is, n int, rng *rand.Rand) int { return (is-1+1+rng.IntN(n-1))%n + 1 }

// near changes one of the numbers that are not 0 by one.
func near(rng *rand.Rand, numbers ...*int32) bool {
	numbers = slices.DeleteFunc(numbers, func(n *int32) bool { return *n == 0 })
	if len(numbers) == 0 {
		return false
	}
	*numbers[rng.IntN(len(numbers))] += []int32{-1, 1}[rng.IntN(2)]
	return true
}

// shift keeps the windows of floats where they were when a write has gone or come.
func (t *Trace) shift(at, by int) {
	for i := range t.Floats {
		f := &t.Floats[i]
		if f.Since > at+1 {
			f.Since += by
		}
		if f.Until > at+1 {
			f.Until += by
		}
	}
}

func (t *Trace) clone() Trace {
	c := *t
	c.Sessions, c.Workers = slices.Clone(t.Sessions), slices.Clone(t.Workers)
	c.Writes, c.Floats = slices.Clone(t.Writes), slices.Clone(t.Floats)
	return c
}

// weighty are the writes that did something and that the trace is about.
func (t *Trace) weighty() []int {
	var all []int
	for at := range t.Writes {
		w := &t.Writes[at]
		claim := w.Kind == Elect || w.Kind == Resign || w.Kind == Register || w.Kind == Retire || w.Kind == FenceWorker || w.Kind == EnsureInbox || w.Kind == OpenInbox || w.Kind == Close
		if w.Error == "" && w.Kind != Heartbeat && w.Kind != Confirm && w.Kind != Other && (!claim || t.Task == "") {
			all = append(all, at)
		}
	}
	return all
}

// mutants makes one mutant of each kind of each trace where that is possible: a write
// is drawn until the change applies, three in four times one that did something to
// what the trace is about. The same corpus gives the same mutants.
func mutants(corpus []Trace) []mutant {
	var all []mutant
	for n := range corpus {
		weighty := corpus[n].weighty()
		for m, mutation := range mutations {
			rng := rand.New(rand.NewPCG(uint64(n), uint64(m)))
			for range 20 {
				t := corpus[n].clone()
				at := rng.IntN(len(t.Writes))
				if rng.IntN(4) > 0 && len(weighty) > 0 {
					at = weighty[rng.IntN(len(weighty))]
				}
				if mutation.change(&t, at, rng) {
					all = append(all, mutant{t, n, mutation.name, at})
					break
				}
			}
		}
	}
	return all
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s of write %d of trace %d (%s)", m.kind, m.at, m.of, m.trace.Name())
}
