package subject

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// TestSubject_ValidateNamesWhatIsWrong breaks one thing after the other. The error names
// the subject, too.
func TestSubject_ValidateNamesWhatIsWrong(t *testing.T) {
	whole := func() Subject {
		return Subject{Name: "two-locks", Workload: sound(), Judge: checker.Judging{Judge: func(*checker.Case) checker.Judgement { return checker.Judgement{} }}}
	}
	if err := whole().Validate(); err != nil {
		t.Error(err)
	}
	for says, broken := range map[string]func(*Subject){
		`Name is "": use`:                             func(s *Subject) { s.Name = "" },
		`Name is "Locks": use`:                        func(s *Subject) { s.Name = "Locks" },
		`Name is "locks-": use`:                       func(s *Subject) { s.Name = "locks-" },
		"Judge.Judge is nil; set":                     func(s *Subject) { s.Judge = checker.Judging{} },
		"Play is nil, so no participant can run; set": func(s *Subject) { s.Workload.Play = nil },
		"Roles is empty; give":                        func(s *Subject) { s.Workload.Roles = nil },
		"and set Object":                              func(s *Subject) { s.Stories.Noun = "lock" },
		"and set Objects":                             func(s *Subject) { s.Lanes.Objects = "locks" },
	} {
		s := whole()
		broken(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), `the recipe "`+s.Name+`"`) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
