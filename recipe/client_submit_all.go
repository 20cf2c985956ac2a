package recipe

import (
	"context"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Submission is one of many tasks for SubmitAll.
type Submission struct {
	Payload []byte
	Options []SubmitOption
}

// SubmitErrors is the error of SubmitAll. It has one error for each submission, in order, as
// Submit would have returned it; nil if the submission was accepted. errors.Is and errors.As
// look at each.
type SubmitErrors []error

// Error counts the errors and shows the first.
func (e SubmitErrors) Error() string {
	failed, first := e.Unwrap(), 0
	for first < len(e) && e[first] == nil {
		first++
	}
	if len(failed) == 0 {
		return "no submission failed"
	}
	return fmt.Sprintf("%d of %d submissions failed; number %d: %v", len(failed), len(e), first, e[first])
}

// Unwrap lists the errors that there are.
func (e SubmitErrors) Unwrap() []error {
	var failed []error
	for _, err := range e {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// submitsAtOnce is how many submissions of one SubmitAll are under way at a time.
const submitsAtOnce = 64

// SubmitAll hands in many tasks, several at a time, and returns when each has been accepted
// or has failed. The results are in the order of the submissions; the result of a failed
// submission is empty. If any failed, the error is a SubmitErrors. The promises of Submit
// hold for each submission by itself.
//
// It is no transaction: when some fail, the others are accepted all the same. The ensemble
// may get them in any order.
func (c *Client) SubmitAll(ctx context.Context, submissions []Submission) ([]Submitted, error) {
	if c.env == nil {
		return nil, errZero
	}
	accepted, failed := make([]Submitted, len(submissions)), make(SubmitErrors, len(submissions))
	var mu sync.Mutex
	next := 0
	take := func() (n int, more bool) {
		mu.Lock()
		defer mu.Unlock()
		n = next
		next++
		return n, n < len(submissions)
	}
	var threads []zkapi.Source
	for range min(len(submissions), submitsAtOnce) {
		threads = append(threads, c.env.Spawn("submit", func() {
			for n, more := take(); more; n, more = take() {
				accepted[n], failed[n] = c.Submit(ctx, submissions[n].Payload, submissions[n].Options...)
			}
		}))
	}
	for _, thread := range threads { // each ends when ctx does
		_, _ = c.env.Wait(context.WithoutCancel(ctx), thread)
	}
	if len(failed.Unwrap()) > 0 {
		return accepted, failed
	}
	return accepted, nil
}
