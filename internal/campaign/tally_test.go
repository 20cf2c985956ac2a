package campaign

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

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
