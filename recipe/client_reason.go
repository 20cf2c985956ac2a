package recipe

import (
	"context"
	"encoding/json"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// WithReason returns the status with the reason of the task's last attempt, if the task has
// failed. It reads the record of that attempt. If it cannot, because the task was collected or
// for any other cause, it returns the status as it is. Do and the command ringmaster submit
// --wait use it; Await returns the status as it is stored.
func (c *Client) WithReason(ctx context.Context, task string, status Status) Status {
	if status.State != Failed {
		return status
	}
	var got zkapi.Result
	err := c.reading(ctx, func(session fence.Session) error {
		// One try: the task has failed, whatever the reason, and nobody should wait for that.
		got, _ = session.Do(ctx, fence.Get(c.layout.attempt(task, status.Token.Attempt)))
		return nil
	})
	var record attemptRecord
	if err != nil || json.Unmarshal(got.Data, &record) != nil || record.Reason == "" {
		return status
	}
	status.Reason += "; the last one: " + observe.Clip(record.Reason)
	return status
}
