package leadership

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one operation of a partition in the terms of [Election].
type step struct {
	verb string // elect, before, after
	said string // for the picture
}

// Linearizable is the search for the moment of each election: it has one partition for
// each epoch that began, with the election and the writes of the masters on both sides
// of it.
func (l *Leaders) Linearizable() checker.Search {
	all := checker.Partitions{}
	began := map[int32]bool{}
	at := func(epoch int32) *checker.Partition { return all.At(fmt.Sprintf("epoch %06d", epoch)) }
	for _, e := range l.elections {
		switch e.won {
		case record.OK:
			began[e.epoch] = true
			at(e.epoch).Add(e.op.Operation, step{"elect", fmt.Sprintf("elect, epoch %d", e.epoch)}, l.of.Until(e.op.Operation))
		case record.Info:
			at(e.epoch).Open++
		}
	}
	for _, a := range l.acts {
		if a.op.Outcome() != record.OK {
			continue // a refused write proves nothing, and a lost one may not have happened
		}
		said := fmt.Sprintf("write in epoch %d", a.epoch)
		if began[a.epoch] {
			at(a.epoch).Add(a.op.Operation, step{"after", said}, a.op.Done.At)
		}
		if began[a.epoch+1] {
			at(a.epoch+1).Add(a.op.Operation, step{"before", said}, a.op.Done.At)
		}
	}
	for _, part := range all {
		thin(part)
	}
	return checker.Search{Property: "ElectionLinearizable", Of: "election", Model: model(), Partitions: all.Sorted()}
}

// model is [Election] for porcupine.
func model() porcupine.Model {
	return checker.Specification[Election, step]{
		Do: func(e Election, s step) (Election, bool) {
			switch s.verb {
			case "elect":
				return e.Elect()
			case "before":
				return e.ActBefore()
			}
			return e.ActAfter()
		},
		State: func(e Election) string {
			if e.Held {
				return "epoch has begun"
			}
			return "epoch has not begun"
		},
		Operation: func(s step) string { return s.said },
	}.Model()
}

// nearest is how many writes on each side of an election are searched.
const nearest = 8

// thin leaves out writes of an election's partition that cannot change its verdict. The
// writes before an election must be able to come before it, and the writes after it
// must be able to come after it and after all before. So it is enough to look at the
// writes before that were sent last, and the writes after that were answered first.
func thin(p *checker.Partition) {
	verb := func(op porcupine.Operation) string { return op.Input.(step).verb }
	places := map[string][]int{}
	for at, op := range p.Operations {
		places[verb(op)] = append(places[verb(op)], at)
	}
	slices.SortStableFunc(places["before"], func(a, b int) int { return cmp.Compare(p.Operations[b].Call, p.Operations[a].Call) })
	slices.SortStableFunc(places["after"], func(a, b int) int { return cmp.Compare(p.Operations[a].Return, p.Operations[b].Return) })
	var keep []int
	for kind, all := range places {
		if kind != "elect" {
			all = all[:min(nearest, len(all))]
		}
		keep = append(keep, all...)
	}
	slices.Sort(keep)
	operations, events := make([]porcupine.Operation, len(keep)), make([]int, len(keep))
	for i, at := range keep {
		operations[i], events[i] = p.Operations[at], p.Events[at]
	}
	p.Operations, p.Events = operations, events
}
