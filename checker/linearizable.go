package checker

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker/sequential"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one operation of a partition in the terms of package sequential.
type step struct {
	verb   string // submit, record, observe, collect; elect, before, after
	status string // recorded or observed
	said   string // for the picture
}

// partition is a small history that is searched on its own.
type partition struct {
	name    string
	task    string // that it is about; empty of an election
	model   porcupine.Model
	ops     []porcupine.Operation
	seqs    []int // of the invocations; 0 of the final reading, which is no event
	open    int   // operations whose outcome is unknown
	verdict Verdict
	// unsearched says that the search was not begun, or was cut short.
	unsearched bool
}

// add appends an operation; an operation that never returned ends at forever.
func (p *partition) add(op *record.Operation, s step, until time.Duration) {
	p.ops = append(p.ops, porcupine.Operation{
		Input: s, Call: int64(op.Invoke.At), Return: int64(max(until, op.Invoke.At+1)),
		Metadata: op.Invoke.Process,
	})
	p.seqs = append(p.seqs, op.Invoke.Seq)
}

// until is the time by which an applied operation had taken effect. An operation
// without an answer may have taken until the end.
func (f *facts) until(op *record.Operation) time.Duration {
	if op.Done.At == 0 || op.Done.Type != record.OK {
		return f.end
	}
	return op.Done.At
}

// taskPartitions makes one partition for each task.
func (f *facts) taskPartitions() []*partition {
	all := map[string]*partition{}
	m := taskModel()
	at := func(name string) *partition {
		if all[name] == nil {
			all[name] = &partition{name: name, task: name, model: m}
		}
		return all[name]
	}
	for i, s := range f.submits {
		if s.Outcome() == record.OK && s.Done.Task() != "" {
			until := f.end
			if f.answered[i] {
				until = s.Done.At
			}
			at(s.Done.Task()).add(&s, step{verb: "submit", said: "submit"}, until)
		}
	}
	for _, r := range f.records {
		switch r.outcome {
		case record.OK:
			at(r.task).add(r.op, step{verb: "record", status: r.status.raw, said: "record " + r.status.State}, f.until(r.op))
		case record.Info:
			at(r.task).open++
		}
	}
	for _, r := range f.collected {
		at(r.task).add(r.op, step{verb: "collect", said: "collect"}, f.until(r.op))
	}
	for _, a := range f.awaits {
		if a.Outcome() == record.OK {
			at(a.Invoke.Task()).add(&a, step{verb: "observe", status: observed(a.Done), said: "await: " + a.Done.Answer().State}, a.Done.At)
		}
	}
	for name, t := range f.tasks {
		if t.id != "" && t.status != nil && !t.gone {
			final := record.Operation{Invoke: record.Event{At: f.end + 1, Process: "final tree"}, Done: record.Event{Type: record.OK, At: f.end + 2}}
			at(name).add(&final, step{verb: "observe", status: t.status.seen(), said: "final: " + t.status.State}, f.end+2)
		}
	}
	if f.evidence == nil || f.evidence.Nodes == nil {
		f.admitLostSubmits(all)
	}
	return sorted(all)
}

// admitLostSubmits treats tasks without a known submission: any submission with an
// unknown outcome may have made one. Without the tree it is not known which.
func (f *facts) admitLostSubmits(all map[string]*partition) {
	for _, part := range all {
		if !slices.ContainsFunc(part.ops, func(op porcupine.Operation) bool { return op.Input.(step).verb == "submit" }) {
			part.open++
		}
	}
}

// seen is the part that readers compare: state and result.
func (s status) seen() string { return s.State + " " + s.Result }

func observed(e record.Event) string { return e.Answer().State + " " + e.Answer().Result }

// electionPartitions makes one partition for each epoch that began: the election,
// and the writes of the masters on both sides of it.
func (f *facts) electionPartitions() []*partition {
	all := map[string]*partition{}
	began := map[int32]bool{}
	name := func(epoch int32) string { return fmt.Sprintf("epoch %06d", epoch) }
	at := func(epoch int32) *partition {
		if all[name(epoch)] == nil {
			all[name(epoch)] = &partition{name: name(epoch), model: electionModel()}
		}
		return all[name(epoch)]
	}
	for _, e := range f.elections {
		switch e.won {
		case record.OK:
			began[e.epoch] = true
			at(e.epoch).add(e.op, step{verb: "elect", said: fmt.Sprintf("elect, epoch %d", e.epoch)}, f.until(e.op))
		case record.Info:
			at(e.epoch).open++
		}
	}
	for _, a := range f.acts {
		if a.op.Outcome() != record.OK {
			continue // a refused write proves nothing, and a lost one may not have happened
		}
		said := fmt.Sprintf("write in epoch %d", a.epoch)
		if began[a.epoch] {
			at(a.epoch).add(a.op, step{verb: "after", said: said}, a.op.Done.At)
		}
		if began[a.epoch+1] {
			at(a.epoch+1).add(a.op, step{verb: "before", said: said}, a.op.Done.At)
		}
	}
	for _, part := range all {
		part.thin()
	}
	return sorted(all)
}

func sorted(all map[string]*partition) []*partition {
	var list []*partition
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// specification makes a porcupine model of a sequential specification.
func specification[S comparable](initial S, do func(S, step) (S, bool), describe func(S) string) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return initial },
		StepContext: func(ctx context.Context, state, input, _ any) (bool, any) {
			if ctx.Err() != nil {
				return false, state
			}
			next, ok := do(state.(S), input.(step))
			return ok, next
		},
		Step: func(state, input, _ any) (bool, any) {
			next, ok := do(state.(S), input.(step))
			return ok, next
		},
		Equal:             func(a, b any) bool { return a.(S) == b.(S) },
		DescribeOperation: func(input, _ any) string { return input.(step).said },
		DescribeState:     func(state any) string { return describe(state.(S)) },
		DescribeOperationMetadata: func(metadata any) string {
			process, _ := metadata.(string)
			return process
		},
	}
}

func taskModel() porcupine.Model {
	return specification(sequential.Task{}, func(t sequential.Task, s step) (sequential.Task, bool) {
		switch s.verb {
		case "submit":
			return t.Submit()
		case "record":
			return t.Record(parseStatus(s.status).seen())
		case "collect":
			return t.Collect()
		}
		return t.Observe(s.status)
	}, func(t sequential.Task) string {
		switch {
		case t.Collected:
			return "collected"
		case t.Status != "":
			return t.Status
		case t.Accepted:
			return "accepted"
		}
		return "unknown to anybody"
	})
}

func electionModel() porcupine.Model {
	return specification(sequential.Election{}, func(e sequential.Election, s step) (sequential.Election, bool) {
		switch s.verb {
		case "elect":
			return e.Elect()
		case "before":
			return e.ActBefore()
		}
		return e.ActAfter()
	}, func(e sequential.Election) string {
		if e.Held {
			return "epoch has begun"
		}
		return "epoch has not begun"
	})
}

// picture is the data that the search is drawn from.
type picture struct {
	model      porcupine.Model
	partitions []*partition
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
func choose(partitions []*partition) []*partition {
	chosen := slices.DeleteFunc(slices.Clone(partitions), func(p *partition) bool { return p.unsearched })
	slices.SortStableFunc(chosen, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(b.verdict.rank(), a.verdict.rank()), cmp.Compare(len(b.ops), len(a.ops)))
	})
	return chosen[:min(drawn, len(chosen))]
}

// labelled is a step in a picture of several partitions.
type labelled struct {
	step
	partition int
}

// write draws the partitions with porcupine, faults as annotations.
func (pic picture) write(w io.Writer) error {
	var ops []porcupine.Operation
	for n, part := range pic.partitions {
		for _, op := range part.ops {
			op.Input = labelled{op.Input.(step), n}
			ops = append(ops, op)
		}
	}
	lanes(ops)
	m := pic.combined()
	_, info := porcupine.CheckOperationsVerbose(m, ops, searchLimit)
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
	do, describe := m.Step, m.DescribeOperation
	m.Step = func(state, input, output any) (bool, any) { return do(state, input.(labelled).step, output) }
	inner := pic.model.StepContext
	m.StepContext = func(ctx context.Context, state, input, output any) (bool, any) {
		return inner(ctx, state, input.(labelled).step, output)
	}
	m.DescribeOperation = func(input, output any) string {
		l := input.(labelled)
		return strings.TrimLeft(pic.partitions[l.partition].name, " ") + ": " + describe(l.step, output)
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
