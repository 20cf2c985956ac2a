package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one operation of a partition in the terms of [Item].
type step struct {
	verb  string // put, take, write, end, ack, bury, revive
	token int32
}

// model is [Item] for porcupine.
func model() porcupine.Model {
	return checker.Specification[Item, step]{
		Do: func(i Item, s step) (Item, bool) {
			switch s.verb {
			case "put":
				return i.Put()
			case "take":
				return i.Take(s.token)
			case "write":
				return i, i.Has(s.token)
			case "ack":
				return i.Ack(s.token)
			case "bury":
				return i.Bury(s.token)
			case "revive":
				return i.Revive()
			}
			return i.End(s.token)
		},
		State: Item.String,
		Operation: func(s step) string {
			if s.token == 0 {
				return s.verb
			}
			return fmt.Sprintf("%s, token %d", s.verb, s.token)
		},
	}.Model()
}

// story is what happened to one item, as its participants know it.
type story struct {
	id     string
	object string
	put    *put
	had    map[granted]*had
	other  []moment // bury, revive
	open   int      // operations whose outcome is unknown
}

// moment is an operation that took effect until some time.
type moment struct {
	op    *record.Operation
	step  step
	until time.Duration
}

// had is a take, from the attempt to the last that is known of it.
type had struct {
	take   moment
	writes []moment
	end    moment // its invocation is the earliest moment at which the take can have ended
	over   bool   // it is known what ended it
}

// linearizable is the search for an order of what producers and consumers asked for and were told,
// item by item.
func (f *facts) linearizable() checker.Search {
	all := checker.Partitions{}
	stories := f.stories()
	for _, id := range slices.Sorted(maps.Keys(stories)) {
		s := stories[id]
		if s.put == nil { // the judge of unexpected items tells
			continue
		}
		p := all.At(id)
		p.Object, p.Open = s.object, s.open
		switch s.put.Outcome() {
		case record.OK:
			p.Add(&s.put.Operation, step{verb: "put"}, s.put.Done.At)
		case record.Info:
			p.Add(&s.put.Operation, step{verb: "put"}, f.End)
		}
		for _, h := range s.had {
			p.Add(h.take.op, h.take.step, h.take.until)
			for _, w := range h.writes {
				p.Add(w.op, w.step, w.until)
			}
			p.Add(h.end.op, h.end.step, h.end.until)
		}
		for _, m := range s.other {
			p.Add(m.op, m.step, m.until)
		}
	}
	return checker.Search{Property: "ItemLinearizable", Of: "item", Model: model(), Partitions: all.Sorted()}
}

// stories are those of all items that were taken, or whose put is known to have been applied.
func (f *facts) stories() map[string]*story {
	all := map[string]*story{}
	of := func(id string) *story {
		if all[id] == nil {
			all[id] = &story{id: id, put: f.put[id], had: map[granted]*had{}}
		}
		return all[id]
	}
	for _, p := range f.puts {
		if p.Outcome() == record.OK {
			of(p.id()).object = p.Done.Object()
		}
	}
	ids := map[string]string{} // by object
	for _, t := range f.takes {
		if !t.told() {
			continue
		}
		s := of(t.Done.ID())
		s.object, ids[t.Done.Object()] = t.Done.Object(), t.Done.ID()
		f.begin(s, granted{t.Done.Object(), t.token()}, moment{&t.Operation, step{"take", t.token()}, t.Done.At})
	}
	for _, s := range f.stays {
		ids[s.Path] = s.id
	}
	for i := range f.Writes {
		f.change(&f.Writes[i], of, ids)
	}
	for _, e := range f.entries {
		// An item that was a dead letter is taken with small tokens again: the znode says which take it is.
		i := slices.IndexFunc(e.write.Invoke.Ops(), func(op record.Op) bool { return history.ItemOf(op.Path) != "" })
		if i < 0 || e.N == history.Consumed {
			continue
		}
		if h := of(e.Item).had[granted{history.ItemOf(e.write.Invoke.Ops()[i].Path), e.Token}]; h != nil {
			h.writes = append(h.writes, moment{e.write.Operation, step{"write", e.Token}, e.write.Done.At})
			h.since(e.write.Invoke.At)
		}
	}
	f.ends(all, ids)
	return all
}

// begin notes a take. Until more is known, it may have ended at any moment.
func (f *facts) begin(s *story, key granted, m moment) {
	if s.had[key] == nil { // of two, another judge tells
		end := *m.op
		s.had[key] = &had{take: m, end: moment{&end, step{"end", key.token}, f.End}}
	}
}

// since notes that a take has not ended before that time. What is known to have ended it has a time of
// its own.
func (h *had) since(at time.Duration) {
	if !h.over {
		h.end.op.Invoke.At = max(h.end.op.Invoke.At, at)
	}
}

// change notes what a write did to items: takes that no consumer was told of, consumptions, and dead
// letters.
func (f *facts) change(w *checker.Write, of func(string) *story, ids map[string]string) {
	if w.Outcome() == record.Fail {
		return
	}
	change := history.ChangeOf(w.Invoke.Ops())
	note := func(path string, noting func(*story)) {
		switch id := ids[path]; {
		case id == "":
		case w.Outcome() == record.Info:
			of(id).open++
		default:
			noting(of(id))
		}
	}
	for _, t := range change.Taken {
		if t.Token > 0 {
			note(t.Item(), func(s *story) {
				f.begin(s, granted{t.Item(), t.Token}, moment{w.Operation, step{"take", t.Token}, w.Done.At})
			})
		}
	}
	for _, z := range change.Gone {
		consumes := slices.ContainsFunc(change.Ended, func(c history.Znode) bool { return c.Item() == z.Path })
		for _, op := range w.Invoke.Ops() {
			if op.Path != z.Path || op.Kind != "delete" {
				continue
			}
			note(z.Path, func(s *story) {
				h := s.had[granted{z.Path, op.Version}]
				switch {
				case consumes && h != nil:
					verb := "ack"
					if f.buries(w) {
						verb = "bury"
					}
					h.over, h.end = true, moment{w.Operation, step{verb, op.Version}, w.Done.At}
				case z.Folder == history.Dead:
					s.other = append(s.other, moment{w.Operation, step{verb: "revive"}, w.Done.At})
				case z.Folder == history.Line && !consumes && f.buries(w):
					s.other = append(s.other, moment{w.Operation, step{verb: "bury"}, w.Done.At})
				}
			})
		}
	}
}

// buries reports whether a write makes a dead letter.
func (f *facts) buries(w *checker.Write) bool {
	return slices.ContainsFunc(w.Invoke.Ops(), func(op record.Op) bool {
		return op.Kind == "create" && strings.Contains(op.Path, "/"+string(history.Dead)+"/")
	})
}

// ends finds when each take has ended that was not followed by a consumption. One that was given
// back has ended between the begin and the end of its release, if no fault kept its consumer from
// knowing in time that it was over before. Any other may have ended at any moment after its last
// write.
func (f *facts) ends(all map[string]*story, ids map[string]string) {
	held := map[granted]record.Operation{}
	for _, h := range f.holds {
		held[granted{h.Invoke.Object(), h.Invoke.Token().Epoch}] = h
	}
	for i := range f.releases {
		r := &f.releases[i]
		key := granted{r.Invoke.Object(), r.Invoke.Token().Epoch}
		s := all[ids[key.path]]
		if s == nil || s.had[key] == nil || r.Outcome() != record.OK || s.had[key].over {
			continue
		}
		h, known := held[key]
		mine := s.had[key]
		mine.end.until = r.Done.At
		mine.end.op.Invoke.At = min(mine.end.op.Invoke.At, r.Done.At) // a later write was accepted too late
		if sound := known && h.Done.Type == record.OK && h.Done.Remark() == ""; sound && f.Excuse(h, h.Invoke.At, r.Done.At) == "" {
			mine.since(r.Invoke.At)
		}
	}
}
