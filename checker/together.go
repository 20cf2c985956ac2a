package checker

import (
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Part is one of several recipes that shared an ensemble in a run.
type Part struct {
	Name    string // of the recipe
	Objects string // what its runs are counted in; see [Together]
	Judging
	record.Portion
}

// Named is the name of a property, or of a number, of a part in the verdict on the whole run.
func (p Part) Named(property string) string { return p.Name + "/" + property }

// Together judges runs of several recipes on one ensemble. Each recipe's judges read its own
// portion of the run alone. The properties that every run has are judged once, of the whole run.
// The verdict's number "objects" is the sum of what the recipes count.
func Together(parts []Part) Judging {
	all := together(parts)
	return Judging{Objects: record.Objects{Of: all.object}, MayHold: all.mayHold, Judge: all.judge}
}

type together []Part

// object is the object of the recipe to which a znode belongs.
func (all together) object(path string) string {
	for _, p := range all {
		if own, below := p.Own(path); below {
			return p.Judging.Objects.Object(own)
		}
	}
	return ""
}

func (all together) mayHold(process string) int {
	for _, p := range all {
		if name, mine := p.Portion.Name(process); mine && p.MayHold != nil {
			return p.MayHold(name)
		}
	}
	return 1
}

func (all together) judge(c *Case) Judgement {
	whole := Judgement{Counts: map[string]int{"objects": 0}}
	for _, p := range all {
		own := NewCase(c.Index.Run.Portion(p.Portion), p.Judging.Objects)
		j := p.Judge(own)
		for _, judge := range j.Judges {
			if judge.Judge != nil { // the others are of the whole run
				whole.Judges = append(whole.Judges, Judge{p.Named(judge.Name), judge.Judge})
			}
		}
		for _, search := range j.Searches {
			search.Property = p.Named(search.Property)
			whole.Searches = append(whole.Searches, search)
		}
		for name, n := range j.Counts {
			whole.Counts[p.Named(name)] = n
		}
		whole.Counts["objects"] += j.Counts[p.Objects]
		if !slices.ContainsFunc(own.Faults, func(o record.Operation) bool { return o.Fault().Effective }) {
			j.Vacuous = append(j.Vacuous, "no fault was effective on its participants or on the servers")
		}
		for _, why := range j.Vacuous {
			whole.Vacuous = append(whole.Vacuous, fmt.Sprintf("the recipe %s: %s", p.Name, why))
		}
		whole.Texts = wording.Merge(whole.Texts, j.Texts)
	}
	return whole
}
