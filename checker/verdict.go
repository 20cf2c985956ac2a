package checker

import (
	"encoding/json"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Verdict is the outcome of a check. The worst of several counts.
type Verdict string

// The verdicts. A run is Vacuous if everything holds but nothing was proved: no fault
// took effect, or a kind of operation never succeeded.
const (
	Valid   Verdict = "valid"
	Unknown Verdict = "unknown"
	Invalid Verdict = "invalid"
	Vacuous Verdict = "vacuous"
	Skipped Verdict = "skipped" // of a property whose part of the record is missing; it counts for nothing
)

// rank orders valid < vacuous < unknown < invalid.
func (v Verdict) rank() int {
	return map[Verdict]int{Skipped: 0, Valid: 0, Vacuous: 1, Unknown: 2, Invalid: 3}[v]
}

// Worst is the most severe of the verdicts.
func Worst(verdicts ...Verdict) Verdict {
	worst := Valid
	for _, v := range verdicts {
		if v.rank() > worst.rank() {
			worst = v
		}
	}
	return worst
}

// ExitCode is the exit code of a command after a verdict. The empty verdict means that
// none was given.
func (v Verdict) ExitCode() exit.Code {
	code, given := map[Verdict]exit.Code{Valid: exit.Done, Invalid: exit.Invalid, Unknown: exit.Unknown, Vacuous: exit.Vacuous}[v]
	if !given {
		return exit.NotCarriedOut
	}
	return code
}

// Property is the finding of one judge.
type Property struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`           // in plain words, made of the findings
	Events  []int   `json:"events,omitempty"` // sequence numbers that it rests on

	// Findings are the first violations, or, of an unknown property, the first doubts; More
	// is how many others there are.
	Findings []wording.Finding `json:"findings,omitempty"`
	More     int               `json:"more,omitempty"`
}

// Report is verdict.json.
type Report struct {
	Verdict    Verdict        `json:"verdict"`
	Seed       uint64         `json:"seed"`
	Properties []Property     `json:"properties"`
	Vacuous    []string       `json:"vacuous,omitempty"` // why a run proves nothing
	Idle       []string       `json:"idle,omitempty"`    // kinds of fault that were planned and never took effect
	Counts     map[string]int `json:"counts"`
	Evidence   string         `json:"evidence"` // the source of the order and the outcomes of writes
}

// Save writes verdict.json.
func (r *Report) Save(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = record.Replace(path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("checker: %w", err)
	}
	return nil
}

// Violations are the properties that do not hold.
func (r *Report) Violations() []Property {
	var all []Property
	for _, p := range r.Properties {
		if p.Verdict == Invalid {
			all = append(all, p)
		}
	}
	return all
}
