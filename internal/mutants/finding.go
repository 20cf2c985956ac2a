package mutants

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Unmodified is the id of the unchanged source.
const Unmodified = "unmodified"

// Outcome is the outcome of looking for one defect on one engine.
type Outcome string

// The outcomes. The unchanged source has only Clean, Alarm and Failed.
const (
	Caught    Outcome = "caught"    // an expected property was violated, or an expected test failed
	Astray    Outcome = "astray"    // only other properties or tests failed: a wrong catalogue, or a false alarm
	Survived  Outcome = "survived"  // not caught, and the catalogue does not expect that
	Explained Outcome = "explained" // not caught; the catalogue says why
	Clean     Outcome = "clean"     // of the unchanged source: nothing was found
	Alarm     Outcome = "alarm"     // of the unchanged source: something was found
	Failed    Outcome = "failed"    // it could not be tested
)

// Finding is one line of the table.
type Finding struct {
	ID          string    `json:"id"`
	Engine      string    `json:"engine"`
	Outcome     Outcome   `json:"outcome"`
	Asked       string    `json:"asked"`                // how the entry says that the engine tests it
	Properties  []string  `json:"properties,omitempty"` // the violated ones; of tests, the failed ones
	Reason      string    `json:"reason,omitempty"`     // of the first of them
	States      int       `json:"states,omitempty"`     // of the explorer
	Schedules   int       `json:"schedules,omitempty"`  // of the explorer, if it does not visit all states
	Runs        int       `json:"runs,omitempty"`       // torture runs, the last included
	Seed        uint64    `json:"seed,omitempty"`       // of the last run
	Faults      []string  `json:"faults,omitempty"`     // the faults that took effect in it, or in any run of the unchanged source; of the explorer, the options of the world
	Length      int       `json:"length,omitempty"`     // of the counterexample: steps of the explorer, events of a run
	Seconds     float64   `json:"seconds"`              // without building the command; of tests, with compiling them
	Problem     string    `json:"problem,omitempty"`    // why it could not be tested, or not be judged; of the unchanged source, which faults never took effect
	When        time.Time `json:"when"`
	Commit      string    `json:"commit,omitempty"` // of the source; with a + when it had changed since
	Fingerprint string    `json:"fingerprint"`      // of the edits
}

// Bad reports whether the finding needs a person: a survivor, a false alarm, a possible
// one, or no result.
func (f Finding) Bad() bool {
	return slices.Contains([]Outcome{Survived, Astray, Alarm, Failed}, f.Outcome)
}

// unexpected is the problem of a defect that was caught although the catalogue says
// that it survives.
const unexpected = "the catalogue says that it survives here"

// settle gives a finding its outcome, by the violations.
func (f *Finding) settle(e Entry) {
	violated := len(f.Properties) > 0
	_, explained := e.Survives[f.Engine]
	switch {
	case violated && explained:
		f.Problem = unexpected
	case f.Problem == unexpected:
		f.Problem = ""
	}
	switch {
	case e.ID == Unmodified && violated:
		f.Outcome = Alarm
	case violated:
		slices.SortStableFunc(f.Properties, func(a, b string) int { return e.rank(a) - e.rank(b) })
		if f.Outcome = Caught; !slices.Contains(e.Breaks, f.Properties[0]) {
			f.Outcome = Astray
		}
	case f.Outcome == Failed:
	case e.ID == Unmodified:
		f.Outcome = Clean
	case explained:
		f.Outcome = Explained
	default:
		f.Outcome = Survived
	}
}

// rank puts the properties that are expected to be violated first.
func (e Entry) rank(property string) int {
	if i := slices.Index(e.Breaks, property); i >= 0 {
		return i
	}
	return len(e.Breaks)
}

// by names the violated properties or failed tests, the expected ones first.
func (f Finding) by() string {
	switch n := len(f.Properties); n {
	case 0:
		return "-"
	case 1:
		return f.Properties[0]
	default:
		return fmt.Sprintf("%s and %d more", f.Properties[0], n-1)
	}
}

// after is the effort until the defect was caught.
func (f Finding) after() string {
	took := fmt.Sprintf("%.1f s", f.Seconds)
	switch {
	case f.Schedules > 0:
		return fmt.Sprintf("%d schedules, %s", f.Schedules, took)
	case f.States > 0:
		return fmt.Sprintf("%d states, %s", f.States, took)
	case f.Runs == 1:
		return "1 run, " + took
	case f.Runs > 1:
		return fmt.Sprintf("%d runs, %s", f.Runs, took)
	case f.Reason == outOfTime:
		return "it " + outOfTime + ", " + took
	}
	return took
}

// length is the length of the counterexample.
func (f Finding) length() string {
	switch {
	case f.Length == 0:
		return "-"
	case f.Engine == ModelEngine:
		return fmt.Sprintf("%d steps", f.Length)
	case f.Length == 1:
		return "1 event"
	}
	return fmt.Sprintf("%d events", f.Length)
}

// with names the conditions under which it was caught.
func (f Finding) with() string {
	if len(f.Faults) == 0 {
		return "-"
	}
	return strings.Join(f.Faults, ", ")
}
