package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// clearScreen moves a terminal's cursor home and clears the screen below it.
const clearScreen = "\x1b[H\x1b[2J"

func statusCommand(o *options) *cobra.Command {
	var watch, asJSON bool
	var every time.Duration
	cmd := &cobra.Command{
		Use: "status", Short: "Show the master, workers, tasks and backlog", Args: cobra.NoArgs,
		Long: "Show the master, workers, tasks and backlog. With --watch the table is shown again and\n" +
			"again until Ctrl-C; with --json one object per line. TIMEOUT compares the session timeout\n" +
			"that is granted to this command with the servers' tickTime and syncLimit, said or assumed.",
		Example: "  ringmaster status\n  ringmaster status --watch\n  ringmaster status --json | jq .tasks.pending",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond {
				return misuse("--every %v: at least 100ms", every)
			}
			return o.withEnv(cmd, watch, func(ctx context.Context, c *recipe.Client, env *granting) error {
				times := env.asks(ctx)
				for first := true; ; first = false {
					limited, cancel := context.WithCancel(ctx)
					if first {
						limited, cancel = o.limited(ctx)
					}
					overview, err := c.Overview(limited)
					cancel()
					if err != nil {
						return quiet(ctx, watch, err)
					}
					v := overviewOf(overview, o.namespace)
					v.Timeout = times()
					if err := show(cmd.OutOrStdout(), v, asJSON, watch); err != nil || !watch {
						return err
					}
					select {
					case <-ctx.Done():
						return nil
					case <-time.After(every):
					}
				}
			})
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "show it again and again")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&every, "every", time.Second, "with --watch: how often")
	return cmd
}

// quiet turns the end of watching by a signal into no error.
func quiet(ctx context.Context, watch bool, err error) error {
	if watch && ctx.Err() != nil {
		return nil
	}
	return err
}

// overview is the output of status, with the names of its JSON.
type overview struct {
	namespace string

	Master  *leader      `json:"master"`     // null when no master leads
	InLine  []string     `json:"candidates"` // with the leader, if it is a candidate
	Workers []workerLine `json:"workers"`
	Tasks   taskLine     `json:"tasks"`
	Backlog int          `json:"backlog"`
	Limit   int          `json:"max_backlog,omitempty"`
	Timeout timing       `json:"session_timeout"`
	// Problems are znodes that are in the way of the recipe; the key is missing if there
	// are none.
	Problems []problem `json:"problems,omitempty"`
	// Quarantined lists the znodes that the master ignores for now; the key is missing if
	// there are none.
	Quarantined []quarantined `json:"quarantined,omitempty"`
	More        int           `json:"quarantined_more,omitempty"` // that are not listed
	// Unreadable are the znodes that the server does not show to this identity; the key is
	// missing when there are none.
	Unreadable []unreadable `json:"unreadable,omitempty"`
	// Hanging are handlers that were told to end and may still run; the key is missing
	// when there are none.
	Hanging []hanging `json:"hanging,omitempty"`
}

type unreadable struct {
	Znode  string `json:"znode"`
	Reason string `json:"reason"` // the server's
}

func unreadableOf(all []recipe.Unreadable) (lines []unreadable) {
	for _, u := range all {
		lines = append(lines, unreadable{u.Path, u.Reason})
	}
	return lines
}

type quarantined struct {
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Reason  string    `json:"reason"` // the server's
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"` // missing: until its znode is gone
	Refused int       `json:"refused"`        // times, one after the other
}

type hanging struct {
	Task   string `json:"task"`
	Worker string `json:"worker"`
	recipe.Token
	Abandoned time.Time `json:"abandoned,omitzero"` // missing while the worker holds the task
}

type problem struct {
	Znode   string `json:"znode"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"` // the commands to type in zkCli
}

type leader struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
	Epoch   int32  `json:"epoch,omitempty"`
	Session string `json:"session"`
	ByHand  bool   `json:"by_hand,omitempty"` // no master of Ringmaster holds it, as far as the server shows
}

type workerLine struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	State       string `json:"state"`
	Incarnation int32  `json:"incarnation"`
	Assigned    int    `json:"assigned"`
	Capacity    int    `json:"capacity,omitempty"`
}

type taskLine struct {
	Total     int `json:"total"`
	Pending   int `json:"pending"`
	Assigned  int `json:"assigned"`
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Unknown   int `json:"unknown,omitempty"` // whose status is not shown
}

func overviewOf(o recipe.Overview, namespace string) overview {
	v := overview{namespace: namespace, InLine: append([]string{}, o.Candidates...), Backlog: o.Backlog(), Limit: o.MaxBacklog, Workers: []workerLine{}, Unreadable: unreadableOf(o.Unreadable)}
	if o.Leader.Exists() {
		v.Master = &leader{
			Name: o.Leader.Name, Address: o.Leader.Address, Epoch: o.Leader.Epoch,
			Session: fmt.Sprintf("0x%x", o.Leader.Session), ByHand: o.Leader.Epoch == 0,
		}
	}
	for _, w := range o.Workers {
		state := "alive"
		switch {
		case !w.Alive && (v.hides("/workers") || v.hides("/workers/"+w.Name)):
			state = unknownState
		case !w.Alive:
			state = "lost"
		case w.Retiring:
			state = "retiring"
		}
		v.Workers = append(v.Workers, workerLine{w.Name, w.Address, state, w.Incarnation, len(w.Assigned), w.Capacity})
	}
	for _, p := range o.Problems {
		v.Problems = append(v.Problems, problem{p.Path, p.What, p.Remedy})
	}
	for _, q := range o.Quarantined {
		v.Quarantined = append(v.Quarantined, quarantined{q.Kind, q.Name, q.Reason, q.Since, q.Retry, q.Refused})
	}
	v.More = o.MoreQuarantined
	for _, h := range o.Hanging {
		v.Hanging = append(v.Hanging, hanging{h.Task, h.Worker, h.Token, h.Abandoned})
	}
	v.Tasks.Total = len(o.Tasks)
	counts := map[string]*int{
		"pending": &v.Tasks.Pending, "assigned": &v.Tasks.Assigned, "done": &v.Tasks.Done, "failed": &v.Tasks.Failed, "cancelled": &v.Tasks.Cancelled,
		unknownState: &v.Tasks.Unknown,
	}
	for _, t := range o.Tasks {
		if n := counts[stateOf(t)]; n != nil {
			*n++
		}
	}
	return v
}

func show(w io.Writer, v overview, asJSON, watch bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	var b strings.Builder
	if watch {
		b.WriteString(clearScreen)
		tell(&b, "%s   (Ctrl-C ends this)\n\n", time.Now().Format(time.TimeOnly))
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	tell(table, "MASTER\t%s\n", v.leads())
	if len(v.InLine) > 0 {
		tell(table, "IN LINE\t%s\n", clip(strings.Join(v.InLine, ", "), 100))
	}
	limit := ""
	if v.Limit > 0 {
		limit = fmt.Sprintf(" of %d", v.Limit)
	}
	tell(table, "BACKLOG\t%d%s\n", v.Backlog, limit)
	t := v.Tasks
	unknown := ""
	if t.Unknown > 0 {
		unknown = fmt.Sprintf(", %d unknown", t.Unknown)
	}
	if v.hides("/tasks") {
		unknown += " (not shown)"
	}
	tell(table, "TASKS\t%d: %d pending, %d assigned, %d done, %d failed, %d cancelled%s\n", t.Total, t.Pending, t.Assigned, t.Done, t.Failed, t.Cancelled, unknown)
	tell(table, "TIMEOUT\t%s\n", v.Timeout)
	_ = table.Flush() // into memory
	if v.Timeout.TooShort != "" {
		tell(&b, "\nTHE SESSION TIMEOUT IS TOO SHORT\n%s\n", v.Timeout.TooShort)
	}
	if len(v.Workers) > 0 {
		b.WriteString("\n")
		fmt.Fprintln(table, "WORKER\tADDRESS\tSTATE\tINCARNATION\tHOLDS")
		for _, l := range v.Workers {
			tell(table, "%s\t%s\t%s\t%d\t%d\n", l.Name, l.Address, l.State, l.Incarnation, l.Assigned)
		}
		_ = table.Flush()
	}
	showTroubles(&b, v)
	_, err := io.WriteString(w, b.String())
	return err
}

// hides reports whether a znode of the namespace is not shown.
func (v overview) hides(znode string) bool {
	return slices.ContainsFunc(v.Unreadable, func(u unreadable) bool { return strings.TrimPrefix(u.Znode, v.namespace) == znode })
}

// leads names the leader.
func (v overview) leads() string {
	m := v.Master
	switch {
	case m == nil && v.hides("/master"):
		return "not shown"
	case m == nil:
		return "no master leads"
	case m.ByHand && v.hides("/assign"):
		return strings.TrimSpace(m.Address + " session " + m.Session)
	case m.ByHand:
		return strings.TrimSpace(m.Address+" made by hand") + ", session " + m.Session + ": no master of Ringmaster leads until it is gone"
	}
	master := strings.TrimSpace(m.Name + " " + m.Address)
	if m.Name == m.Address {
		master = m.Name
	}
	return fmt.Sprintf("%s, epoch %d", master, m.Epoch)
}

// showTroubles writes the problems that need an operator.
func showTroubles(b *strings.Builder, v overview) {
	if len(v.Hanging) > 0 {
		b.WriteString("\nNOT RETURNED\n")
		for _, h := range v.Hanging {
			what := "was called back, and has not been given back yet"
			if !h.Abandoned.IsZero() {
				what = "was abandoned at " + moment(h.Abandoned) + ", and may still run"
			}
			tell(b, "%s%s %s\n", h.Task, by(h.Worker, h.Token), what)
		}
	}
	if len(v.Problems) > 0 {
		b.WriteString("\nPROBLEMS\n")
		for _, p := range v.Problems {
			tell(b, "%s %s\n  in zkCli: %s\n", p.Znode, p.Problem, p.Remedy)
		}
	}
	if len(v.Quarantined) > 0 {
		showQuarantined(b, v)
	}
	if len(v.Unreadable) > 0 {
		b.WriteString("\nNOT SHOWN BY THE SERVER to this identity\n")
		for _, u := range v.Unreadable {
			tell(b, "%s\n  %s\n", u.Znode, oneLine(u.Reason, ""))
		}
	}
}

// showQuarantined lists the znodes that the master ignores.
func showQuarantined(b *strings.Builder, v overview) {
	b.WriteString("\nLEFT ALONE BY THE MASTER, because the server refuses something\n")
	for _, q := range v.Quarantined {
		until := "until its znode is gone"
		if !q.Until.IsZero() {
			until = "tried again at " + clock(q.Until, q.Since)
		}
		times := ""
		if q.Refused > 1 {
			times = fmt.Sprintf(", refused %d times", q.Refused)
		}
		tell(b, "%s %s since %s%s, %s\n  %s\n", q.Kind, q.Name, moment(q.Since), times, until, oneLine(q.Reason, ""))
	}
	if v.More > 0 {
		tell(b, "and %d more\n", v.More)
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

// detail is the output of tasks show --json.
type detail struct {
	Task     string        `json:"task"`
	Payload  string        `json:"payload"`
	Options  *optionsLine  `json:"options,omitempty"`
	Phase    recipe.State  `json:"phase"` // pending, assigned or finished
	State    recipe.State  `json:"state,omitempty"`
	Result   string        `json:"result,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Worker   string        `json:"worker,omitempty"`
	Token    *recipe.Token `json:"token,omitempty"`
	Progress string        `json:"progress,omitempty"`
	Ended    time.Time     `json:"ended,omitzero"`
	Attempts []attemptLine `json:"attempts"`

	Unreadable []unreadable `json:"unreadable,omitempty"` // znodes that the server does not show to this identity
	Problems   []problem    `json:"problems,omitempty"`
}

type attemptLine struct {
	recipe.Token
	Worker string    `json:"worker"`
	Reason string    `json:"reason"`
	Ended  time.Time `json:"ended,omitzero"`
	Left   bool      `json:"left,omitempty"` // it does not count: its worker left
}

type optionsLine struct {
	MaxAttempts      int       `json:"max_attempts,omitempty"`
	Timeout          string    `json:"timeout,omitempty"`
	HeartbeatTimeout string    `json:"heartbeat_timeout,omitempty"`
	NotBefore        time.Time `json:"not_before,omitzero"`
	Priority         int       `json:"priority,omitempty"`
	Key              string    `json:"key,omitempty"`
	Resident         bool      `json:"resident,omitempty"`
}

func optionsOf(o recipe.Options) *optionsLine {
	if o.IsZero() {
		return nil
	}
	text := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	return &optionsLine{o.MaxAttempts, text(o.Timeout), text(o.HeartbeatTimeout), o.NotBefore, o.Priority, o.Key, o.Resident}
}

// phaseOf leaves out how a task ended, because JSON has that in another key.
func phaseOf(s recipe.State) recipe.State {
	if s.Ended() {
		return recipe.Finished
	}
	return s
}

func detailOf(d recipe.TaskDetail) detail {
	v := detail{
		Task: d.Name, Payload: string(d.Payload), Options: optionsOf(d.Options), Phase: phaseOf(d.State), Worker: d.Worker,
		Progress: string(d.Progress), Attempts: []attemptLine{}, Unreadable: unreadableOf(d.Unreadable),
	}
	if d.Worker != "" {
		v.Token = &d.Token
	}
	if s := d.Status; s != nil {
		v.State, v.Result, v.Reason, v.Worker, v.Token, v.Ended = s.State, string(s.Result), s.Reason, s.Worker, &s.Token, s.Ended
	}
	for _, p := range d.Problems {
		v.Problems = append(v.Problems, problem{p.Path, p.What, p.Remedy})
	}
	for _, a := range d.History {
		v.Attempts = append(v.Attempts, attemptLine{a.Token, a.Worker, a.Reason, a.Ended, a.Left})
	}
	return v
}
