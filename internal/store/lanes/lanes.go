// Package lanes says how runs of the store are drawn: the bars and the charts, and the words of the
// page. It judges nothing.
package lanes

import (
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of the store.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds: map[record.Kind]report.Drawn{
			history.Open: report.Spans, history.Load: report.Spans, history.Apply: report.Spans,
			history.Get: report.Hidden, history.Collect: report.Hidden, record.Effect: report.Hidden,
		},
		Charts: []report.Chart{
			{Kind: history.Apply, Colour: "#1f77b4", Done: "applied", Doing: "A change of records"},
			{Kind: history.Load, Colour: "#8c6bb1", Done: "loaded", Doing: "A load"},
		},
		Detail: detail, Sum: sum,
		Participants: "Managers, of which one is active, and operators, which ask for failovers",
		Bar:          "how long the manager was active", Searched: "records",
	}
}

// detail says of an event what is in its data.
func detail(e record.Event) []string {
	switch {
	case e.Kind == history.Apply && e.Type == record.Invoke:
		var keys []string
		for _, c := range history.Of[history.Asked](e).Changes {
			keys = append(keys, c.Key)
		}
		return []string{strings.Join(keys, ", ")}
	case e.Kind == history.Apply:
		if told := history.Of[history.Told](e); told.Refusal != "" {
			return []string{"refused: " + string(told.Refusal)}
		}
	case e.Kind == history.Load && e.Type == record.OK:
		return []string{fmt.Sprintf("%d records", len(history.Of[history.Found](e).Records))}
	}
	return nil
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d calls: %d done, %d of them batches, %d refused, %d failed, %d in doubt; %d records removed; the store was opened %d times, and %d loads returned %d records; %d values in parts, those of %d collected; %d applications acknowledged; %d lives ended by the power switch",
		c["calls"], c["done"], c["batches"], c["refused"], c["failed"], c["in_doubt"], c["removed"], c["openings"], c["loads"], c["loaded"], c["groups"], c["collected"], c["acknowledged"], c["power_cuts"])
}
