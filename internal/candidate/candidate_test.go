package candidate

import (
	"context"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// closing is a role that has nothing to it but its end.
type closing func(context.Context) error

func (c closing) Run(context.Context) error       { return nil }
func (c closing) Close(ctx context.Context) error { return c(ctx) }

// TestServe_RecordsHowARoleLeft: a role left in good order if it kept to its time and the
// ensemble has confirmed it.
func TestServe_RecordsHowARoleLeft(t *testing.T) {
	for name, c := range map[string]struct {
		role     closing
		patience time.Duration
		outcome  record.Type
		text     string
	}{
		"in good order": {func(context.Context) error { return nil }, time.Hour, record.OK, ""},
		"it lingers":    {func(context.Context) error { return recipe.ErrCloseUnconfirmed }, time.Hour, record.Fail, recipe.ErrCloseUnconfirmed.Error()},
		"out of time":   {func(ctx context.Context) error { <-ctx.Done(); return nil }, time.Millisecond, record.Fail, context.DeadlineExceeded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			journal, events := recordtest.Journal(t)
			ctx, cancel := context.WithTimeout(t.Context(), c.patience)
			defer cancel()
			_ = leaving{c.role, subject.Participant{Journal: journal}}.Close(ctx)
			all := record.Operations(events(), record.Leave)
			if len(all) != 1 || all[0].Outcome() != c.outcome || all[0].Done.Remark() != c.text {
				t.Errorf("noted %+v", all)
			}
		})
	}
}
