package checker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
)

// Bounds of the search. An operation with an unknown outcome is open. A partition is
// searched without its open operations, because they make the cost of a search explode.
// If the rest has a valid order, the partition is valid. If not, the missing operations
// may be the reason, and the partition is unknown. A partition is also unknown if it
// has more than maxOpen open operations, is longer than maxLength, or needs more memory
// than searchMemory: a search that is cut short is never a pass.
const (
	searchLimit  = 20 * time.Second // for all partitions of one property
	searchMemory = 256 << 20        // bytes, for one partition
	maxOpen      = 8
	maxLength    = 20000
)

// remembered estimates the bytes that porcupine keeps for each step of its search in a
// history of that length: the finished operations, and the state.
func remembered(length int) int { return 200 + length/8 }

// limits bound the search of the partitions of one property.
type limits struct {
	deadline time.Time // of all
	memory   int       // of each
}

// bounded searches one partition.
func (p *partition) bounded(l limits) porcupine.CheckResult {
	m := p.model
	var steps atomic.Int64 // porcupine may still be running when its time is over
	most := int64(l.memory / remembered(len(p.ops)))
	m.StepContext = func(ctx context.Context, state, input, output any) (bool, any) {
		if ctx.Err() != nil || steps.Load() > most {
			return false, state
		}
		ok, next := p.model.Step(state, input, output)
		if ok {
			steps.Add(1)
		}
		return ok, next
	}
	left := max(time.Until(l.deadline), 1) // porcupine reads 0 as no limit
	outcome := porcupine.CheckOperationsTimeout(m, p.ops, left)
	if steps.Load() > most {
		return porcupine.Unknown
	}
	return outcome
}

// judge gives the partition its verdict and its doubt, if any.
func (p *partition) judge(l limits) (doubt *wording.Finding) {
	p.verdict = Unknown
	if time.Until(l.deadline) <= 0 || p.open > maxOpen || len(p.ops) > maxLength {
		p.unsearched = true
		return p.about(wording.NotSearched)
	}
	switch outcome := p.bounded(l); {
	case outcome == porcupine.Unknown:
		p.unsearched = true
		return p.about(wording.SearchCut)
	case outcome == porcupine.Ok:
		p.verdict = Valid
	case p.open > 0:
		return p.about(wording.NotExplained)
	default:
		p.verdict = Invalid
	}
	return nil
}

// about is a finding about the partition.
func (p *partition) about(code wording.Code) *wording.Finding {
	return &wording.Finding{Code: code, Task: p.task, Args: wording.Args{"part": p.name, "count": len(p.ops), "open": p.open}}
}

// search checks every partition, several at a time.
func search(name, what string, partitions []*partition) Property {
	return searchWithin(limits{time.Now().Add(searchLimit), searchMemory}, name, what, partitions)
}

func searchWithin(l limits, name, what string, partitions []*partition) Property {
	p := newFinding(name, "%d partitions, one for each %s, are linearizable.", len(partitions), what)
	doubts := make([]*wording.Finding, len(partitions))
	inParallel(slices.Values(partitions), func(n int, part *partition) { doubts[n] = part.judge(l) })
	open := 0
	for n, part := range partitions {
		open += part.open
		if doubts[n] != nil {
			p.doubt(*doubts[n])
		}
		if part.verdict == Invalid {
			found := part.about(wording.NotLinearizable)
			if p.problems < told {
				found.Events = slices.DeleteFunc(slices.Clone(part.seqs), func(seq int) bool { return seq == 0 })
			}
			p.violate(*found)
		}
	}
	if open > 0 && p.verdict == Valid {
		p.holds += fmt.Sprintf(" %d operations of unknown outcome were left out: without them the histories are explained.", open)
	}
	return p.property()
}

// nearest is how many writes on each side of an election are searched.
const nearest = 8

// thin leaves out writes of an election's partition that cannot change its verdict. The
// writes before an election must be able to come before it, and the writes after it
// must be able to come after it and after all before. So it is enough to look at the
// writes before that were sent last, and the writes after that were answered first.
func (p *partition) thin() {
	verb := func(op porcupine.Operation) string { return op.Input.(step).verb }
	places := map[string][]int{}
	for at, op := range p.ops {
		places[verb(op)] = append(places[verb(op)], at)
	}
	slices.SortStableFunc(places["before"], func(a, b int) int { return cmp.Compare(p.ops[b].Call, p.ops[a].Call) })
	slices.SortStableFunc(places["after"], func(a, b int) int { return cmp.Compare(p.ops[a].Return, p.ops[b].Return) })
	var keep []int
	for kind, all := range places {
		if kind != "elect" {
			all = all[:min(nearest, len(all))]
		}
		keep = append(keep, all...)
	}
	slices.Sort(keep)
	ops, seqs := make([]porcupine.Operation, len(keep)), make([]int, len(keep))
	for i, at := range keep {
		ops[i], seqs[i] = p.ops[at], p.seqs[at]
	}
	p.ops, p.seqs = ops, seqs
}
