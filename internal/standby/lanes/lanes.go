// Package lanes says how runs of the active-standby switch are drawn: the bars and the charts, and
// the words of the page. It judges nothing.
package lanes

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of the switch.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds: map[record.Kind]report.Drawn{
			history.Fence: report.Spans, history.Failover: report.Spans, history.Neutral: report.Spans,
			history.Again: report.Hidden, history.Standby: report.Hidden, history.Over: report.Hidden, history.Health: report.Hidden, history.Look: report.Hidden,
			record.Effect: report.Hidden,
		},
		Charts: []report.Chart{
			{Kind: history.Failover, Colour: "#1f77b4", Done: "done", Doing: "A failover"},
			{Kind: history.Fence, Colour: "#8c6bb1", Done: "fenced", Doing: "Fencing"},
		},
		Detail: detail, Sum: sum,
		Participants: "Candidates, of which one is active, and clients, which ask for failovers",
		Bar:          "how long the process was active", Searched: "elections",
	}
}

// detail says of an event what is in its data.
func detail(e record.Event) []string {
	switch e.Kind {
	case history.Failover:
		if told := history.Of[history.Told](e); e.Type != record.Invoke && told.Refusal != "" {
			return []string{"refused: " + string(told.Refusal)}
		} else if e.Type != record.Invoke {
			return []string{"active: " + told.Name}
		}
		if to := history.Of[history.Wish](e).To; to != "" {
			return []string{"to " + to}
		}
		return []string{"to any other"}
	case history.Fence:
		return []string{history.Of[history.Fenced](e).Old}
	}
	return nil
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d activations; %d processes fenced, %d attempts failed, %d locks given up because of that, %d lives ended by the power switch; %d clean ends; %d failovers done, %d refused; %d acts outside; %d entries in the ledger; neutral %d times, unhealthy %d times",
		c["activations"], c["fencings"], c["fencings_failed"], c["given_up"], c["power_cuts"], c["clean_ends"], c["failovers"], c["failovers_refused"], c["acts"], c["entries"], c["neutral"], c["unhealthy"])
}
