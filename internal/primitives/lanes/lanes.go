// Package lanes says how runs of the primitives are drawn: the bars and the charts, and the words of
// the page. It judges nothing.
package lanes

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of the primitives.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds:  map[record.Kind]report.Drawn{history.Call: report.Counted, history.Stay: report.Spans, history.Tenure: report.Spans},
		Charts: []report.Chart{{Kind: history.Call, Colour: "#1f77b4", Done: "done", Doing: "A call"}},
		Detail: detail, Sum: sum,
		Participants: "Users, which share counters, values, accounts, barriers and a lease",
		Work:         "how many calls a user made",
		Bar:          "how long a user was in a round, or held the lease", Searched: "the counters, the value and the accounts",
	}
}

// detail says of a call what the user asked for.
func detail(e record.Event) []string {
	if !history.Is(e, history.Call) || e.Type != record.Invoke {
		return nil
	}
	asked, err := record.OwnData[history.Asked](e)
	if err != nil {
		return nil
	}
	return []string{asked.Words()}
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d calls: %d done, %d refused, %d not applied, %d in doubt; %d rounds of the double barrier; %d writes under the lease",
		c["calls"], c["done"], c["refused"], c["failed"], c["in_doubt"], c["rounds"], c["entries"])
}
