package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// longestText bounds what the table says of one request, in bytes.
const longestText = 150

// describe says what a request asks.
func describe(r wire.Request) string {
	switch {
	case r.Op.Kind == zkapi.KindMulti:
		return cut(fmt.Sprintf("multi of %d: %s", len(r.Op.Ops), describeAll(r.Op.Ops)))
	case r.Op.Kind != 0:
		return cut(describeAll([]zkapi.Op{r.Op}))
	case len(r.Reads) > 0:
		return cut(fmt.Sprintf("multiRead of %d: %s", len(r.Reads), describeAll(r.Reads)))
	case r.Opcode == wire.OpAddWatch:
		return "addWatch " + anyTask(r.Path)
	case r.Opcode == wire.OpRemoveWatches:
		return "removeWatches " + anyTask(r.Path)
	case r.Ends():
		return "end of the session"
	}
	return fmt.Sprintf("request of opcode %d", r.Opcode)
}

func describeAll(ops []zkapi.Op) string {
	var all []string
	for _, op := range ops {
		text := op.Kind.String() + " " + anyTask(op.Path)
		if op.Watch {
			text += " (watched)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// anyTask replaces the name of a task in a path: it is long, and differs from task to task.
func anyTask(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "task-") {
			parts[i] = "TASK"
		}
	}
	return strings.Join(parts, "/")
}

func cut(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "..."
}

// describeEvent says what a watch event tells.
func describeEvent(e wire.Event) string {
	says := map[int32]string{1: "created", 2: "deleted", 3: "data changed", 4: "children changed"}
	return fmt.Sprintf("is told: %s: %s", anyTask(e.Path), cmp.Or(says[e.Type], fmt.Sprintf("event %d", e.Type)))
}

// counts is how many requests there were, how many of them were writes, and how many events.
type counts struct{ requests, writes, events int }

func countOf(noted []exchange) (c counts) {
	for _, e := range noted {
		switch {
		case e.event:
			c.events++
		case e.write:
			c.writes++
			c.requests++
		default:
			c.requests++
		}
	}
	return c
}

// middle is the index of the median of some times. There must be one.
func middle(all times) int {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a], all[b]) })
	return order[(len(order)-1)/2]
}

// printExchanges prints a table of the requests of one task.
func printExchanges(out io.Writer, noted []exchange) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  at ms\ttook ms\twho\twhat\n")
	for _, e := range noted {
		took := "-"
		switch {
		case e.answer:
			took = milliseconds(e.took)
		case !e.event:
			took = "not yet"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", milliseconds(e.at), took, e.who, e.what)
	}
	return table.Flush()
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}
