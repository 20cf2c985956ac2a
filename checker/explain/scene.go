package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Scene is a run with the lookups that a story needs.
type Scene struct {
	Index     *record.Index
	Run       record.Run
	End       time.Duration      // of the last event
	Writes    []Write            // in the order of their invocation
	Elections []Write            // those that begin an epoch, in the order of their invocation
	Terms     []record.Operation // how long processes believed to lead
	Faults    []record.Operation

	byObject map[string][]int                          // by object: places of the writes that touch it
	objects  map[string]bool                           // that participants name or touch, and those in the final tree
	others   map[record.Kind]map[int]*record.Operation // of kinds that only the recipe has, by the numbers of their events
}

// Write is a write with all facts about it.
type Write struct {
	record.Written
	At      time.Duration // see [record.Index.Moment]
	Wired   time.Duration // when its answer was on the wire; 0 if not known
	Refusal string        // why it was not applied, if that is known
	Epoch   int32         // that it begins
	Elects  bool          // it begins an epoch
}

// survey reads a run.
func survey(index *record.Index) *Scene {
	s := &Scene{
		Index: index, Run: index.Run, End: max(0, index.End-1), byObject: map[string][]int{}, objects: map[string]bool{},
		Terms: record.Operations(index.Run.Events, record.Lead), Faults: record.Operations(index.Run.Events, record.Fault),
		others: map[record.Kind]map[int]*record.Operation{},
	}
	for i := range s.Run.Events {
		if object := s.Run.Events[i].Object(); object != "" {
			s.objects[object] = true
		}
	}
	for n := range index.Writes {
		w := s.known(&index.Writes[n])
		w.At = index.Moment(n)
		for _, object := range index.Znodes.Touched(w.Invoke.Ops()) {
			s.objects[object] = true
			s.byObject[object] = append(s.byObject[object], len(s.Writes))
		}
		if w.Elects {
			s.Elections = append(s.Elections, w)
		}
		s.Writes = append(s.Writes, w)
	}
	if s.Run.Evidence != nil {
		for _, n := range s.Run.Evidence.Nodes {
			if object := index.Znodes.Object(n.Path); object != "" {
				s.objects[object] = true
			}
		}
	}
	return s
}

// known completes a write with its outcome.
func (s *Scene) known(found *record.Written) Write {
	w := Write{Written: *found, Refusal: found.Done.Remark()}
	w.Epoch, w.Elects = found.Begins()
	if found.Exchange >= 0 {
		x := &s.Run.Exchanges[found.Exchange]
		w.Wired = x.Answered
		if x.Error != "" {
			w.Refusal = string(x.Error)
		}
	}
	switch {
	case found.By == record.ByAbsence:
		w.Refusal = "it reached no server"
	case found.By == record.ByCommits && w.Fate == record.OK:
		w.Refusal = ""
	case found.By == record.ByCommits && w.Wired == 0:
		w.Refusal = "no server has it in its log"
	}
	return w
}

// named are the objects of the run that findings name, in their order.
func (s *Scene) named(found []wording.Finding) []string {
	var names []string
	for _, f := range found {
		for _, object := range f.Objects() {
			if s.objects[object] && !slices.Contains(names, object) {
				names = append(names, object)
			}
		}
	}
	return names
}

// Touching are the writes that touch an object, in the order of their invocation.
func (s *Scene) Touching(object string) []Write {
	var all []Write
	for _, i := range s.byObject[object] {
		all = append(all, s.Writes[i])
	}
	return all
}

// InForce is the last election won before a moment.
func (s *Scene) InForce(at time.Duration) (Write, bool) {
	var last Write
	found := false
	for _, e := range s.Elections {
		if e.Fate == record.OK && e.At <= at && (!found || e.Epoch >= last.Epoch) {
			last, found = e, true
		}
	}
	return last, found
}

// Began is the election that began an epoch.
func (s *Scene) Began(epoch int32) (Write, bool) {
	for _, e := range s.Elections {
		if e.Epoch == epoch && e.Fate == record.OK {
			return e, true
		}
	}
	return Write{}, false
}

// WriteOf is the write that an event belongs to.
func (s *Scene) WriteOf(seq int) (Write, bool) {
	i := slices.IndexFunc(s.Writes, func(w Write) bool { return w.Invoke.Seq == seq || w.Done.Seq == seq && seq > 0 })
	if i < 0 {
		return Write{}, false
	}
	return s.Writes[i], true
}

// Node is a znode of the final tree.
func (s *Scene) Node(path string) (record.Node, bool) {
	if s.Run.Evidence != nil {
		for _, n := range s.Run.Evidence.Nodes {
			if n.Path == path {
				return n, true
			}
		}
	}
	return record.Node{}, false
}

// operation is the operation that an event belongs to, of a kind that only the recipe has;
// nil if it is a note.
func (s *Scene) operation(e record.Event) *record.Operation {
	bySeq, known := s.others[e.Kind]
	if !known {
		bySeq = map[int]*record.Operation{}
		all := record.Operations(s.Run.Events, e.Kind)
		for i := range all {
			bySeq[all[i].Invoke.Seq] = &all[i]
			if all[i].Done.Seq > 0 {
				bySeq[all[i].Done.Seq] = &all[i]
			}
		}
		s.others[e.Kind] = bySeq
	}
	return bySeq[e.Seq]
}

// Find is the operation that an event belongs to; nil if there is none.
func Find(all []record.Operation, e record.Event) *record.Operation {
	i := slices.IndexFunc(all, func(o record.Operation) bool { return o.Invoke.Seq == e.Seq || o.Done.Seq == e.Seq })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// Zxid is a place in ZooKeeper's order as ZooKeeper prints it.
func Zxid(z int64) string { return fmt.Sprintf("0x%x", z) }
