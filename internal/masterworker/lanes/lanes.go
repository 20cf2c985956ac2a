// Package lanes says how runs of the master-worker recipe are drawn: what the small bars
// and the charts show, and the words of the page. It judges nothing.
package lanes

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of the master-worker recipe.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds: map[record.Kind]report.Drawn{
			record.Submit: report.Counted, record.Execute: report.Counted,
			record.Await: report.Hidden, record.Cancel: report.Hidden, record.StopRequested: report.Hidden, record.Effect: report.Hidden, record.Change: report.Hidden,
		},
		Charts: []report.Chart{
			{Kind: record.Submit, Colour: "#1f77b4", Done: "accepted", Doing: "Submitting"},
			{Kind: record.Await, Colour: "#2ca02c", Done: "finished, as the client sees it", Doing: "Waiting for the status"},
		},
		Detail: detail, Sum: sum,
		Participants: "A master, its backups, workers and clients",
		Work:         "how many tasks a worker began to execute, or a client submitted",
		Bar:          "an execution of the task", Searched: "elections and tasks",
	}
}

// detail says of an event what its kind alone has.
func detail(e record.Event) []string {
	switch of := e.Of.(type) {
	case record.Act:
		return []string{fmt.Sprintf("accepted: %v", of.Accepted)}
	case record.Submission:
		switch {
		case of.InDoubt:
			return []string{"the task was there; this submission may have made it"}
		case of.Found:
			return []string{"the task was there"}
		}
	case record.Answer:
		if of.State != "" {
			return []string{of.State + ": " + of.Result}
		}
	case record.TaskChange:
		return []string{string(of.Fate)}
	case record.Execution:
		if of.Lapsed {
			return []string{"the lease was over"}
		}
	}
	return nil
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d submissions, %d tasks: %d done, %d failed, %d cancelled, %d collected; %d executions, %d attempts lost or failed; %d elections",
		c["submitted"], c["tasks"], c["completed"], c["failed"], c["cancelled"], c["collected"], c["executions"], c["attempts_lost"], c["elections"])
}
