package campaign

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// TestTally_TellsNoNumberThatIsMissing: the number of objects that were not counted is not 0.
func TestTally_TellsNoNumberThatIsMissing(t *testing.T) {
	for says, o := range map[string]Outcome{
		"; 7 locks, 2 unknown": {Verdict: checker.Valid, Objects: 7, Of: "locks", Open: 2},
		"; 0 locks, 2 unknown": {Verdict: checker.Valid, Of: "locks", Open: 2},
		"; 2 unknown":          {Verdict: checker.Valid, Of: "locks", Open: 2, Uncounted: true},
	} {
		tally := NewTally()
		tally.Add(o)
		var sum strings.Builder
		if err := tally.Write(&sum); err != nil || !strings.Contains(sum.String(), says) {
			t.Errorf("%+v: %v, %s", o, err, sum.String())
		}
		if got := strings.Contains(tally.Line(o), " - "); got != o.Uncounted {
			t.Errorf("%+v: %s", o, tally.Line(o))
		}
	}
}

// TestTally_WorstVerdictIsTheExitCode has no verdict that hides a worse one.
func TestTally_WorstVerdictIsTheExitCode(t *testing.T) {
	for _, c := range []struct {
		verdicts []checker.Verdict
		want     exit.Code
	}{
		{[]checker.Verdict{checker.Valid}, exit.Done},
		{[]checker.Verdict{checker.Vacuous, checker.Valid}, exit.Vacuous},
		{[]checker.Verdict{checker.Unknown, checker.Vacuous}, exit.Unknown},
		{[]checker.Verdict{checker.Unknown, ""}, exit.NotCarriedOut},
		{[]checker.Verdict{checker.Invalid, checker.Unknown, ""}, exit.Invalid},
	} {
		tally := NewTally()
		for _, v := range c.verdicts {
			tally.Add(Outcome{Verdict: v})
		}
		if got := tally.ExitCode(); got != c.want {
			t.Errorf("%q: exit code %d, want %d", c.verdicts, got, c.want)
		}
	}
}
