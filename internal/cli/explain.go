package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// explanation is the output of explain --json.
type explanation struct {
	Kind       recipe.SubjectKind `json:"kind"` // task or worker
	Name       string             `json:"name"`
	State      recipe.State       `json:"state,omitempty"` // of a task
	Resident   bool               `json:"resident,omitempty"`
	Reasons    []reasonLine       `json:"reasons"` // the most important one first
	Unreadable []unreadable       `json:"unreadable,omitempty"`
}

// reasonLine is one reason. Which keys it has depends on the kind.
type reasonLine struct {
	Kind    recipe.ReasonKind `json:"kind"`
	Task    string            `json:"task,omitempty"`
	Worker  string            `json:"worker,omitempty"`
	Subject string            `json:"subject,omitempty"`
	State   recipe.State      `json:"state,omitempty"`
	Action  string            `json:"action,omitempty"`
	To      string            `json:"to,omitempty"`
	Since   time.Time         `json:"since,omitzero"`
	Until   time.Time         `json:"until,omitzero"`
	Count   int               `json:"count,omitempty"`
	Limit   int               `json:"limit,omitempty"`
	Assumed bool              `json:"assumed,omitempty"`
	Detail  string            `json:"detail,omitempty"`
	Znode   string            `json:"znode,omitempty"`
	Remedy  string            `json:"remedy,omitempty"`
	Text    string            `json:"text"` // the sentence, with times in UTC
}

// Explain prints why a task or a worker is as it is. The master of r has the settings of the
// masters.
func (r *Role) Explain(ctx context.Context, o *Options, out io.Writer, name string, asJSON bool) error {
	if err := r.chooseStrategy(); err != nil {
		return err
	}
	return o.withClient(ctx, false, func(ctx context.Context, c *recipe.Client) error {
		found, err := c.Explain(ctx, name, r.Master)
		if err != nil {
			return err
		}
		for i, one := range found {
			if asJSON {
				err = printJSON(out, explanationOf(one))
			} else {
				err = printExplanation(out, one, i > 0)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func explanationOf(e recipe.Explanation) explanation {
	v := explanation{Kind: e.Kind, Name: e.Name, State: e.State, Resident: e.Resident, Unreadable: unreadableOf(e.Unreadable)}
	for _, r := range e.Reasons {
		v.Reasons = append(v.Reasons, reasonLine{
			r.Kind, r.Task, r.Worker, r.Subject, r.State, r.Action, r.To, r.Since, r.Until, r.Count, r.Limit, r.Assumed, r.Detail, r.Znode, r.Remedy, r.String(),
		})
	}
	return v
}

// mostReasons is how many reasons are printed for people: of a thousand workers, each may have
// a reason of its own to take no tasks.
const mostReasons = 20

func printExplanation(w io.Writer, e recipe.Explanation, another bool) error {
	var b strings.Builder
	if another {
		b.WriteString("\n")
	}
	printf(&b, "%s %s", e.Kind, e.Name)
	if e.Resident {
		b.WriteString(", resident")
	}
	if e.State != "" {
		printf(&b, ": %s", e.State)
	}
	b.WriteString("\n")
	for _, r := range e.Reasons[:min(len(e.Reasons), mostReasons)] {
		printf(&b, "- %s\n", oneLine(r.Text(moment), ""))
	}
	if more := len(e.Reasons) - mostReasons; more > 0 {
		printf(&b, "and %d more reasons: --json has all\n", more)
	}
	for _, u := range e.Unreadable {
		printf(&b, "not shown by the server: %s: %s\n", u.Path, oneLine(u.Reason, ""))
	}
	return send(w, &b)
}
