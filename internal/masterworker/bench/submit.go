package bench

import (
	"context"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// rounds is how often tasks are handed in, and the baseline is measured: in turn, because a
// machine is not as fast at one moment as at the next.
const rounds = 2

// submit measures how many tasks SubmitAll hands in per second. The baseline is as many znodes
// with the same payload in multis of 100 creates, as many in flight as a session allows.
func submit(ctx context.Context, b *bed) error {
	const each = 100
	n := b.config.Tasks
	var raw, submitted float64 // seconds for each
	for round := range rounds {
		perSecond, err := b.inMultis(ctx, fmt.Sprintf("/raw-%d", round), "task-0123456789012345678901234-", payload, n, each)
		if err != nil {
			return err
		}
		b.says(fmt.Sprintf("znodes in multis of %d", each), "%.0f/s", perSecond)
		raw += 1 / perSecond
		if perSecond, err = b.submitAll(ctx, fmt.Sprintf("/tasks-%d", round), n); err != nil {
			return err
		}
		b.says("tasks by SubmitAll", "%.0f/s", perSecond)
		submitted += 1 / perSecond
	}
	b.against(raw/submitted, "znodes in multis", "tasks by SubmitAll, all rounds", "%.0f/s of %d", rounds/submitted, n)
	return nil
}

// submitAll submits n tasks in a namespace of their own and returns the number per second.
func (b *bed) submitAll(ctx context.Context, namespace string, n int) (float64, error) {
	client, err := recipe.NewClient(b.driver, recipe.ClientConfig{Namespace: namespace})
	if err != nil {
		return 0, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.Submit(ctx, payload); err != nil { // makes the namespace, and connects
		return 0, err
	}
	began := clock.Now()
	accepted := 0
	for submitted, err := range client.SubmitAll(ctx, func(yield func(recipe.Submission) bool) {
		for i := 0; i < n && yield(recipe.Submission{Payload: payload}); i++ {
		}
	}) {
		if err != nil || submitted.Found {
			return 0, fmt.Errorf("task %d: found is %v: %w", accepted, submitted.Found, err)
		}
		accepted++
	}
	if accepted != n {
		return 0, fmt.Errorf("%d of %d tasks were accepted", accepted, n)
	}
	return rate(n, began), nil
}
