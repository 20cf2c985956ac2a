package main

import (
	"fmt"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// wrongNumber is the code of a final tree whose counter is not the number of increments.
const wrongNumber wording.Code = "counter is not the number of increments"

// judging says how runs of the counter are judged: the history is linearizable, and the
// counter ends at the number of increments.
func judging() checker.Judging {
	return checker.Judging{
		Objects: record.Objects{Of: func(p string) string {
			if p == path {
				return path
			}
			return ""
		}},
		Judge: judgement,
	}
}

// specification is the counter when no two operations overlap. Its state is the number,
// and an operation is the value that a participant was told.
var specification = checker.Specification[int, int]{
	Do:        func(number, told int) (int, bool) { return told, told == number+1 },
	State:     strconv.Itoa,
	Operation: func(told int) string { return fmt.Sprintf("raised to %d", told) },
}

func judgement(c *checker.Case) checker.Judgement {
	part := &checker.Partition{Name: path, Object: path}
	for _, op := range record.Operations(c.Events, raise) {
		value, outcome := told(c, op)
		switch outcome {
		case record.OK:
			part.Add(&op, value, c.Until(&op))
		case record.Info:
			part.Open++
		}
	}
	j := checker.Judgement{
		Judges:   []checker.Judge{{Name: "NoLostIncrement", Judge: func() checker.Property { return noLostIncrement(c, part) }}},
		Searches: []checker.Search{{Property: "CounterLinearizable", Of: "counter", Model: specification.Model(), Partitions: []*checker.Partition{part}}},
		Texts:    wording.Texts{wrongNumber: "The counter is {found} in the final tree, and {object} was raised {raised} times."},
		Counts:   map[string]int{"increments": len(part.Operations)},
	}
	if len(part.Operations) == 0 {
		j.Vacuous = append(j.Vacuous, "it never happened that the counter was raised")
	}
	return j
}

// told is the value of an increment, and whether it happened. If its participant does not
// know, the writes of its process do: the last one in that time was its last try.
func told(c *checker.Case, op record.Operation) (value int, outcome record.Type) {
	if op.Outcome() == record.OK {
		data, err := record.OwnData[raised](op.Done)
		if err != nil {
			panic(err) // the verdict says then that these judges failed
		}
		return data.Value, record.OK
	}
	outcome = record.Fail // nothing was sent
	for _, w := range c.Writes {
		during := w.Invoke.Seq > op.Invoke.Seq && (op.Done.Seq == 0 || w.Invoke.Seq < op.Done.Seq)
		if during && w.Invoke.Alive() == op.Invoke.Alive() {
			outcome = w.Outcome()
			for _, part := range w.Invoke.Ops() {
				value, _ = strconv.Atoi(part.Data) // a participant writes numbers only
			}
		}
	}
	return value, outcome
}

// noLostIncrement compares the counter in the final tree with the number of increments.
func noLostIncrement(c *checker.Case, part *checker.Partition) checker.Property {
	p := checker.NewFindings("NoLostIncrement")
	if c.NeedsTree(p) {
		return p.Property("")
	}
	found := 0
	for _, node := range c.Evidence.Nodes {
		if node.Path == path {
			found, _ = strconv.Atoi(node.Data) // other data differs from the number, too
		}
	}
	if raised := len(part.Operations); found < raised || found > raised+part.Open {
		p.Violate(wording.Finding{Code: wrongNumber, Object: path, Args: wording.Args{"found": found, "raised": raised}})
	}
	return p.Property("The counter is %d, which is the number of increments.", found)
}
