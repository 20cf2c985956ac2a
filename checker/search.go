package checker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/parallel"
	"github.com/ringmaster-zk/ringmaster/record"
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

// Partition is a small history that is searched on its own. The zero value with a name
// is empty.
type Partition struct {
	Name   string
	Object string // that it is about; empty for none

	Operations []porcupine.Operation // whose outcome is known
	Events     []int                 // the numbers of their invocations; 0 of what is no event
	Open       int                   // operations whose outcome is unknown

	verdict    Verdict
	unsearched bool // the search was not begun, or was cut short
}

// Add appends an operation, which took effect until then. The input is what the model
// of the search takes.
func (p *Partition) Add(op *record.Operation, input any, until time.Duration) {
	p.Operations = append(p.Operations, porcupine.Operation{
		Input: input, Call: int64(op.Invoke.At), Return: int64(max(until, op.Invoke.At+1)),
		Metadata: op.Invoke.Process,
	})
	p.Events = append(p.Events, op.Invoke.Seq)
}

// Partitions are those of one property, by name.
type Partitions map[string]*Partition

// At is the partition of that name. If there is none, it is made.
func (all Partitions) At(name string) *Partition {
	if all[name] == nil {
		all[name] = &Partition{Name: name}
	}
	return all[name]
}

// Sorted are the partitions in the order of their names.
func (all Partitions) Sorted() []*Partition {
	var list []*Partition
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// Specification is a sequential specification: what is right when no operations overlap.
// S is its state, and I is an operation in its terms, which is the input that
// [Partition.Add] takes.
type Specification[S comparable, I any] struct {
	Initial S
	// Do is the next state, and whether the operation is right in this one.
	Do        func(S, I) (next S, right bool)
	State     func(S) string // in words, for the picture
	Operation func(I) string // in words, for the picture
}

// Model is the specification for porcupine.
func (spec Specification[S, I]) Model() porcupine.Model {
	step := func(state, input, _ any) (bool, any) {
		next, right := spec.Do(state.(S), input.(I))
		return right, next
	}
	return porcupine.Model{
		Init:              func() any { return spec.Initial },
		Step:              step,
		Equal:             func(a, b any) bool { return a.(S) == b.(S) },
		DescribeOperation: func(input, _ any) string { return spec.Operation(input.(I)) },
		DescribeState:     func(state any) string { return spec.State(state.(S)) },
	}
}

// catching is a model whose steps do not panic, because porcupine takes them in goroutines
// of its own, where no caller can recover. The second result panics in their place, if one
// of them has.
func catching(m porcupine.Model) (porcupine.Model, func()) {
	var failed atomic.Pointer[any]
	do := m.Step
	m.Step = func(state, input, output any) (right bool, next any) {
		defer func() {
			if cause := recover(); cause != nil {
				failed.Store(&cause)
				right, next = false, state
			}
		}()
		return do(state, input, output)
	}
	return m, func() {
		if cause := failed.Load(); cause != nil {
			panic(*cause)
		}
	}
}

// bounded searches one partition.
func (p *Partition) bounded(model porcupine.Model, l limits) porcupine.CheckResult {
	model, rethrow := catching(model)
	m := model
	var steps atomic.Int64 // porcupine may still be running when its time is over
	most := int64(l.memory / remembered(len(p.Operations)))
	m.StepContext = func(ctx context.Context, state, input, output any) (bool, any) {
		if ctx.Err() != nil || steps.Load() > most {
			return false, state
		}
		ok, next := model.Step(state, input, output)
		if ok {
			steps.Add(1)
		}
		return ok, next
	}
	left := max(time.Until(l.deadline), 1) // porcupine reads 0 as no limit
	outcome := porcupine.CheckOperationsTimeout(m, p.Operations, left)
	rethrow()
	if steps.Load() > most {
		return porcupine.Unknown
	}
	return outcome
}

// judge gives the partition its verdict and its doubt, if any.
func (p *Partition) judge(model porcupine.Model, l limits) (doubt *wording.Finding) {
	p.verdict = Unknown
	if time.Until(l.deadline) <= 0 || p.Open > maxOpen || len(p.Operations) > maxLength {
		p.unsearched = true
		return p.about(wording.NotSearched)
	}
	switch outcome := p.bounded(model, l); {
	case outcome == porcupine.Unknown:
		p.unsearched = true
		return p.about(wording.SearchCut)
	case outcome == porcupine.Ok:
		p.verdict = Valid
	case p.Open > 0:
		return p.about(wording.NotExplained)
	default:
		p.verdict = Invalid
	}
	return nil
}

// about is a finding about the partition.
func (p *Partition) about(code wording.Code) *wording.Finding {
	return &wording.Finding{Code: code, Object: p.Object, Args: wording.Args{"part": p.Name, "count": len(p.Operations), "open": p.Open}}
}

// Judge searches every partition, several at a time.
func (s Search) Judge() Property {
	return s.within(limits{time.Now().Add(searchLimit), searchMemory})
}

func (s Search) within(l limits) Property {
	p := NewFindings(s.Property)
	doubts := make([]*wording.Finding, len(s.Partitions))
	parallel.Each(slices.Values(s.Partitions), func(n int, part *Partition) { doubts[n] = part.judge(s.Model, l) })
	open := 0
	for n, part := range s.Partitions {
		open += part.Open
		if doubts[n] != nil {
			p.Doubt(*doubts[n])
		}
		if part.verdict == Invalid {
			found := part.about(wording.NotLinearizable)
			found.Events = slices.DeleteFunc(slices.Clone(part.Events), func(seq int) bool { return seq == 0 })
			p.Violate(*found)
		}
	}
	holds := fmt.Sprintf("%d partitions, one for each %s, are linearizable.", len(s.Partitions), s.Of)
	if open > 0 {
		holds += fmt.Sprintf(" %d operations of unknown outcome were left out: the histories are linearizable without them.", open)
	}
	return p.Property("%s", holds)
}
