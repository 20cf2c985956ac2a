package checker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/parallel"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Result is a report, with the data needed to draw it.
type Result struct {
	Report
	searches []Search
	of       *Case
}

// Index is the run as it was judged; empty if the run could not be understood.
func (r *Result) Index() *record.Index { return r.of.Index }

// Check judges a run. If a judge fails, its property is unknown, and the others go on.
// A run whose record is not whole is unknown, because the rest of it proves nothing.
func Check(run record.Run, seed uint64, judging Judging) *Result {
	c, judgement, garbled := understood(run, judging)
	losses := append(lossesOf(run), garbled...)
	r := &Result{of: c, searches: judgement.Searches}
	r.Seed, r.Evidence, r.Idle = seed, c.Resting(), c.idle()
	r.Counts, r.Report.Vacuous = c.counts(judgement.Counts), c.vacuous(judgement.Vacuous)
	judges := judgement.Judges
	if !judgement.alone {
		judges = c.all(judgement)
	}
	r.Properties = make([]Property, len(judges))
	parallel.Each(slices.Values(judges), func(n int, j Judge) {
		r.Properties[n] = guarded(j.Name, j.Judge).told(judgement.Texts)
	})
	if len(losses) == 0 {
		losses = c.unvouched(r.Properties)
	}
	if len(losses) > 0 {
		distrust(r.Properties)
		r.Evidence = "The record of the run is not whole, so nothing was judged by it."
	}
	r.Properties = slices.Insert(r.Properties, 0, recordComplete(run.Manifest, losses))
	verdicts := []Verdict{Valid}
	for _, p := range r.Properties {
		verdicts = append(verdicts, p.Verdict)
	}
	if len(r.Report.Vacuous) > 0 {
		verdicts = append(verdicts, Vacuous)
	}
	r.Verdict = Worst(verdicts...)
	return r
}

// understood reads a run. If that fails, the run counts as empty, and the failure is a
// loss.
func understood(run record.Run, judging Judging) (c *Case, j Judgement, losses []record.Loss) {
	reading := func(run record.Run, judging Judging) (failed any) {
		defer func() { failed = recover() }()
		c, j = &Case{}, Judgement{}
		c = NewCase(run, judging.Objects)
		c.mayHold = judging.MayHold
		j = judging.Judge(c)
		j.Texts = wording.Merge(wording.Everywhere(), j.Texts)
		return nil
	}
	if cause := reading(run, judging); cause != nil {
		plain := Judging{MayHold: judging.MayHold, Judge: func(*Case) Judgement { return Judgement{} }}
		if judging.Judge != nil && vouched(run) && reading(run, plain) == nil { // the record is as it was written
			j.alone, j.Judges = true, []Judge{{RecipeJudged, func() Property {
				return Property{Verdict: Unknown, Reason: fmt.Sprintf("The judges of the recipe failed, so nothing was judged by them: %v. The record of the run is whole: it is a defect of the judges.", cause)}
			}}}
			return c, j, nil
		}
		losses = []record.Loss{{Problem: fmt.Sprintf("cannot be understood: %v", cause)}}
		if again := reading(record.Run{}, judging); again != nil {
			c, j = NewCase(record.Run{}, judging.Objects), Judgement{Texts: wording.Everywhere()}
		}
	}
	return c, j, losses
}

// vouched reports whether a manifest says that the record of a run is as it was written.
func vouched(run record.Run) bool {
	return run.Manifest != nil && !run.Manifest.Inferred && len(lossesOf(run)) == 0
}

// RecipeJudged is the property that the recipe's own judges could read the run. It is in a
// verdict only if they could not: a defect of theirs, and none of the record.
const RecipeJudged = "RecipeJudged"

// The properties of every run, whatever the recipe.
const (
	SessionsEnd     = "SessionsEnd"
	NoCrash         = "NoCrash"
	WritesAccounted = "WritesAccounted"
	ServersAgree    = "ServersAgree"
)

// everywhere are the judges of every run but RecordComplete.
func (c *Case) everywhere() []Judge {
	return []Judge{
		{SessionsEnd, c.sessionsEnd}, {NoCrash, c.noCrash}, {WritesAccounted, c.writesAccounted}, {ServersAgree, c.serversAgree},
	}
}

// all are the judges of a run in the order of the verdict, with those of its searches.
func (c *Case) all(j Judgement) []Judge {
	var all []Judge
	everywhere := c.everywhere()
	for _, judge := range j.Judges {
		i := slices.IndexFunc(everywhere, func(e Judge) bool { return e.Name == judge.Name })
		switch {
		case i >= 0 && judge.Judge == nil:
			judge = everywhere[i]
			everywhere = slices.Delete(everywhere, i, i+1)
		case i >= 0:
			judge.Judge = func() Property { panic("a built-in judge has this name; choose another") }
		case judge.Judge == nil:
			judge.Judge = func() Property { panic("it has no function, and no built-in judge has this name") }
		}
		all = append(all, judge)
	}
	all = append(all, everywhere...)
	for _, s := range j.Searches {
		all = append(all, Judge{s.Property, s.Judge})
	}
	return all
}

// guarded asks a judge. If it fails, or gives no verdict, its property is unknown.
func guarded(name string, judge func() Property) (p Property) {
	defer func() {
		if cause := recover(); cause != nil {
			p = Property{Name: name, Verdict: Unknown, Reason: fmt.Sprintf("The judge itself failed: %v", cause)}
		}
	}()
	p = judge()
	p.Name = name
	if !slices.Contains([]Verdict{Valid, Unknown, Invalid, Skipped}, p.Verdict) {
		panic(fmt.Sprintf("the judge returned %q, which is not a verdict on a property", p.Verdict))
	}
	return p
}

// told is the property with the sentences of its findings.
func (p Property) told(texts wording.Texts) Property {
	if len(p.Findings) > 0 {
		p.Reason = texts.Sentences(p.Findings, p.More)
	}
	return p
}

// vacuous says why a run proves nothing although everything holds; more are the reasons
// of the recipe.
func (c *Case) vacuous(more []string) []string {
	var why []string
	if !slices.ContainsFunc(c.Faults, func(o record.Operation) bool { return o.Fault().Effective }) {
		why = append(why, "no fault was effective")
	}
	return append(why, more...)
}

// counts are the numbers of verdict.json; more are those of the recipe.
func (c *Case) counts(more map[string]int) map[string]int {
	r := c.Resolved
	all := map[string]int{
		"resolved_applied": r.applied, "resolved_lost": r.lost, "still_unknown": r.open,
		"resolved_by_order": r.byOrder, "resolved_by_tree": r.applied + r.lost - r.byOrder,
		"faults_applied": 0, "faults_effective": 0, "faults_intended": len(c.Faults),
	}
	for _, fault := range c.Faults {
		if fault.Outcome() == record.OK {
			all["faults_applied"]++
		}
		if fault.Fault().Effective {
			all["faults_effective"]++
		}
	}
	maps.Copy(all, more)
	return all
}
