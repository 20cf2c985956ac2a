package protocol

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

// maxStates bounds the set of states that are possible at a time.
const maxStates = 1 << 14

// maxOpen is how many unanswered writes may be open at a time.
const maxOpen = 64

// Outcome says whether a trace is a behaviour of the machine.
type Outcome struct {
	Accepted bool
	At       int    // how many writes could be followed
	Why      string // the next one could not, in plain words
	Most     int    // states that were possible at a time
	GaveUp   bool   // the search was, so that it is not known
}

// Follow walks along a trace.
func Follow(t *Trace) Outcome {
	f := follower{floats: t.Floats, writes: make([]*Write, len(t.Writes))}
	for i := range t.Writes {
		f.writes[i] = &t.Writes[i]
	}
	if !f.assignSlots() {
		return Outcome{GaveUp: true, Why: fmt.Sprintf("more than %d writes of %s had no answer at the same time: too many to follow", maxOpen, t.Name())}
	}
	start := step{set: []*state{initial(len(t.Workers))}, most: 1}
	end, ok := f.walk(start, len(f.writes))
	switch o := (Outcome{Accepted: ok, At: end.at, Most: end.most}); {
	case ok:
		return o
	case len(end.set) > maxStates:
		o.GaveUp, o.Why = true, fmt.Sprintf("more than %d states of %s were possible: too many to follow", maxStates, t.Name())
		return o
	default:
		o.Why = t.explain(end.set, end.at)
		return o
	}
}

// follower is a trace with a bit of state.floated for each float, that is, for each
// unanswered write. Two floats may share a bit if they are never open together and a
// write between them clears it.
type follower struct {
	writes []*Write
	floats []Float
	slots  []int
}

// step is a place in a trace: the states that are possible after so many writes.
type step struct {
	at   int
	set  []*state
	most int // states that were possible at a time, until then
}

// walk goes on from a step until a place. If it cannot, the result is the step that it has
// reached: no state of the set allows the next write, or the set is larger than maxStates.
func (f *follower) walk(s step, until int) (_ step, ok bool) {
	for ; s.at < until; s.at++ {
		if len(s.set) == 1 && f.elected(s.set[0], s.at) {
			continue
		}
		s.set = f.close(s.set, s.at)
		s.most = max(s.most, len(s.set))
		if len(s.set) > maxStates {
			return s, false
		}
		var after states
		for _, before := range s.set {
			if n, why := before.answered(f.writes[s.at]); why == "" {
				after.add(n)
			}
		}
		if len(after.list) == 0 {
			return s, false
		}
		s.set = after.list
	}
	return s, true
}

// assignSlots gives each float a bit. It reports whether there are enough bits.
func (f *follower) assignSlots() bool {
	var until [maxOpen]int // of the last float in each
	order := make([]int, len(f.floats))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return f.floats[a].Since - f.floats[b].Since })
	f.slots = make([]int, len(f.floats))
	for _, i := range order {
		free := slices.IndexFunc(until[:], func(last int) bool { return last == 0 || last < f.floats[i].Since-1 })
		if free < 0 {
			return false
		}
		f.slots[i], until[free] = free, f.floats[i].Until
	}
	return true
}

// elected takes the only state through an election without any doubt, in place, as
// close and answered would: the session that led is over, and no other state is left. A
// task's trace repeats every election of the run, so elections must cost next to
// nothing.
func (f *follower) elected(s *state, at int) bool {
	w := f.writes[at]
	doubtful := w.Kind != Elect || w.Error != "" || w.Index != -1 || w.Version != s.epoch || w.Got != s.epoch+1 ||
		w.Session == s.master || s.over.has(w.Session) || len(f.openFloats(at)) > 0
	if doubtful {
		return false
	}
	if s.master != 0 {
		*s = *s.without(s.master)
	}
	s.epoch++
	s.begun, s.spares = append(s.begun, w.Session), append(s.spares, w.Acks)
	s.master, s.floated = w.Session, 0
	return true
}

// close adds events that may have happened unseen before a write: ends of sessions that
// the write shows, and unanswered writes that were applied.
func (f *follower) close(set []*state, at int) []*state {
	w := f.writes[at]
	open := f.openFloats(at)
	all := states{list: set}
	for i := 0; i < len(all.list) && len(all.list) <= maxStates; i++ {
		s := all.list[i]
		s.floated &= f.pending(open)
		for _, session := range s.touched(w) {
			all.add(s.without(session))
		}
		for _, at := range open {
			if s.floated&(1<<f.slots[at]) != 0 {
				continue
			}
			float := &f.floats[at]
			for _, session := range s.touched(&float.Write) {
				if session != float.Session {
					all.add(s.without(session))
				}
			}
			if n, why := s.step(&float.Write); why == "" {
				applied := *n // n may be s itself
				applied.floated |= 1 << f.slots[at]
				all.add(&applied)
			}
		}
	}
	return all.list
}

// openFloats are the floats that may be applied before the write at that place.
func (f *follower) openFloats(at int) []int {
	var all []int
	for n := range f.floats {
		if f.floats[n].Since <= at+1 && at+1 <= f.floats[n].Until {
			all = append(all, n)
		}
	}
	return all
}

// pending are the floats for which it still matters whether they were applied: those
// that are open.
func (f *follower) pending(open []int) uint64 {
	mask := uint64(0)
	for _, n := range open {
		mask |= 1 << f.slots[n]
	}
	return mask
}

// touched are the sessions whose end this write could show: its own, and the owners of
// ephemerals that the write demands to exist or not to exist. The end of any other
// session can be assumed later.
func (s *state) touched(w *Write) []int {
	var all []int
	add := func(session int) {
		if session != 0 && !s.over.has(session) && !slices.Contains(all, session) {
			all = append(all, session)
		}
	}
	switch w.Kind {
	case Elect, Resign:
		add(s.master)
	case ReassignTask:
		add(s.workers[w.Worker-1].session)
		add(s.holder(w.From))
	case Register, AssignTask, RevokeTask, TakeTask, OpenInbox:
		add(s.workers[w.Worker-1].session)
	case ReleaseTask, DropTask:
		add(s.holder(w.From))
	case FailTask:
		if w.From > 0 {
			add(s.holder(w.From))
		}
	case CompleteTask, GiveBack, MootEnding, ShowProgress, CollectTask, Collect, CollectTaskPart, CollectPart:
		add(s.task.progress)
	}
	if w.Error == record.SessionExpired {
		add(w.Session)
	}
	return all
}

// answered is the state after a write whose whole answer is known, including the new
// version, which is not known of a write without an answer.
func (s *state) answered(w *Write) (*state, string) {
	n, why := s.step(w)
	if why == "" && w.Error == "" {
		why = n.gained(w)
	}
	return n, why
}

// step is the state after a write that was applied or refused as it says, or the reason
// why the machine does not allow it.
func (s *state) step(w *Write) (*state, string) {
	if w.Kind == Close {
		return s.without(w.Session), unlessTrue(w.Error == "" && w.Index == -1, "the end of a session is not refused")
	}
	if w.Kind == SessionOver {
		ok := s.over.has(w.Session) && w.Error == record.SessionExpired && w.Index == -1
		return s, unlessTrue(ok, "its session was not over")
	}
	for _, wrong := range []func(*Write) string{s.entitled, s.proper} {
		if why := wrong(w); why != "" {
			return nil, why
		}
	}
	demands := s.demands(w)
	unmet := slices.IndexFunc(demands, func(d demand) bool { return d != "" })
	switch {
	case s.over.has(w.Session):
		return s, unlessTrue(w.Error == record.SessionExpired && w.Index == -1, "its session was over")
	case w.Error == Elsewhere:
		met := unmet
		if unmet < 0 {
			met = len(demands)
		}
		return s, unlessTrue(w.Index >= 0 && w.Index <= met, "ZooKeeper must have refused it earlier: "+told(demands, unmet))
	case w.Error == "" && unmet < 0 && w.Index == -1:
		if why := s.promised(w); why != "" {
			return nil, why
		}
		return s.apply(w), ""
	case w.Error != "" && unmet >= 0 && w.Error == demands[unmet] && w.Index == unmet:
		return s, ""
	}
	return nil, "ZooKeeper must have answered otherwise: " + told(demands, unmet)
}

func told(demands []demand, unmet int) string {
	if unmet < 0 {
		return "every operation could be done"
	}
	return fmt.Sprintf("%s at operation %d of %d", demands[unmet], unmet+1, len(demands))
}

// gained compares the version of a claim with the answered one.
func (s *state) gained(w *Write) string {
	version := int32(0)
	switch w.Kind {
	case Elect:
		version = s.epoch
	case Register, Retire:
		version = s.workers[w.Worker-1].inbox
	default:
		return ""
	}
	return unlessTrue(version == w.Got, fmt.Sprintf("the claim has version %d after this write", version))
}

// explain says why no state allows a write.
func (t *Trace) explain(set []*state, at int) string {
	const most = 2
	var reasons []string
	for _, s := range set {
		if _, why := s.answered(&t.Writes[at]); !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	if len(reasons) > most {
		reasons = reasons[:most]
	}
	return t.named(fmt.Sprintf("%s. This is not allowed: %s.", t.tell(&t.Writes[at]), strings.Join(reasons, "; or else: ")))
}

// tell describes a write.
func (t *Trace) tell(w *Write) string {
	text := string(w.Kind)
	if w.Kind == Stranger {
		text = "A write"
	}
	if t.Task != "" {
		text += " of " + t.Task
	}
	if w.From > 0 {
		text += " from " + ref(w.From)
	}
	if w.Record != (Record{}) {
		text += fmt.Sprintf(" to %s (%s)", ref(w.Worker), w.Record)
	} else if w.Worker > 0 {
		text += fmt.Sprintf(" as %s, incarnation %d", ref(w.Worker), max(w.Incarnation, w.Version))
	}
	if w.Token != (Token{}) {
		text += fmt.Sprintf(" ending attempt %d of epoch %d", w.Token.Attempt, w.Token.Epoch)
	}
	if w.Epoch > 0 {
		text += fmt.Sprintf(" in the name of epoch %d", w.Epoch)
	}
	text += " by session " + t.Sessions[w.Session-1]
	if w.Error == "" {
		return text + " was applied"
	}
	return text + fmt.Sprintf(" was refused (%s, operation %d)", w.Error, w.Index+1)
}

// ref is a placeholder for the name of a worker; named puts the name in.
func ref(worker int) string { return "#" + strconv.Itoa(worker) }

var reference = regexp.MustCompile(`#\d+`)

func (t *Trace) named(text string) string {
	return reference.ReplaceAllStringFunc(text, func(r string) string {
		n, err := strconv.Atoi(r[1:])
		if err != nil || n < 1 || n > len(t.Workers) {
			return r
		}
		return t.Workers[n-1]
	})
}
