package checker

import (
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// told bounds the violations of one property that are reported.
const told = 3

// Findings collects what one judge finds in a run. It keeps the first few violations and
// doubts, and counts the others.
type Findings struct {
	name     string
	verdict  Verdict
	found    []wording.Finding // the first violations
	doubts   []wording.Finding // the first of them
	problems int               // violations
	unsure   int               // doubts
}

// NewFindings begins the findings about a property.
func NewFindings(property string) *Findings { return &Findings{name: property, verdict: Valid} }

// Violate notes one violation and the events that it rests on.
func (p *Findings) Violate(found wording.Finding, events ...record.Event) {
	p.verdict = Invalid
	if p.problems++; p.problems > told {
		return
	}
	found.Property = p.name
	for _, e := range events {
		if e.Seq > 0 {
			found.Events = append(found.Events, e.Seq)
		}
	}
	slices.Sort(found.Events)
	found.Events = slices.Compact(found.Events)
	p.found = append(p.found, found)
}

// Doubt notes a reason why the property cannot be judged. A violation counts for more.
func (p *Findings) Doubt(found wording.Finding) {
	p.verdict = Worst(p.verdict, Unknown)
	if p.unsure++; p.unsure <= told {
		found.Property = p.name
		p.doubts = append(p.doubts, found)
	}
}

// Holds reports whether nothing was found: neither a violation nor a doubt.
func (p *Findings) Holds() bool { return p.verdict == Valid }

// Property is the verdict on the property. The sentence is for a property that holds, and
// says what was judged; it is formatted like that of [fmt.Sprintf]. The sentence of any
// other property is made of the findings; see [Check].
func (p *Findings) Property(holds string, args ...any) Property {
	found := Property{Name: p.name, Verdict: p.verdict}
	switch p.verdict {
	case Invalid:
		found.Findings, found.More = p.found, p.problems-len(p.found)
	case Unknown:
		found.Findings, found.More = p.doubts, p.unsure-len(p.doubts)
	default:
		found.Reason = fmt.Sprintf(holds, args...)
		return found
	}
	for _, f := range p.found {
		found.Events = append(found.Events, f.Events...)
	}
	slices.Sort(found.Events)
	found.Events = slices.Compact(found.Events)
	return found
}
