package explore

import (
	"iter"
	"slices"
)

// visited holds every state that has been reached, whole, and from which state it was
// reached first. No two states are ever taken for one.
type visited struct {
	width  int
	states *tuples // with words beside each, as in the constants
}

// stateID is the number of a visited state.
type stateID uint32

// Places of the words that are kept beside a state.
const (
	atParent = iota // the state from which it was reached first
	atWay           // how the goal is reached from it
	wordsBeside
)

func newVisited(width int) *visited { return &visited{width, newTuples(width, wordsBeside)} }

// add remembers a state, and says whether it is new. It is reached from parent, 0 if from
// nowhere.
func (v *visited) add(s state, parent stateID) (stateID, bool) {
	id, isNew := v.states.add(s)
	if isNew {
		*v.beside(stateID(id), atParent) = uint32(parent)
	}
	return stateID(id), isNew
}

// get copies a state into s.
func (v *visited) get(id stateID, s state) { copy(s, v.states.at(uint32(id))) }

// beside is a word that is kept beside a state.
func (v *visited) beside(id stateID, which int) *uint32 {
	return &v.states.at(uint32(id))[v.width+which]
}

// way is the word of a state that says how the goal is reached from it.
func (v *visited) way(id stateID) *uint32 { return v.beside(id, atWay) }

// ancestors lists a state and those through which it was reached first, from the beginning.
func (v *visited) ancestors(id stateID) []stateID {
	var ids []stateID
	for ; id != 0; id = stateID(*v.beside(id, atParent)) {
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	return ids
}

// all are the numbers of all states.
func (v *visited) all() iter.Seq[stateID] {
	return func(yield func(stateID) bool) {
		for part, n := range v.states.counts() {
			for place := uint32(1); place <= n; place++ {
				if !yield(stateID(place<<partBits | uint32(part))) {
					return
				}
			}
		}
	}
}

// len is the number of states, and bytes is their size.
func (v *visited) len() int {
	n := 0
	for _, part := range v.states.counts() {
		n += int(part)
	}
	return n
}

func (v *visited) bytes() int { return v.states.bytes() }

// Schedule is a path through the world: one choice after the other.
type Schedule []Choice
