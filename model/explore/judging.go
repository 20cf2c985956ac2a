package explore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// judging caches the judge's answers, so that it judges equal things once.
type judging struct {
	judge Judge

	mu         sync.Mutex
	violations [][]Violation
	seen       map[string]bool
	views      *memo         // of a view without its last process
	viewed     atomic.Uint64 // views so far
	verdicts   *memo
	procViews  *interner[struct{}]
}

// stateVerdict is the judge's verdict on a state.
type stateVerdict struct {
	wrong uint32
	goal  bool
}

func newJudging(j Judge) *judging {
	return &judging{judge: j, violations: make([][]Violation, 1), seen: map[string]bool{}, views: newMemo(), verdicts: newMemo(), procViews: newInterner[struct{}]()}
}

func (j *judging) note(found []Violation) uint32 {
	if len(found) == 0 {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.violations = append(j.violations, found)
	return uint32(len(j.violations) - 1)
}

func (j *judging) why(wrong uint32) []Violation {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.violations[wrong]
}

// write judges the effect of a request.
func (j *judging) write(w Write) uint32 {
	names := j.judge.Seen(w)
	j.mu.Lock()
	for _, name := range names {
		j.seen[name] = true
	}
	j.mu.Unlock()
	return j.note(j.judge.Write(w))
}

// sees notes a required event that the explorer itself has seen.
func (j *judging) sees(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[name] = true
}

// happened lists the required events that have happened.
func (j *judging) happened() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Sorted(maps.Keys(j.seen))
}

// procView numbers the judge's view of a process.
func (x *space) procView(at *local, l link) uint32 {
	key := []byte{byte(l.current), flag(l.known) | flag(l.overslept)<<1, 0}
	if at != nil {
		key[2] = 1 + flag(at.over)<<1
		key = binary.LittleEndian.AppendUint32(key, at.noted)
		key = binary.AppendVarint(key, int64(at.clock.Sub(origin)))
		key = append(key, at.failure...)
	}
	return x.judged.procViews.put(key, func() struct{} { return struct{}{} })
}

// verdictOn returns the judge's verdict on a state. Equal views are judged once: the number of
// a view is found process by process, without a lock.
func (x *space) verdictOn(s state) stateVerdict {
	j := x.judged
	at := uint64(s[atTree])<<32 | uint64(s[atActs])
	last := len(s) - 1
	for _, id := range s[atProcs:last] {
		at = 1<<63 | j.views.of(at, uint64(x.procs.get(id).view), func() uint64 { return j.viewed.Add(1) })
	}
	packed := j.verdicts.of(at, uint64(x.procs.get(s[last]).view), func() uint64 {
		v := x.view(s)
		found := append(x.failures(s), j.judge.State(v)...)
		return uint64(j.note(found))<<1 | uint64(flag(j.judge.Goal(v)))
	})
	return stateVerdict{uint32(packed >> 1), packed&1 == 1}
}

// failures are programs that have panicked.
func (x *space) failures(s state) []Violation {
	var found []Violation
	for p, process := range x.world.Processes {
		if at := x.at(s, p); at != nil && at.failure != "" {
			found = append(found, Violation{"NoCrash", fmt.Sprintf("%s panics: %s", process.Name, at.failure)})
		}
	}
	return found
}

// at is the local state of a process, or nil if it is dead.
func (x *space) at(s state, p int) *local { return x.locals.table.get(x.procs.get(s[atProcs+p]).local) }

// view is a state in the judge's terms.
func (x *space) view(s state) View {
	v := View{Tree: x.trees.get(s[atTree]), Acts: x.acts.get(s[atActs])}
	for p, process := range x.world.Processes {
		l := x.links.get(x.procs.get(s[atProcs+p]).link)
		one := ProcessView{Name: process.Name, Known: l.known, Stopped: l.overslept}
		if l.current != 0 {
			one.Session = sessionID(p, l.current)
		}
		if at := x.at(s, p); at != nil {
			one.Notes, one.Running, one.Clock = x.terms.notes.get(at.noted), !at.over, at.clock
		}
		v.Processes = append(v.Processes, one)
	}
	return v
}
