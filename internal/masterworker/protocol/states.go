package protocol

import (
	"maps"
	"slices"
)

// fewStates is up to how many states are compared one by one. The sets of a run have one
// or two states, nearly always, and a key costs more than a comparison.
const fewStates = 8

// states is a set of states under construction: list has each once, in the order in
// which they were added.
type states struct {
	list []*state
	keys map[string]bool // of the states in list, if there are many
}

// add adds a state, unless an equal one is there. The states that list had at first
// differ from each other. Of two equal states the first stays.
func (all *states) add(s *state) {
	if len(all.list) < fewStates {
		if !slices.ContainsFunc(all.list, s.equal) {
			all.list = append(all.list, s)
		}
		return
	}
	if all.keys == nil {
		all.keys = make(map[string]bool, 2*len(all.list))
		for _, other := range all.list {
			all.keys[other.key()] = true
		}
	}
	if k := s.key(); !all.keys[k] {
		all.keys[k] = true
		all.list = append(all.list, s)
	}
}

// equal reports whether two states have the same key. What differs most often is
// compared first.
func (s *state) equal(other *state) bool {
	return s.floated == other.floated && s.epoch == other.epoch && s.master == other.master &&
		slices.Equal(s.over, other.over) && slices.EqualFunc(s.workers, other.workers, worker.equal) &&
		s.task.equal(&other.task) && slices.Equal(s.begun, other.begun) && slices.Equal(s.spares, other.spares)
}

func (w worker) equal(other worker) bool {
	return w.session == other.session && w.inbox == other.inbox && w.retiring == other.retiring && w.acks == other.acks &&
		slices.Equal(w.born, other.born)
}

func (t *task) equal(other *task) bool {
	return t.exists == other.exists && t.lives == other.lives && t.past == other.past && t.budget == other.budget &&
		t.resident == other.resident && t.status == other.status && t.progress == other.progress && t.parted == other.parted &&
		maps.Equal(t.attempts, other.attempts) && maps.Equal(t.left, other.left) &&
		maps.Equal(t.assigned, other.assigned) && maps.Equal(t.given, other.given)
}
