package shrink

import (
	"context"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/ddmin"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judge gives the verdicts on a run; the same run gets the same verdicts.
type Judge func(record.Run) []checker.Property

// Shrunk is the smallest part of a run that is known to violate a property.
type Shrunk struct {
	Run      record.Run
	Property checker.Property // as the judge has it of the part
	Of, Left Size
	// Minimal says that no single operation can be removed; otherwise the time was up.
	Minimal bool
	Judged  int // parts that were tried
}

// Size is the size of a run.
type Size struct{ Events, Objects int }

func sizeOf(index *record.Index) Size { return Size{len(index.Run.Events), len(index.Objects())} }

// History looks for the smallest part of a run that violates the property as the whole
// run does; see the package comment. The judge must have found the property invalid in
// the whole run. History stops at the end of ctx and returns its best part so far, at
// worst the whole run.
func History(ctx context.Context, run *record.Index, property checker.Property, judge Judge) Shrunk {
	s := &search{ctx: ctx, run: run, whole: property, judge: judge}
	smallest := Shrunk{Run: run.Run, Property: property, Of: sizeOf(run), Left: sizeOf(run)}
	part, found := s.restrict()
	if found {
		part = s.bare(part)
		s.others, _ = s.split(part)
		all := units(record.NewIndex(part, run.Znodes))
		var kept []unit
		kept, smallest.Minimal = ddmin.List(ctx, all, func(some []unit) bool { return s.clean(join(part, all, some)) })
		smallest.Run = join(part, all, kept)
		_, smallest.Property = s.split(smallest.Run)
		smallest.Left = sizeOf(record.NewIndex(smallest.Run, run.Znodes))
	}
	smallest.Judged = s.judged
	return smallest
}

// search is one search for a smaller part.
type search struct {
	ctx    context.Context
	run    *record.Index    // the whole run
	whole  checker.Property // as the judge has it of the whole run
	judge  Judge
	others []checker.Property // invalid in the part that was restricted to its objects
	judged int
}

// restrict narrows the violation to objects: those named by its findings, or else those
// touched by its events, or else all.
func (s *search) restrict() (record.Run, bool) {
	all := s.run.Objects()
	byName := named(s.whole.Findings, all) // the first is that of the first finding
	for _, candidates := range [][]string{byName[:min(1, len(byName))], byName, s.run.Touched(s.whole.Events), {}, all} {
		if s.ctx.Err() != nil {
			return s.run.Run, false
		}
		part := only(s.run, candidates)
		if !s.same(part) {
			continue
		}
		kept, _ := ddmin.List(s.ctx, candidates, func(some []string) bool {
			return len(some) > 0 && s.same(only(s.run, some))
		})
		return only(s.run, kept), true
	}
	return s.run.Run, false
}

// bare leaves out the wire and the servers' logs, if the violation does not need them.
func (s *search) bare(run record.Run) record.Run {
	for _, without := range []func(*record.Run){
		func(r *record.Run) { r.Exchanges, r.Commits = nil, nil },
		func(r *record.Run) { r.Exchanges = nil },
		func(r *record.Run) { r.Commits = nil },
	} {
		less := run
		if without(&less); s.same(less) {
			return less
		}
	}
	return run
}

// split judges a part. It returns the verdict on the property, and the other properties
// that are invalid.
func (s *search) split(run record.Run) (others []checker.Property, own checker.Property) {
	s.judged++
	for _, p := range s.judge(run) {
		switch {
		case p.Name == s.whole.Name:
			own = p
		case p.Verdict == checker.Invalid:
			others = append(others, p)
		}
	}
	return others, own
}

// same reports whether a part violates the property as the whole run does.
func (s *search) same(run record.Run) bool {
	_, own := s.split(run)
	return own.Verdict == checker.Invalid && leads(s.whole.Findings, own.Findings)
}

// clean reports whether a part has the same failure, and no new one.
func (s *search) clean(run record.Run) bool {
	others, own := s.split(run)
	if own.Verdict != checker.Invalid || !leads(s.whole.Findings, own.Findings) {
		return false
	}
	return !slices.ContainsFunc(others, func(p checker.Property) bool {
		return !slices.ContainsFunc(s.others, func(before checker.Property) bool {
			return before.Name == p.Name && says(before.Findings, p.Findings)
		})
	})
}

// leads reports whether the findings in a part begin like those of the whole: the first
// of several violations must stay, because it often explains the others.
func leads(whole, part []wording.Finding) bool {
	return len(part) > 0 && len(part) <= len(whole) && slices.EqualFunc(whole[:len(part)], part, func(w, p wording.Finding) bool { return p.Repeats(w) })
}

// says reports whether the findings in a part are some of the whole's, in order.
func says(whole, part []wording.Finding) bool {
	for i := range whole {
		if leads(whole[i:], part) {
			return true
		}
	}
	return false
}

// named are the objects that findings name, in their order.
func named(found []wording.Finding, objects []string) []string {
	var names []string
	for _, f := range found {
		for _, object := range f.Objects() {
			if slices.Contains(objects, object) && !slices.Contains(names, object) {
				names = append(names, object)
			}
		}
	}
	return names
}
