package shrink

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/ddmin"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judge gives the verdicts on a run; of the same run the same ones.
type Judge func(record.Run) []checker.Property

// Shrunk is the smallest part of a run that is known to violate a property.
type Shrunk struct {
	Run      record.Run
	Property checker.Property // as the judge has it of the part
	Of, Left Size
	// Minimal says that no single operation can be taken out; otherwise the time was up.
	Minimal bool
	Judged  int // parts that were tried
}

// Size is how much there is of a run.
type Size struct{ Events, Tasks int }

func sizeOf(run record.Run) Size { return Size{len(run.Events), len(allTasks(run))} }

// History looks for the smallest part of a run of which a judge says of the property
// what it says of the whole run; see the package comment. The property is one that the
// judge has found invalid there. It stops at the end of ctx and returns what it has by
// then, at worst the whole run.
func History(ctx context.Context, run record.Run, property checker.Property, judge Judge) Shrunk {
	s := &search{ctx: ctx, name: property.Name, said: property.Reason, judge: judge}
	smallest := Shrunk{Run: run, Property: property, Of: sizeOf(run), Left: sizeOf(run)}
	part, found := s.restrict(run, property)
	if found {
		part = s.bare(part)
		s.others, _ = s.split(part)
		all := units(part)
		var kept []unit
		kept, smallest.Minimal = ddmin.List(ctx, all, func(some []unit) bool { return s.clean(join(part, all, some)) })
		smallest.Run = join(part, all, kept)
		_, smallest.Property = s.split(smallest.Run)
		smallest.Left = sizeOf(smallest.Run)
	}
	smallest.Judged = s.judged
	return smallest
}

// search is one search for a smaller part.
type search struct {
	ctx    context.Context
	name   string // of the property
	said   string // of it, of the whole run
	judge  Judge
	others []checker.Property // invalid in the part that was restricted to its tasks
	judged int
}

// restrict finds tasks to which the violation can be narrowed: those that the sentence
// names, or those that its events touch, or else all.
func (s *search) restrict(run record.Run, p checker.Property) (record.Run, bool) {
	all := allTasks(run)
	byName := named(p.Reason, all) // the first is that of the first sentence
	for _, candidates := range [][]string{byName[:min(1, len(byName))], byName, touched(run, p.Events), {}, all} {
		if s.ctx.Err() != nil {
			return run, false
		}
		part := only(run, candidates)
		if !s.same(part) {
			continue
		}
		kept, _ := ddmin.List(s.ctx, candidates, func(some []string) bool {
			return len(some) > 0 && s.same(only(part, some))
		})
		return only(part, kept), true
	}
	return run, false
}

// bare leaves out what went over the wire and what the servers' logs say, where the
// violation does not rest on it.
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

// split judges a part: what it says of the property, and what else it finds invalid.
func (s *search) split(run record.Run) (others []checker.Property, own checker.Property) {
	s.judged++
	for _, p := range s.judge(run) {
		switch {
		case p.Name == s.name:
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
	return own.Verdict == checker.Invalid && leads(s.said, own.Reason)
}

// clean reports whether a part is the same failure, and none that is new.
func (s *search) clean(run record.Run) bool {
	others, own := s.split(run)
	if own.Verdict != checker.Invalid || !leads(s.said, own.Reason) {
		return false
	}
	return !slices.ContainsFunc(others, func(p checker.Property) bool {
		return !slices.ContainsFunc(s.others, func(before checker.Property) bool {
			return before.Name == p.Name && says(before.Reason, p.Reason)
		})
	})
}

var more = regexp.MustCompile(` \(and \d+ more\)$`)

// leads reports whether what is said of a part is the beginning of what is said of the
// whole: of several violations the first is to stay, which often explains the others.
func leads(whole, part string) bool {
	return strings.HasPrefix(whole, more.ReplaceAllString(part, ""))
}

// says reports whether sentences about a part are among those about the whole.
func says(whole, part string) bool { return strings.Contains(whole, more.ReplaceAllString(part, "")) }

// named are the tasks that a text names, in its order.
func named(text string, tasks []string) []string {
	known := map[string]bool{}
	for _, t := range tasks {
		known[t] = true
	}
	var names []string
	for word := range strings.FieldsSeq(text) {
		if word = strings.TrimRight(word, ".,:;"); strings.HasPrefix(word, "/") {
			word = record.TaskOf(word)
		}
		if known[word] && !slices.Contains(names, word) {
			names = append(names, word)
		}
	}
	return names
}

// touched are the tasks that events are about.
func touched(run record.Run, seqs []int) []string {
	var marked record.Run
	for _, e := range run.Events {
		if _, found := slices.BinarySearch(seqs, e.Seq); found {
			marked.Events = append(marked.Events, e)
		}
	}
	return allTasks(marked)
}
