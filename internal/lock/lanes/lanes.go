// Package lanes says how runs of locks are drawn: the bars and the charts, and the words of the
// page. It judges nothing.
package lanes

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of locks.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds: map[record.Kind]report.Drawn{
			history.Acquire: report.Counted, history.Hold: report.Spans, history.Release: report.Hidden, history.Settled: report.Hidden,
			history.Revoke: report.Hidden, history.Heard: report.Hidden, record.Effect: report.Hidden,
		},
		Charts: []report.Chart{
			{Kind: history.Acquire, Colour: "#1f77b4", Done: "granted", Doing: "Taking a lock"},
			{Kind: history.Release, Colour: "#2ca02c", Done: "given back", Doing: "Giving a lock back"},
		},
		Detail: detail, Sum: sum,
		Participants: "Lockers, which contend for the same locks",
		Work:         "how many locks a locker asked for",
		Bar:          "how long the lock was held", Searched: "who held each lock",
	}
}

// detail says of an attempt what the locker asked for.
func detail(e record.Event) []string {
	if !history.Is(e, history.Acquire) || e.Type != record.Invoke {
		return nil
	}
	asked, err := record.OwnData[history.Asked](e)
	if err != nil {
		return nil
	}
	return []string{strings.Join(asked.Words(), ", ")}
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d attempts: %d got the lock (%d shared it), %d gave up; %d locks given back, %d lost; %d writes of holders, %d refused; %d acts outside, %d refused; %d calls for several locks, %d of them refused; %d delays waited for; %d contenders asked to release, %d heard",
		c["attempts"], c["acquisitions"], c["shared"], c["given_up"], c["releases"], c["lost"], c["entries"], c["entries_refused"], c["effects"], c["effects_refused"],
		c["calls"]+c["calls_refused"], c["calls_refused"], c["delays"], c["revocations"], c["revocations_heard"])
}
