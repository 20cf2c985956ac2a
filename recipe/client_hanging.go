package recipe

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Hanging is an attempt whose handler should have ended and may still run, according to the
// records.
type Hanging struct {
	Task   string
	Worker string
	Token  Token
	// Abandoned is when the worker gave the task back without its handler, by the worker's
	// clock. It is zero while the worker still holds the revoked task. Every revoked task
	// passes through that state; it is short if the handler returns.
	Abandoned time.Time
}

// abandons reports whether an attempt ended for that reason although its handler still ran.
func abandons(reason string) bool { return strings.HasPrefix(reason, ErrAbandoned.Error()) }

// hanging reads the assignments, and the last attempts of tasks that are not finished.
func (o *overviewReader) hanging(ctx context.Context) error {
	var (
		ops   []zkapi.Op
		found []func(data []byte)
	)
	look := func(path string, then func(data []byte)) {
		ops, found = append(ops, zkapi.Get(path)), append(found, then)
	}
	for _, w := range o.Workers {
		path := func(t string) string { return o.layout.assignment(w.Name, t) }
		for _, t := range o.fitting(path, w.Assigned) {
			look(path(t), func(data []byte) {
				var record assignmentRecord
				if json.Unmarshal(data, &record) == nil && (record.Revoked || record.Taken) {
					o.Hanging = append(o.Hanging, Hanging{Task: t, Worker: w.Name, Token: record.Token})
				}
			})
		}
	}
	for _, t := range o.Tasks {
		if t.State.Ended() || t.Attempts == 0 {
			continue
		}
		look(o.layout.attempt(t.Name, int32(t.Attempts)), func(data []byte) {
			var record attemptRecord
			if json.Unmarshal(data, &record) == nil && abandons(record.Reason) {
				o.Hanging = append(o.Hanging, Hanging{Task: t.Name, Worker: record.Worker, Token: record.Token, Abandoned: record.Ended})
			}
		})
	}
	for i, reply := range o.session.DoAll(ctx, ops) {
		if there, err := o.shown(ops[i].Path, reply.Err); err != nil {
			return err
		} else if there {
			found[i](reply.Data)
		}
	}
	slices.SortFunc(o.Hanging, func(a, b Hanging) int { return cmp.Or(cmp.Compare(a.Task, b.Task), a.Token.Compare(b.Token)) })
	return nil
}
