package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Status is the command status.
type Status struct {
	Watch, JSON bool
	Every       time.Duration
}

// Run prints the status once, or again and again until ctx ends.
func (s Status) Run(ctx context.Context, o *Options, out io.Writer) error {
	if s.Every < 100*time.Millisecond {
		return misuse("--every %v: give 100ms or more", s.Every)
	}
	return o.withEnv(ctx, s.Watch, func(ctx context.Context, c *recipe.Client, env *grantedEnv) error {
		err := s.print(ctx, o, out, c, env.askBeside(ctx))
		if s.Watch && ctx.Err() != nil {
			return nil // a signal is the way to end it
		}
		return err
	})
}

// print prints until an error, or once. The first overview is bounded by --connect-timeout.
func (s Status) print(ctx context.Context, o *Options, out io.Writer, c *recipe.Client, times func() timing) error {
	for first := true; ; first = false {
		limited, cancel := context.WithCancel(ctx)
		if first {
			limited, cancel = o.limited(ctx)
		}
		overview, err := c.Overview(limited)
		cancel()
		if err != nil {
			return err
		}
		v := overviewOf(overview, o.Namespace)
		v.Timeout = times()
		if err := show(out, v, s.JSON, s.Watch); err != nil || !s.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.Every):
		}
	}
}

// clearScreen moves a terminal's cursor home and clears the screen below it.
const clearScreen = "\x1b[H\x1b[2J"

func show(w io.Writer, v Overview, asJSON, watch bool) error {
	if asJSON {
		return printJSON(w, v)
	}
	var b strings.Builder
	terminal := onTerminal(w)
	if watch {
		b.WriteString(heading(time.Now(), terminal))
	}
	v.showSummary(&b)
	if len(v.Workers) > 0 {
		b.WriteString("\n")
		var workers table
		workers.add("WORKER", "ADDRESS", "STATE", "INCARNATION", "HOLDS")
		for _, l := range v.Workers {
			workers.add(l.Name, l.Address, l.State, l.Incarnation, l.Assigned)
		}
		_ = workers.print(&b, terminal) // into memory
	}
	showTroubles(&b, v)
	return send(w, &b)
}

// heading stands above each output of --watch. Only a terminal is cleared.
func heading(now time.Time, terminal bool) string {
	at := now.Format(time.TimeOnly)
	switch {
	case terminal && os.Getenv("TERM") != "dumb":
		return clearScreen + at + "   (press Ctrl-C to end)\n\n"
	case terminal:
		return "\n" + at + "   (press Ctrl-C to end)\n\n"
	}
	return "\n" + at + "\n\n"
}

// showSummary writes one line for each part of the tree.
func (v Overview) showSummary(b *strings.Builder) {
	var lines table
	lines.add("MASTER", v.masterLine())
	if len(v.InLine) > 0 {
		lines.add("CANDIDATES", clip(strings.Join(v.InLine, ", "), 100))
	}
	limit := ""
	if v.Limit > 0 {
		limit = fmt.Sprintf(" of %d", v.Limit)
	}
	lines.add("BACKLOG", fmt.Sprintf("%d%s", v.Backlog, limit))
	t := v.Tasks
	unknown := ""
	if t.Unknown > 0 {
		unknown = fmt.Sprintf(", %d unknown", t.Unknown)
	}
	if v.hides("/tasks") {
		unknown += " (not shown)"
	}
	lines.add("TASKS", fmt.Sprintf("%d: %d pending, %d assigned, %d done, %d failed, %d cancelled%s", t.Total, t.Pending, t.Assigned, t.Done, t.Failed, t.Cancelled, unknown))
	lines.add("TIMEOUT", v.Timeout)
	_ = lines.print(b, false) // into memory
	if v.Timeout.TooShort != "" {
		printf(b, "\nTHE SESSION TIMEOUT IS TOO SHORT\n%s\n", v.Timeout.TooShort)
	}
}

// masterLine names the leader.
func (v Overview) masterLine() string {
	m := v.Master
	switch {
	case m == nil && v.hides("/master"):
		return "not shown"
	case m == nil:
		return "no master leads"
	case m.ByHand && v.hides("/assign"):
		return strings.TrimSpace(m.Address + " session " + m.Session)
	case m.ByHand:
		return strings.TrimSpace(m.Address+" made by hand") + ", session " + m.Session + ": no master of Ringmaster can lead until /master is deleted"
	}
	master := strings.TrimSpace(m.Name + " " + m.Address)
	if m.Name == m.Address {
		master = m.Name
	}
	return fmt.Sprintf("%s, epoch %d", master, m.Epoch)
}

// showTroubles writes the problems that need an operator.
func showTroubles(b *strings.Builder, v Overview) {
	if len(v.Waits) > 0 {
		b.WriteString("\nWAITING\n")
		for _, w := range v.Waits {
			printf(b, "%s\n", w.sentence())
		}
	}
	if len(v.Hanging) > 0 {
		b.WriteString("\nNOT RETURNED\n")
		for _, h := range v.Hanging {
			what := "was revoked, but its worker has not given it back yet"
			if !h.Abandoned.IsZero() {
				what = "was abandoned at " + moment(h.Abandoned) + ", and may still run"
			}
			printf(b, "%s%s %s\n", h.Task, by(h.Worker, h.Token), what)
		}
	}
	if len(v.Problems) > 0 {
		b.WriteString("\nPROBLEMS\n")
		for _, p := range v.Problems {
			printf(b, "%s %s\n  in zkCli: %s\n", p.Znode, p.Problem, p.Remedy)
		}
	}
	if len(v.Quarantined) > 0 {
		showQuarantined(b, v)
	}
	if len(v.Unreadable) > 0 {
		b.WriteString("\nNOT SHOWN BY THE SERVER to this identity\n")
		for _, u := range v.Unreadable {
			printf(b, "%s\n  %s\n", u.Znode, oneLine(u.Reason, ""))
		}
	}
}

// sentence is a wait in words.
func (w waitLine) sentence() string {
	switch {
	case w.For == "backlog":
		return "submissions wait for room, because the backlog is full: " + w.Remedy
	case w.Number == 1:
		return fmt.Sprintf("1 task waits for a %s: %s", w.For, w.Remedy)
	}
	return fmt.Sprintf("%d tasks wait for a %s: %s", w.Number, w.For, w.Remedy)
}

// showQuarantined lists the znodes that the master ignores.
func showQuarantined(b *strings.Builder, v Overview) {
	b.WriteString("\nIN QUARANTINE: the master ignores these\n")
	for _, q := range v.Quarantined {
		until := "until its znode is deleted"
		if !q.Until.IsZero() {
			until = "tried again at " + clock(q.Until, q.Since)
		}
		times := ""
		if q.Refused > 1 {
			times = fmt.Sprintf(", refused %d times", q.Refused)
		}
		printf(b, "%s %s since %s%s, %s\n  %s\n", q.Kind, q.Name, moment(q.Since), times, until, oneLine(q.Reason, ""))
	}
	if v.More > 0 {
		printf(b, "and %d more\n", v.More)
	}
}

// clock is a moment in local time; the date is left out if it equals the date of the
// moment beside it.
func clock(at, beside time.Time) string {
	if at.Local().Format(time.DateOnly) == beside.Local().Format(time.DateOnly) {
		return at.Local().Format(time.TimeOnly)
	}
	return moment(at)
}

// moment is how lists for people show a time: local, to the second. JSON has RFC 3339.
func moment(at time.Time) string { return at.Local().Format(time.DateTime) }
