package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
)

// Limits bound a campaign.
type Limits struct {
	Time  time.Duration // no run begins later; 0 for no limit
	Runs  int           // at most, those of other shards included; 0 for no limit
	First uint64        // seed of the first run; the next has the next
	Shard Shard         // only these runs, the first one being the 0th
	Until bool          // stop at the first run that is invalid
}

// inARow is how many runs in a row may fail to be carried out. Then the campaign stops,
// because the machine is at fault and further runs are useless.
const inARow = 3

// every is the number of runs between two tables by kind of fault.
const every = 10

// Loop does runs until the plan or ctx ends, passes each one to keep, and prints as it
// goes. A run that ctx cuts short is not counted, unless it was judged all the same.
// The error is a problem of the machine, or of keep, not of a run.
func Loop(ctx context.Context, plan Limits, run func(ctx context.Context, seed uint64) Outcome, keep func(Outcome) error, out io.Writer) (*Tally, error) {
	began, tally, failed := time.Now(), NewTally(), 0
	fmt.Fprintln(out, Heading)
	for i := 0; ; i++ {
		if plan.Runs > 0 && i >= plan.Runs || plan.Time > 0 && time.Since(began) >= plan.Time {
			break
		}
		if !plan.Shard.Has(i) {
			continue
		}
		seed := plan.First + uint64(i)
		outcome := run(ctx, seed)
		if ctx.Err() != nil && outcome.Verdict == "" {
			fmt.Fprintf(out, "interrupted: seed %d is not counted\n", seed)
			break
		}
		tally.Add(outcome)
		fmt.Fprintln(out, tally.Line(outcome))
		if err := keep(outcome); err != nil {
			return tally, errors.Join(tally.Write(out), err)
		}
		if failed++; outcome.Verdict != "" {
			failed = 0
		}
		if failed == inARow {
			return tally, errors.Join(tally.Write(out), fmt.Errorf("campaign: %d runs in a row could not be carried out: %s", inARow, outcome.Problem))
		}
		if plan.Until && outcome.Verdict == checker.Invalid || ctx.Err() != nil {
			break
		}
		if tally.Runs%every == 0 && i+1 != plan.Runs {
			if err := tally.Write(out); err != nil {
				return tally, err
			}
			fmt.Fprintln(out, "\n"+Heading)
		}
	}
	if tally.Runs == 0 {
		return tally, errors.New("campaign: no run was completed")
	}
	return tally, tally.Write(out)
}
