package judge

import (
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// step is one operation of a partition in the terms of package judge.
type step struct {
	verb   string // submit, record, observe, collect
	status string // recorded or observed
	said   string // for the picture
}

// linearizable is the search for an order of the operations on each task.
func (f *facts) linearizable() checker.Search {
	all := checker.Partitions{}
	at := func(name string) *checker.Partition {
		part := all.At(name)
		part.Object = name
		return part
	}
	for i, s := range f.submits {
		if s.Outcome() == record.OK && s.Done.Task() != "" {
			until := f.End
			if f.answered[i] {
				until = s.Done.At
			}
			at(s.Done.Task()).Add(&s, step{verb: "submit", said: "submit"}, until)
		}
	}
	for _, r := range f.records {
		switch r.outcome {
		case record.OK:
			at(r.task).Add(r.op, step{verb: "record", status: r.status.raw, said: "record " + r.status.State}, f.Until(r.op))
		case record.Info:
			at(r.task).Open++
		}
	}
	for _, r := range f.collected {
		at(r.task).Add(r.op, step{verb: "collect", said: "collect"}, f.Until(r.op))
	}
	for _, a := range f.awaits {
		if a.Outcome() == record.OK {
			at(a.Invoke.Task()).Add(&a, step{verb: "observe", status: observed(a.Done), said: "await: " + a.Done.Answer().State}, a.Done.At)
		}
	}
	for name, t := range f.tasks {
		if t.id != "" && t.status != nil && !t.gone {
			final := record.Operation{Invoke: record.Event{At: f.End + 1, Process: "final tree"}, Done: record.Event{Type: record.OK, At: f.End + 2}}
			at(name).Add(&final, step{verb: "observe", status: t.status.seen(), said: "final: " + t.status.State}, f.End+2)
		}
	}
	if !f.HasTree() {
		f.admitLostSubmits(all)
	}
	return checker.Search{Property: "TaskLinearizable", Of: "task", Model: taskModel(), Partitions: all.Sorted()}
}

// admitLostSubmits treats tasks that a submission with an unknown outcome may have made: those
// without a known submission, and those whose submission was repeated under the same id.
// Without the tree it is not known which.
func (f *facts) admitLostSubmits(all checker.Partitions) {
	doubtful := map[string]bool{} // by id
	for _, s := range f.submits {
		doubtful[s.Invoke.ID()] = doubtful[s.Invoke.ID()] || s.Outcome() == record.Info
	}
	for _, s := range f.submits {
		if name := s.Done.Task(); s.Outcome() == record.OK && name != "" && doubtful[s.Invoke.ID()] {
			all.At(name).Open++
		}
	}
	for _, part := range all {
		if !slices.ContainsFunc(part.Operations, func(op porcupine.Operation) bool { return op.Input.(step).verb == "submit" }) {
			part.Open++
		}
	}
}

// seen is the part that readers compare: state and result.
func (s status) seen() string { return s.State + " " + s.Result }

func observed(e record.Event) string { return e.Answer().State + " " + e.Answer().Result }

// taskModel is [Task] for porcupine.
func taskModel() porcupine.Model {
	return checker.Specification[Task, step]{
		Do: func(t Task, s step) (Task, bool) {
			switch s.verb {
			case "submit":
				return t.Submit()
			case "record":
				return t.Record(parseStatus(s.status).seen())
			case "collect":
				return t.Collect()
			}
			return t.Observe(s.status)
		},
		State: func(t Task) string {
			switch {
			case t.Collected:
				return "collected"
			case t.Status != "":
				return t.Status
			case t.Accepted:
				return "accepted"
			}
			return "unknown"
		},
		Operation: func(s step) string { return s.said },
	}.Model()
}
