package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// detail is the output of tasks show --json.
type detail struct {
	Task       string        `json:"task"`
	Payload    string        `json:"payload"`
	Payload64  string        `json:"payload_base64,omitempty"` // only if the payload is not UTF-8; the same for the others
	Options    *optionsLine  `json:"options,omitempty"`
	Phase      recipe.State  `json:"phase"` // pending, assigned or finished
	State      recipe.State  `json:"state,omitempty"`
	Result     string        `json:"result,omitempty"`
	Result64   string        `json:"result_base64,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Worker     string        `json:"worker,omitempty"`
	Token      *recipe.Token `json:"token,omitempty"`
	Progress   string        `json:"progress,omitempty"`
	Progress64 string        `json:"progress_base64,omitempty"`
	Ended      time.Time     `json:"ended,omitzero"`
	Attempts   []attemptLine `json:"attempts"`

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
		Payload64: binary(string(d.Payload)), Progress: string(d.Progress), Progress64: binary(string(d.Progress)), Attempts: []attemptLine{}, Unreadable: unreadableOf(d.Unreadable),
	}
	if d.Worker != "" {
		v.Token = &d.Token
	}
	if s := d.Status; s != nil {
		v.State, v.Result, v.Reason, v.Worker, v.Token, v.Ended = s.State, string(s.Result), s.Reason, s.Worker, &s.Token, s.Ended
		v.Result64 = binary(string(s.Result))
	}
	for _, p := range d.Problems {
		v.Problems = append(v.Problems, problem{p.Path, p.What, p.Remedy})
	}
	for _, a := range d.History {
		v.Attempts = append(v.Attempts, attemptLine{a.Token, a.Worker, a.Reason, a.Ended, a.Left})
	}
	return v
}

func printDetail(w io.Writer, d recipe.TaskDetail) error {
	var t table
	line := func(name, format string, args ...any) { t.add(name, fmt.Sprintf(format, args...)) }
	line("task", "%s", d.Name)
	if slices.ContainsFunc(d.Unreadable, func(u recipe.Unreadable) bool { return strings.HasSuffix(u.Path, "/tasks/"+d.Name) }) && d.Payload == nil {
		line("payload", "not shown")
	} else {
		line("payload", "%d bytes: %s", len(d.Payload), clip(oneLine(string(d.Payload), ""), 100))
	}
	if options, err := json.Marshal(optionsOf(d.Options)); err == nil && !d.Options.IsZero() {
		line("options", "%s", options)
	}
	switch s := d.Status; {
	case s != nil && s.State == "":
		line("state", "finished, but the status is not shown")
	case s != nil:
		line("state", "%s%s", s.State, by(s.Worker, s.Token))
		if !s.Ended.IsZero() {
			line("ended", "%s", moment(s.Ended))
		}
		if s.Reason != "" {
			line("reason", "%s", oneLine(s.Reason, ""))
		}
		line("result", "%d bytes: %s", len(s.Result), clip(oneLine(string(s.Result), ""), 100))
	case d.Worker != "":
		line("state", "assigned%s", by(d.Worker, d.Token))
	default:
		line("state", "pending")
	}
	if d.Progress != nil {
		line("progress", "%s", clip(oneLine(string(d.Progress), ""), 100))
	}
	for _, a := range d.History {
		when := ""
		if !a.Ended.IsZero() {
			when = moment(a.Ended) + " "
		}
		line(fmt.Sprintf("attempt %d", a.Token.Attempt), "%s%s: %s", when, strings.TrimPrefix(by(a.Worker, a.Token), " by "), oneLine(a.Reason, ""))
	}
	for _, p := range d.Problems {
		line("problem", "%s %s; in zkCli: %s", p.Path, p.What, p.Remedy)
	}
	for _, u := range d.Unreadable {
		line("not shown", "%s: %s", u.Path, oneLine(u.Reason, ""))
	}
	return t.print(w, onTerminal(w))
}

func by(worker string, token recipe.Token) string {
	if worker == "" {
		return ""
	}
	return fmt.Sprintf(" by %s (epoch %d, attempt %d)", worker, token.Epoch, token.Attempt)
}
