package checker

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/record"
)

// WriteLinearizability draws a search as a page: the first one that failed, otherwise the
// first.
func (r *Result) WriteLinearizability(w io.Writer) error {
	failed := func(s Search) bool {
		return slices.ContainsFunc(s.Partitions, func(p *Partition) bool { return p.verdict == Invalid })
	}
	drawn := Search{Model: porcupine.Model{Init: func() any { return nil }, Step: func(state, _, _ any) (bool, any) { return true, state }}}
	if i := max(slices.IndexFunc(r.searches, failed), 0); i < len(r.searches) {
		drawn = r.searches[i]
	}
	pic := picture{model: drawn.Model, partitions: choose(drawn.Partitions), faults: r.of.Faults, end: r.of.End}
	if err := pic.write(w); err != nil {
		return fmt.Errorf("checker: picture: %w", err)
	}
	return nil
}

// picture is the data that the search is drawn from.
type picture struct {
	model      porcupine.Model
	partitions []*Partition
	faults     []record.Operation
	end        time.Duration
}

// drawn bounds the partitions in the picture (the failed ones and a sample), and
// drawnFaults the faults.
const (
	drawn       = 12
	drawnFaults = 500
)

// choose takes the partitions that failed first, then the longest. Drawing a partition
// takes another search, so it leaves out those whose first search was cut short.
func choose(partitions []*Partition) []*Partition {
	chosen := slices.DeleteFunc(slices.Clone(partitions), func(p *Partition) bool { return p.unsearched })
	slices.SortStableFunc(chosen, func(a, b *Partition) int {
		return cmp.Or(cmp.Compare(b.verdict.rank(), a.verdict.rank()), cmp.Compare(len(b.Operations), len(a.Operations)))
	})
	return chosen[:min(drawn, len(chosen))]
}

// labelled is an operation in a picture of several partitions.
type labelled struct {
	input     any
	partition int
}

// write draws the partitions with porcupine, faults as annotations.
func (pic picture) write(w io.Writer) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	model, rethrow := catching(pic.model)
	pic.model = model
	var ops []porcupine.Operation
	for n, part := range pic.partitions {
		for _, op := range part.Operations {
			op.Input = labelled{op.Input, n}
			ops = append(ops, op)
		}
	}
	lanes(ops)
	m := pic.combined()
	_, info := porcupine.CheckOperationsVerbose(m, ops, searchLimit)
	rethrow()
	var notes []porcupine.Annotation
	for _, fault := range pic.faults[:min(drawnFaults, len(pic.faults))] {
		notes = append(notes, porcupine.Annotation{
			Tag: "nemesis", Start: int64(fault.Invoke.At), End: int64(fault.Return(pic.end)),
			Description: fault.Fault().Fault + " " + strings.Join(fault.Targets(), ","), Details: fault.Done.Remark(), BackgroundColor: "#f2c6c0",
		})
	}
	info.AddAnnotations(notes)
	return porcupine.Visualize(m, info, w)
}

// combined is the model of several partitions at once: porcupine splits them
// again and draws one after the other.
func (pic picture) combined() porcupine.Model {
	m := pic.model
	m.Step = func(state, input, output any) (bool, any) {
		return pic.model.Step(state, input.(labelled).input, output)
	}
	m.StepContext = func(ctx context.Context, state, input, output any) (bool, any) {
		if ctx.Err() != nil {
			return false, state
		}
		return m.Step(state, input, output)
	}
	m.DescribeOperation = func(input, output any) string {
		l := input.(labelled)
		said := fmt.Sprint(l.input)
		if pic.model.DescribeOperation != nil {
			said = pic.model.DescribeOperation(l.input, output)
		}
		return strings.TrimLeft(pic.partitions[l.partition].Name, " ") + ": " + said
	}
	m.DescribeOperationMetadata = func(metadata any) string {
		process, _ := metadata.(string)
		return process
	}
	m.Partition = func(ops []porcupine.Operation) [][]porcupine.Operation {
		split := make([][]porcupine.Operation, len(pic.partitions))
		for _, op := range ops {
			n := op.Input.(labelled).partition
			split[n] = append(split[n], op)
		}
		return split
	}
	return m
}

// lanes gives operations that do not overlap the same row.
func lanes(ops []porcupine.Operation) {
	slices.SortStableFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var free []int64 // when each lane ends
	for i := range ops {
		lane := slices.IndexFunc(free, func(end int64) bool { return end < ops[i].Call })
		if lane < 0 {
			lane = len(free)
			free = append(free, 0)
		}
		free[lane] = ops[i].Return
		ops[i].ClientId = lane
	}
}
