package subject

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/report"
)

// Subject is one recipe under torture.
type Subject struct {
	// Name is the name of the recipe for --recipe and in config.json: lower-case letters
	// and dashes.
	Name string
	// Object is what an object of the recipe is called, in the singular: "task", "lock".
	Object string
	// Objects is what its runs are counted in, in the plural: "tasks", "increments". The
	// judge has how many there were in a run, under this name in Judgement.Counts; where that
	// is missing, no number is told.
	Objects string
	// Explain says in one line what the recipe does; torture run --help shows it.
	Explain string
	// Judge is how its runs are judged.
	Judge checker.Judging
	// Workload is what a run does.
	Workload Workload
	// Worlds makes the worlds that torture explore explores. If it is nil, the recipe is not
	// explored.
	Worlds func() Worlds
	// Stories is how violations are told. Their Noun is left empty: it is Object.
	Stories explain.Stories
	// Lanes is how its runs are drawn. Their Objects are left empty: they are Objects.
	Lanes report.Lanes
	// Parts are the subjects of which this one is made. It is left empty: Together fills it.
	Parts []Part
}

// Things is what its runs are counted in, or a word for anything.
func (s Subject) Things() string { return cmp.Or(s.Objects, "objects") }

// Validate names everything in a subject that cannot be tortured, and the remedy. The
// error begins with the name of the subject.
func (s Subject) Validate() error {
	errs := []error{s.Workload.Validate()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("subject: "+format, args...)) }
	if !subjectName.MatchString(s.Name) {
		bad("Name is %q: use lower-case letters, with dashes between them", s.Name)
	}
	if s.Judge.Judge == nil {
		bad("nothing judges the runs: Judge.Judge is nil; set it to a function that returns the judges")
	}
	if s.Stories.Noun != "" {
		bad("Stories.Noun is %q: leave it empty, and set Object", s.Stories.Noun)
	}
	if s.Lanes.Objects != "" {
		bad("Lanes.Objects is %q: leave it empty, and set Objects", s.Lanes.Objects)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the recipe %q cannot be tortured: %w", s.Name, err)
	}
	return nil
}

var subjectName = regexp.MustCompile("^[a-z]+(-[a-z]+)*$")
