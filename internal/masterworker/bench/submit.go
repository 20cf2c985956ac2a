package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// rawMulti is how many creates one multi of the baseline of SubmitMany has.
const rawMulti = 100

// SubmitMany measures how many tasks Client.SubmitAll hands in per second, against a baseline on
// the same servers: the same number of znodes with the same payload, in multis of 100 creates, as
// many in flight as a session allows. It measures both in turn, rounds times, because a machine
// is not as fast at one moment as at the next. The znodes stay, below /bench-submit, which must
// not exist.
func SubmitMany(ctx context.Context, driver *zkclient.Driver, tasks, rounds int, out io.Writer) (ratio float64, err error) {
	const root = "/bench-submit"
	session, err := driver.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if _, err := session.Do(ctx, zkapi.Create(root, nil, zkapi.Persistent)); err != nil {
		return 0, err
	}
	var raw, submitted float64
	for n := range rounds {
		perSecond, err := createInMultis(ctx, session, fmt.Sprintf("%s/raw-%d", root, n), tasks)
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(out, "baseline: %d znodes in multis of %d: %.0f per second\n", tasks, rawMulti, perSecond)
		raw += 1 / perSecond
		if perSecond, err = submitAll(ctx, driver, fmt.Sprintf("%s/tasks-%d", root, n), tasks); err != nil {
			return 0, err
		}
		fmt.Fprintf(out, "SubmitAll: %d tasks: %.0f per second\n", tasks, perSecond)
		submitted += 1 / perSecond
	}
	fmt.Fprintf(out, "ratio: %.2f tasks submitted for each znode of the baseline\n", raw/submitted)
	return raw / submitted, nil
}

// benchPayload is the payload of each task and znode.
var benchPayload = []byte("the payload of a task that is measured")

// createInMultis creates n znodes below parent and returns the number created per second.
func createInMultis(ctx context.Context, session zkapi.Session, parent string, n int) (float64, error) {
	if _, err := session.Do(ctx, zkapi.Create(parent, nil, zkapi.Persistent)); err != nil {
		return 0, err
	}
	began := clock.Now()
	var multis, ops []zkapi.Op
	for i := range n {
		ops = append(ops, zkapi.Create(fmt.Sprintf("%s/task-%032d", parent, i), benchPayload, zkapi.Persistent))
		if len(ops) == rawMulti || i == n-1 {
			multis, ops = append(multis, zkapi.Multi(ops...)), nil
		}
	}
	for _, reply := range session.DoAll(ctx, multis) {
		if reply.Err != nil {
			return 0, reply.Err
		}
	}
	return rate(n, began), nil
}

// submitAll submits n tasks in a namespace of their own and returns the number submitted per
// second.
func submitAll(ctx context.Context, driver *zkclient.Driver, namespace string, n int) (float64, error) {
	client, err := recipe.NewClient(driver, recipe.ClientConfig{Namespace: namespace})
	if err != nil {
		return 0, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.Submit(ctx, benchPayload); err != nil { // makes the namespace, and connects
		return 0, err
	}
	began := clock.Now()
	accepted := 0
	for submitted, err := range client.SubmitAll(ctx, func(yield func(recipe.Submission) bool) {
		for i := 0; i < n && yield(recipe.Submission{Payload: benchPayload}); i++ {
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
