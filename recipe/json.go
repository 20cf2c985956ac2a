package recipe

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// taskKey is the key of the task in a handler's context.
type taskKey struct{}

// TaskFromContext returns the task that a handler made by JSON executes, for its Token
// and its Progress; false for any other context.
func TaskFromContext(ctx context.Context) (Task, bool) {
	task, ok := ctx.Value(taskKey{}).(Task)
	return task, ok
}

// JSON makes a Handler of a function with typed input and output: it reads the payload as
// JSON and returns the output as JSON. The task itself is in the context (TaskFromContext).
// If the payload is no In, or if JSON cannot encode the output, the attempt ends and its
// record names the task; for such a payload f is not called. The attempt counts like any
// other failed attempt.
//
// The rules are those of package encoding/json: unknown fields are ignored, missing fields
// stay zero, and an empty payload is no JSON.
func JSON[In, Out any](f func(ctx context.Context, in In) (Out, error)) Handler {
	return func(ctx context.Context, task Task) (Result, error) {
		var in In
		if err := json.Unmarshal(task.Payload, &in); err != nil {
			return nil, fmt.Errorf("the payload of %s cannot be decoded as %v: %w", task.Name, reflect.TypeFor[In](), err)
		}
		out, err := f(context.WithValue(ctx, taskKey{}, task), in)
		if err != nil {
			return nil, err
		}
		result, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("the output of %s, a %v, cannot be encoded as JSON: %w", task.Name, reflect.TypeFor[Out](), err)
		}
		return result, nil
	}
}

// DoJSON is Client.Do for a task whose handler was made by JSON: it submits in as JSON,
// waits, and reads the result as an Out. An input that JSON cannot hold is an ErrInvalid,
// and nothing was submitted. A result that is no Out is an error that names the task,
// which is done; its result can be read with Client.Await until it is collected.
func DoJSON[In, Out any](ctx context.Context, c *Client, in In, options ...SubmitOption) (Out, error) {
	var out Out
	payload, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("%w: %w", invalid("input %v cannot be encoded as JSON", reflect.TypeFor[In]()), err)
	}
	task, result, err := c.do(ctx, payload, options)
	if err != nil {
		return out, err
	}
	var read Out
	if err := json.Unmarshal(result, &read); err != nil {
		return out, fmt.Errorf("recipe: the result of %s cannot be decoded as %v: %w", task, reflect.TypeFor[Out](), err)
	}
	return read, nil
}
