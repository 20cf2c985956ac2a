package protocol

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// kept is how many records of attempts a resident task keeps at least: Kept.
const kept = 16

// handovers is how many attempts of one task do not count because their workers left:
// Handovers, as participants are configured.
const handovers = 25

// state is a state of the machine: the variables of Protocol.tla, for one task. Its
// maps and slices are never changed in place.
type state struct {
	epoch   int32
	begun   []int  // begun[e-1] is the session that began epoch e
	spares  []bool // spares[e-1]: its master takes nothing from a worker that is there; see Protocol.tla
	master  int
	workers []worker
	over    numbers
	task    task
	floated uint64 // the floats that were applied
}

type worker struct {
	session  int
	inbox    int32 // absent: none
	born     []int
	retiring bool
	acks     bool
}

const absent = -1

type task struct {
	exists   bool
	lives    int
	past     int32
	budget   int32
	resident bool
	attempts map[int32]int32 // epoch of each that is on record
	left     map[int32]bool  // attempts that do not count
	status   status
	assigned map[int]Record
	progress int
	parted   bool          // a part of the znodes below it was removed
	given    map[gift]bool // every assignment of the past
}

// gift is an assignment of the past.
type gift struct {
	worker int
	Token
	incarnation int32
}

type status struct {
	state string // empty: none
	Token
}

func initial(workers int) *state {
	s := &state{workers: make([]worker, workers)}
	for w := range s.workers {
		s.workers[w].inbox, s.workers[w].acks = absent, true
	}
	return s
}

// key is equal for equal states, and only for those.
func (s *state) key() string {
	k := make(key, 0, 128)
	k.num(int64(s.epoch))
	for _, session := range s.begun {
		k.num(int64(session))
	}
	for _, spares := range s.spares {
		k.flag(spares)
	}
	k.num(int64(s.master))
	for _, w := range s.workers {
		k.num(int64(w.session))
		k.num(int64(w.inbox))
		for _, session := range w.born {
			k.num(int64(session))
		}
		k.flag(w.retiring)
		k.flag(w.acks)
	}
	k.num(int64(len(s.over)))
	for _, word := range s.over {
		k = binary.LittleEndian.AppendUint64(k, word)
	}
	k.task(&s.task)
	k.num(int64(s.floated))
	return string(k)
}

// key is a key under construction.
type key []byte

func (k *key) num(n int64) { *k = binary.AppendVarint(*k, n) }

func (k *key) flag(f bool) {
	if f {
		*k = append(*k, 1)
	} else {
		*k = append(*k, 0)
	}
}

func (k *key) task(t *task) {
	k.flag(t.exists)
	k.flag(t.resident)
	k.num(int64(t.lives))
	k.num(int64(t.past))
	k.num(int64(t.budget))
	for _, n := range slices.Sorted(maps.Keys(t.attempts)) {
		k.num(int64(n))
		k.num(int64(t.attempts[n]))
	}
	k.num(-1)
	for _, n := range slices.Sorted(maps.Keys(t.left)) {
		k.num(int64(n))
	}
	k.num(-1)
	*k = append(*k, t.status.state...)
	k.num(int64(t.status.Epoch))
	k.num(int64(t.status.Attempt))
	for _, w := range slices.Sorted(maps.Keys(t.assigned)) {
		r := t.assigned[w]
		k.num(int64(w))
		k.num(int64(r.Epoch))
		k.num(int64(r.Attempt))
		k.num(int64(r.Incarnation))
		k.flag(r.Revoked)
		k.flag(r.Taken)
	}
	k.num(-1)
	k.num(int64(t.progress))
	k.flag(t.parted)
	for _, g := range slices.SortedFunc(maps.Keys(t.given), compareGifts) {
		k.num(int64(g.worker))
		k.num(int64(g.Epoch))
		k.num(int64(g.Attempt))
		k.num(int64(g.incarnation))
	}
	k.num(-1)
}

func compareGifts(a, b gift) int {
	return cmp.Or(cmp.Compare(a.worker, b.worker), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.incarnation, b.incarnation))
}

// demand is the result of one operation's demand on the state: "" if it is met,
// otherwise ZooKeeper's refusal.
type demand = record.Refusal

func unless(met bool, error record.Refusal) demand {
	if met {
		return ""
	}
	return error
}

func (s *state) isIncarnation(w int, i int32) demand {
	inbox := s.workers[w-1].inbox
	if inbox == absent {
		return record.NoNode
	}
	return unless(inbox == i, record.BadVersion)
}

func (t *task) below(free bool) demand {
	if !t.exists {
		return record.NoNode
	}
	return unless(free, record.NodeExists)
}

func (t *task) attemptFree(n int32) demand {
	_, there := t.attempts[n]
	return t.below(!there)
}

// recording are the demands of a record; a mark that the attempt does not count comes
// with it.
func (t *task) recording(w *Write) []demand {
	all := []demand{t.attemptFree(w.Token.Attempt)}
	if w.Left {
		all = append(all, t.below(!t.left[w.Token.Attempt]))
	}
	return all
}

func (t *task) childThere(c int32) demand {
	switch {
	case c == statusChild:
		return unless(t.status.state != "", record.NoNode)
	case c == progressChild:
		return unless(t.progress != 0, record.NoNode)
	case c < progressChild:
		return unless(t.left[-1-c], record.NoNode)
	}
	_, there := t.attempts[c]
	return unless(there, record.NoNode)
}

func (t *task) assignedAt(w int) demand {
	_, there := t.assigned[w]
	return unless(there, record.NoNode)
}

func (s *state) assignmentFree(w int) demand {
	if s.workers[w-1].inbox == absent {
		return record.NoNode
	}
	_, there := s.task.assigned[w]
	return unless(!there, record.NodeExists)
}

// bare reports whether the task can be deleted when those children are gone.
func (t *task) bare(children []int32) demand {
	if !t.exists {
		return record.NoNode
	}
	left := t.status.state != "" && !slices.Contains(children, statusChild) || t.progress != 0 && !slices.Contains(children, progressChild)
	for n := range t.attempts {
		left = left || !slices.Contains(children, n)
	}
	for n := range t.left {
		left = left || !slices.Contains(children, -1-n)
	}
	return unless(!left, record.NotEmpty)
}

// demands are the demands of a write, one for each operation, in order.
func (s *state) demands(w *Write) []demand {
	t := &s.task
	switch w.Kind {
	case Elect:
		return []demand{unless(s.master == 0, record.NodeExists), unless(s.epoch == w.Version, record.BadVersion)}
	case EnsureInbox:
		return []demand{unless(s.workers[w.Worker-1].inbox == absent, record.NodeExists)}
	case Register:
		return []demand{unless(s.workers[w.Worker-1].session == 0, record.NodeExists), s.isIncarnation(w.Worker, w.Version)}
	case SubmitTask:
		return []demand{unless(!t.exists, record.NodeExists)}
	case CancelTask:
		return []demand{t.below(t.status.state == ""), ""}
	case Collect:
		return s.collection(w)
	case CollectPart:
		return t.portion(w)
	case Retire, Confirm, CompleteTask, GiveBack, MootEnding, ShowProgress:
		return append([]demand{s.isIncarnation(w.Worker, w.Incarnation)}, s.workerDemands(w)...)
	case Other, Close, SessionOver:
		return nil
	}
	return append([]demand{unless(s.epoch == w.Epoch, record.BadVersion)}, s.masterDemands(w)...)
}

func (s *state) collection(w *Write) []demand {
	var all []demand
	for _, c := range w.Children {
		all = append(all, s.task.childThere(c))
	}
	return append(all, s.task.bare(w.Children))
}

// portion are the demands of a part of a collection: the task exists, and it is
// finished.
func (t *task) portion(w *Write) []demand {
	all := []demand{t.below(true), t.childThere(statusChild)}
	for _, c := range w.Children {
		all = append(all, t.childThere(c))
	}
	return all
}

// masterDemands are those after the check of the epoch.
func (s *state) masterDemands(w *Write) []demand {
	t := &s.task
	there := func() []demand {
		return []demand{unless(s.workers[w.Worker-1].session != 0, record.NoNode), s.isIncarnation(w.Worker, w.Incarnation)}
	}
	ending := []demand{}
	if w.From > 0 {
		ending = append(ending, t.assignedAt(w.From))
		if w.Kind != DropTask {
			ending = append(ending, t.recording(w)...)
		}
	}
	switch w.Kind {
	case Resign:
		return []demand{unless(s.master != 0, record.NoNode)}
	case OpenInbox:
		worker := s.workers[w.Worker-1]
		return []demand{unless(worker.session != 0, record.NoNode), unless(worker.inbox == absent, record.NodeExists)}
	case AssignTask:
		return append(there(), s.assignmentFree(w.Worker))
	case ReassignTask:
		return append(append(there(), ending...), s.assignmentFree(w.Worker))
	case RevokeTask, TakeTask:
		return append(there(), t.assignedAt(w.Worker))
	case FenceWorker:
		return []demand{s.isIncarnation(w.Worker, w.Incarnation)}
	case ReleaseTask, DropTask:
		return ending
	case FailTask:
		return append(ending, t.below(t.status.state == ""))
	case CollectTask:
		return s.collection(w)
	case CollectTaskPart:
		return t.portion(w)
	case PruneAttempts:
		var all []demand
		for _, n := range w.Children {
			all = append(all, t.childThere(n))
		}
		return all
	}
	return nil
}

// workerDemands are those after the check of the incarnation.
func (s *state) workerDemands(w *Write) []demand {
	t := &s.task
	switch w.Kind {
	case Confirm:
		return nil
	case Retire:
		return []demand{s.isIncarnation(w.Worker, w.Incarnation)}
	}
	all := []demand{t.assignedAt(w.Worker)}
	if w.Shown {
		all = append(all, unless(t.progress != 0, record.NoNode))
	}
	switch w.Kind {
	case CompleteTask:
		all = append(all, t.below(t.status.state == ""))
	case GiveBack:
		all = append(all, t.recording(w)...)
	case ShowProgress:
		switch w.How {
		case "set":
			all = append(all, unless(t.progress != 0, record.NoNode))
		case "create":
			all = append(all, t.below(t.progress == 0))
		case "replace":
			all = append(all, unless(t.progress != 0, record.NoNode), t.below(true))
		}
	}
	return all
}

// leads reports whether the session began that epoch.
func (s *state) leads(session int, e int32) bool {
	return e >= 1 && int(e) <= len(s.begun) && s.begun[e-1] == session
}

// serves reports whether the session wrote that incarnation of the worker.
func (s *state) serves(session, w int, i int32) bool {
	born := s.workers[w-1].born
	return i >= 1 && int(i) <= len(born) && born[i-1] == session
}

func (t *task) last() int32 {
	greatest := int32(0)
	for n := range t.attempts {
		greatest = max(greatest, n)
	}
	return greatest
}

func (t *task) firstLife() bool { return t.lives == 1 }

// ended reports whether an assignment can have no further effect.
func (t *task) ended() bool { return !t.exists || t.status.state != "" || !t.firstLife() }

func (t *task) next(n int32) bool {
	return n == t.last()+1 || !t.firstLife() && n > t.last() && n <= t.past+1
}

// spent is how many of n attempts count. With left, one more of them does not.
func (t *task) spent(n int32, left bool) int32 {
	gone := int32(len(t.left))
	if left {
		gone++
	}
	return n - min(gone, handovers)
}

// within reports whether there may be another attempt after n.
func (t *task) within(n int32, left bool) bool {
	return !t.firstLife() || t.budget == 0 || t.spent(n, left) < t.budget
}

// holder is the session to which a worker's assignment was given; 0 for none.
func (s *state) holder(w int) int {
	r, there := s.task.assigned[w]
	born := s.workers[w-1].born
	if !there || r.Incarnation < 1 || int(r.Incarnation) > len(born) {
		return 0
	}
	return born[r.Incarnation-1]
}

// lost reports whether the claim is lost that a worker's assignment was made for: its
// holder cannot write any more.
func (s *state) lost(w int) bool {
	worker, holder := &s.workers[w-1], s.holder(w)
	return !worker.acks || holder == 0 || s.over.has(holder) || worker.born[worker.inbox-1] != holder
}

// entitled says why the writer's claim does not hold; "" if it does.
func (s *state) entitled(w *Write) string {
	switch w.Kind {
	case Elect, EnsureInbox, Register, SubmitTask, CancelTask, Other, Close, SessionOver:
		return ""
	case Collect, CollectPart:
		return unlessTrue(!slices.Contains(s.begun, w.Session), "its session leads an epoch, so it must name its epoch when it removes something")
	case Retire, Confirm, CompleteTask, GiveBack, MootEnding, ShowProgress:
		if !s.serves(w.Session, w.Worker, w.Incarnation) {
			return fmt.Sprintf("its session never held incarnation %d", w.Incarnation)
		}
		return ""
	case Stranger:
		return "the protocol has no such write"
	}
	if !s.leads(w.Session, w.Epoch) {
		return fmt.Sprintf("its session never began epoch %d", w.Epoch)
	}
	return ""
}
