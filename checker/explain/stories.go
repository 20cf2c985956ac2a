package explain

import (
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories is how the violations of one recipe are told. The zero value tells every
// violation by its events, in their order.
type Stories struct {
	// Noun is what an object of the recipe is called: "lock". Empty: "object". Package
	// torture sets it, from the subject.
	Noun string
	// Begin reads a run for one story. nil: nothing is told in the words of the recipe.
	Begin func(*Explainer) Words
}

// Words has the words of a recipe for one story. Any of its functions may be nil.
type Words struct {
	// Properties has a function for each property with a story of its own. Any other property
	// is told by [Explainer.Evidence], unless every recipe has it.
	Properties map[string]func()
	// Life adds the history of an object. nil: all writes that touch the object, and all
	// events about it.
	Life func(object string)
	// Event adds the line of an event of a kind that only the recipe has. It reports whether
	// it did so; if not, or if Event is nil, the line names the kind.
	Event func(record.Event) bool
	// Deed describes what a write did to an object, or to nothing in particular if the object
	// is empty. nil: its operations.
	Deed func(w Write, object string) Deed
}

// Deed describes a write.
type Deed struct {
	By   string   // who wrote, and in whose name: "master-1, in the name of epoch 2,"
	What string   // what that did, in the past tense and without a full stop: "took the lock"
	Whom []string // other participants that it concerns
}

// noun is what an object of the recipe is called.
func (s Stories) noun() string {
	if s.Noun == "" {
		return "object"
	}
	return s.Noun
}

// builtIn has a function for each property of every recipe that has a story of its own.
var builtIn = map[string]func(*Explainer){
	"SessionsEnd": (*Explainer).sessionsEnd, "WritesAccounted": (*Explainer).writesAccounted,
}

// explain adds the lines that explain a violation of the property.
func (t *Explainer) explain() {
	if own, known := t.words.Properties[t.Property.Name]; known {
		own()
	} else if every, known := builtIn[t.Property.Name]; known {
		every(t)
	} else {
		t.Evidence()
	}
}
