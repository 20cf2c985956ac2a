package record

import "slices"

// Objects says what the znodes of a recipe have to do with its objects. An object is a
// thing that the recipe is about: a task, a lock, an election. Any field may be nil; then
// the znodes say nothing of that kind, and only events name objects and their ids.
type Objects struct {
	// Of is the object that a znode belongs to; empty if it belongs to none.
	Of func(path string) string
	// ID is the id of the request that an object was made for, by a znode of the object and
	// its data; empty if they do not say.
	ID func(path, data string) string
	// Notice reports whether a part of a write only tells others that some object has
	// changed. Such a part means nothing when the change is left out.
	Notice func(op Op) bool
}

// Object is the object that a znode belongs to; empty if it belongs to none.
func (o Objects) Object(path string) string {
	if o.Of == nil {
		return ""
	}
	return o.Of(path)
}

// Touched are the objects that the parts of a write touch, in their order.
func (o Objects) Touched(ops []Op) []string {
	var all []string
	for _, op := range ops {
		if object := o.Object(op.Path); object != "" && !slices.Contains(all, object) {
			all = append(all, object)
		}
	}
	return all
}

// Notifies reports whether a part of a write only tells others that some object has
// changed.
func (o Objects) Notifies(op Op) bool { return o.Notice != nil && o.Notice(op) }

// mentioned has what a run says of its objects.
type mentioned struct {
	names  []string            // in the order of their first events
	events map[string][]int    // by object: places of the first events about it
	ids    map[string][]string // by id: objects
}

// mostAbout bounds the events that are kept for an object.
const mostAbout = 64

// mentions looks the objects of a run up, once.
func (x *Index) mentions() *mentioned {
	x.once.Do(func() { x.objects = mention(x.Run, x.Znodes) }) // many have no need of it
	return x.objects
}

func mention(run Run, znodes Objects) *mentioned {
	m := &mentioned{events: map[string][]int{}, ids: map[string][]string{}}
	seen := map[string]bool{}
	name := func(objects ...string) {
		for _, object := range objects {
			if object != "" && !seen[object] {
				seen[object] = true
				m.names = append(m.names, object)
			}
		}
	}
	for at := range run.Events {
		e := &run.Events[at]
		object, touched := e.Object(), znodes.Touched(e.Ops())
		name(object)
		name(touched...)
		m.identify(e.ID(), object)
		for _, op := range e.Ops() {
			m.made(op.Path, op.Data, znodes)
		}
		if e.Kind != Effect {
			m.note(at, object)
			m.note(at, touched...)
		}
	}
	for _, e := range run.Exchanges {
		name(znodes.Touched(e.Ops)...)
	}
	for _, c := range run.Commits {
		name(znodes.Touched(c.Ops)...)
	}
	if run.Evidence != nil {
		for _, n := range run.Evidence.Nodes {
			name(znodes.Object(n.Path))
			m.made(n.Path, n.Data, znodes)
		}
	}
	return m
}

// note notes an event about objects.
func (m *mentioned) note(at int, objects ...string) {
	for _, object := range objects {
		all := m.events[object]
		if object != "" && len(all) < mostAbout && (len(all) == 0 || all[len(all)-1] != at) {
			m.events[object] = append(all, at)
		}
	}
}

// made notes the id that the data of a znode gives to its object.
func (m *mentioned) made(path, data string, znodes Objects) {
	if znodes.ID != nil {
		m.identify(znodes.ID(path, data), znodes.Object(path))
	}
}

func (m *mentioned) identify(id, object string) {
	if id != "" && object != "" && !slices.Contains(m.ids[id], object) {
		m.ids[id] = append(m.ids[id], object)
	}
}

// Objects are all objects of the run: those that events name, those that writes touch,
// and those in the final tree. They are in the order in which they are first mentioned.
func (x *Index) Objects() []string { return x.mentions().names }

// Touched are the objects that some events of the run are about, or touch, in the order in
// which they are first mentioned. The events are given by their numbers, which ascend.
func (x *Index) Touched(seqs []int) []string {
	var marked Run
	for i := range x.Run.Events {
		if _, found := slices.BinarySearch(seqs, x.Run.Events[i].Seq); found {
			marked.Events = append(marked.Events, x.Run.Events[i])
		}
	}
	return mention(marked, x.Znodes).names
}

// Identified are the objects that have an id, by events and znodes. A submission that was
// repeated may have made several.
func (x *Index) Identified(id string) []string { return x.mentions().ids[id] }

// About are the first events about the fate of an object, at most so many. Effects are not
// among them.
func (x *Index) About(object string, most int) []Event {
	places := x.mentions().events[object]
	var events []Event
	for _, at := range places[:min(most, len(places))] {
		events = append(events, x.Run.Events[at])
	}
	return events
}
