// Package lanes says how runs of queues are drawn: the bars and the charts, and the words of the
// page. It judges nothing.
package lanes

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Lanes draws the runs of queues.
func Lanes() report.Lanes {
	return report.Lanes{
		Kinds: map[record.Kind]report.Drawn{
			history.Put: report.Counted, history.Take: report.Counted, history.Hold: report.Spans, history.Ack: report.Hidden,
			history.Release: report.Hidden, history.Settled: report.Hidden, record.Effect: report.Hidden,
		},
		Charts: []report.Chart{
			{Kind: history.Put, Colour: "#1f77b4", Done: "put", Doing: "Putting an item"},
			{Kind: history.Take, Colour: "#ff7f0e", Done: "taken", Doing: "Taking an item"},
			{Kind: history.Ack, Colour: "#2ca02c", Done: "consumed", Doing: "Recording a consumption"},
		},
		Detail: detail, Sum: sum,
		Participants: "Producers, and consumers that take their items",
		Work:         "how many items a producer put, and a consumer asked for",
		Bar:          "how long a consumer had an item", Searched: "where each item was",
	}
}

// detail says of a put or a take what was asked for.
func detail(e record.Event) []string {
	if e.Type != record.Invoke {
		return nil
	}
	switch e.Kind {
	case history.Put:
		if p, err := record.OwnData[history.Intended](e); err == nil {
			said := fmt.Sprintf("%s, priority %d", p.Queue, p.Priority)
			if p.Delay > 0 {
				said += fmt.Sprintf(", with a delay of %v", p.Delay)
			}
			if p.Together > 1 {
				said += fmt.Sprintf(", with %d others", p.Together-1)
			}
			return []string{said}
		}
	case history.Take:
		if a, err := record.OwnData[history.Asked](e); err == nil {
			return []string{a.Queue + map[bool]string{true: " (try)"}[a.Try]}
		}
	}
	return nil
}

func sum(c map[string]int) string {
	return fmt.Sprintf("%d items: %d put, %d refused, %d in doubt; %d takes, %d times empty; %d consumed, %d given back, %d lost, %d dead letters; %d writes of consumers, %d refused; %d acts outside, %d refused",
		c["items"], c["put"], c["not_put"], c["put_in_doubt"], c["takes"], c["empty"], c["consumed"], c["released"], c["lost"], c["dead"],
		c["entries"], c["entries_refused"], c["effects"], c["effects_refused"])
}
