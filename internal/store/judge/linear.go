package judge

import (
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Register is the sequential specification of one record.
type Register struct {
	Version int32 // or history.Absent
	Value   string
}

// String is the state in words.
func (r Register) String() string {
	if r.Version == history.Absent {
		return "absent"
	}
	return fmt.Sprintf("version %d, %s", r.Version, r.Value)
}

// step is one call in the terms of [Register].
type step struct {
	verb    string // put, delete, refused, read
	demand  int32  // the version that the record must have, or history.Any
	version int32  // that it has then, or has; history.Any if the caller was not told
	value   string
}

// String is the call in words.
func (s step) String() string {
	switch s.verb {
	case "read":
		return "read: " + Register{s.version, s.value}.String()
	case "delete":
		return fmt.Sprintf("delete, if %d", s.demand)
	case "refused":
		return fmt.Sprintf("refused, if %d", s.demand)
	}
	return fmt.Sprintf("put %s, if %d: %d", s.value, s.demand, s.version)
}

// do is the next state, and whether the call is right in this one.
func (r Register) do(s step) (Register, bool) {
	fits := s.demand == history.Any || s.demand == r.Version
	switch s.verb {
	case "read":
		return r, r == Register{s.version, s.value}
	case "refused":
		return r, !fits
	case "delete":
		return Register{Version: history.Absent}, fits && r.Version != history.Absent
	}
	next := Register{r.Version + 1, s.value}
	return next, fits && (s.version == history.Any || s.version == next.Version)
}

// linearizable is the search for an order of what managers asked for and were told, record by record.
func (f *facts) linearizable() checker.Search {
	all := checker.Partitions{}
	of := func(key string) *checker.Partition {
		p := all.At(key)
		p.Object = history.ObjectOfKey(key)
		return p
	}
	for _, a := range f.applies {
		for i, c := range a.asked.Changes {
			f.change(of(c.Key), a, i)
		}
	}
	for i := range f.gets {
		if g := &f.gets[i]; g.Outcome() == record.OK {
			f.read(of, g)
		}
	}
	for i := range f.loads {
		if l := &f.loads[i]; l.Outcome() == record.OK {
			seen := f.read(of, l)
			for key, p := range all {
				if !seen[key] {
					p.Add(l, step{verb: "read", version: history.Absent}, l.Done.At)
				}
			}
		}
	}
	model := checker.Specification[Register, step]{
		Initial: Register{Version: history.Absent}, Do: Register.do, State: Register.String, Operation: step.String,
	}.Model()
	return checker.Search{Property: "RecordLinearizable", Of: "record", Model: model, Partitions: all.Sorted()}
}

// read adds what was read to the parts of the records, and returns which they are.
func (f *facts) read(of func(string) *checker.Partition, op *record.Operation) (seen map[string]bool) {
	seen = map[string]bool{}
	for _, r := range history.Of[history.Found](op.Done).Records {
		seen[r.Key] = true
		of(r.Key).Add(op, step{verb: "read", version: r.Version, value: r.Value}, op.Done.At)
	}
	return seen
}

// change adds one change of a call to the part of its record.
func (f *facts) change(p *checker.Partition, a *apply, i int) {
	c := a.asked.Changes[i]
	s := step{verb: "put", demand: c.If, version: history.Any, value: c.Value}
	if c.Delete {
		s.verb = "delete"
	}
	until := time.Duration(0)
	switch {
	case a.Outcome() == record.OK:
		until = a.Done.At
		if !c.Delete && i < len(a.told.Versions) {
			s.version = a.told.Versions[i]
		}
	case len(a.applied) > 0:
		until = a.applied[0].Done.At
	case a.open:
		p.Open++
		return
	case a.Outcome() == record.Fail && a.told.Refused == i && (a.told.Refusal == history.Changed || a.told.Refusal == history.Missing && c.If != history.Any):
		s.verb, until = "refused", a.Done.At
	default:
		return
	}
	p.Add(&a.Operation, s, until)
}
