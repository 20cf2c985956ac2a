package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestNew_RefusesANilEnv, and a nil pointer that is one.
func TestNew_RefusesANilEnv(t *testing.T) {
	for _, env := range []zkapi.Env{nil, (*zk.Env)(nil)} {
		_, master := recipe.NewMaster(env, recipe.MasterConfig{Name: "m"})
		_, worker := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w", Handler: echo})
		_, node := recipe.NewNode(env, recipe.NodeConfig{Master: recipe.MasterConfig{Name: "n"}, Worker: recipe.WorkerConfig{Handler: echo}})
		_, client := recipe.NewClient(env, recipe.ClientConfig{})
		for what, err := range map[string]error{"master": master, "worker": worker, "node": node, "client": client} {
			if !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("a %s with %T: %v, want %v", what, env, err, recipe.ErrInvalid)
			}
		}
	}
}

// TestZero_IsAnErrorNotAPanic of every method that returns an error.
func TestZero_IsAnErrorNotAPanic(t *testing.T) {
	c, m, w, n := &recipe.Client{}, &recipe.Master{}, &recipe.Worker{}, &recipe.Node{}
	of := func(_ any, err error) error { return err }
	for what, call := range map[string]func(ctx context.Context) error{
		"Do":     func(ctx context.Context) error { return of(c.Do(ctx, nil)) },
		"Submit": func(ctx context.Context) error { return of(c.Submit(ctx, nil)) },
		"SubmitAll": func(ctx context.Context) error {
			return firstError(c.SubmitAll(ctx, slices.Values([]recipe.Submission{{}})))
		},
		"AwaitAll": func(ctx context.Context) error { return firstError(c.AwaitAll(ctx, slices.Values([]string{"task-a"}))) },
		"CollectAll": func(ctx context.Context) error {
			return firstError(c.CollectAll(ctx, slices.Values([]string{"task-a"})))
		},
		"Await":        func(ctx context.Context) error { return of(c.Await(ctx, "task-a")) },
		"Cancel":       func(ctx context.Context) error { return of(c.Cancel(ctx, "task-a")) },
		"Collect":      func(ctx context.Context) error { return c.Collect(ctx, "task-a") },
		"Inspect":      func(ctx context.Context) error { return of(c.Inspect(ctx, "task-a")) },
		"Overview":     func(ctx context.Context) error { return of(c.Overview(ctx)) },
		"Leader":       func(ctx context.Context) error { return of(c.Leader(ctx)) },
		"Client.Close": c.Close, "Master.Run": m.Run, "Master.Close": m.Close, "Worker.Run": w.Run, "Worker.Close": w.Close, "Node.Run": n.Run, "Node.Close": n.Close,
	} {
		t.Run(what, func(t *testing.T) {
			if err := call(t.Context()); !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("%v, want %v", err, recipe.ErrInvalid)
			}
		})
	}
}

// firstError is the error of the first of many outcomes.
func firstError[T any](outcomes iter.Seq2[T, error]) error {
	for _, err := range outcomes {
		return err
	}
	return nil
}

// TestAll_RefuseANilIterator: a nil input is an error with the remedy.
func TestAll_RefuseANilIterator(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		for what, err := range map[string]error{
			"SubmitAll":  firstError(c.SubmitAll(w.ctx, nil)),
			"AwaitAll":   firstError(c.AwaitAll(w.ctx, nil)),
			"CollectAll": firstError(c.CollectAll(w.ctx, nil)),
		} {
			if !errors.Is(err, recipe.ErrInvalid) || !strings.Contains(err.Error(), "slices.Values") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// TestSubmit_RefusesANilOption names its place.
func TestSubmit_RefusesANilOption(t *testing.T) {
	inBubble(t, func(w *world) {
		if _, err := w.client().Submit(w.ctx, nil, recipe.ID("a"), nil); !errors.Is(err, recipe.ErrInvalid) || !strings.Contains(err.Error(), "option 2") {
			t.Errorf("%v, want %v", err, recipe.ErrInvalid)
		}
	})
}

// TestZero_NoMethodPanics calls every method of roles and clients that no New... has made, with
// zero arguments, and goes through the streams that they return.
func TestZero_NoMethodPanics(t *testing.T) {
	calls := 0
	for _, zero := range []any{&recipe.Client{}, &recipe.Master{}, &recipe.Worker{}, &recipe.Node{}} {
		v := reflect.ValueOf(zero)
		for i := range v.NumMethod() {
			t.Run(fmt.Sprintf("%T.%s", zero, v.Type().Method(i).Name), func(t *testing.T) {
				for _, out := range v.Method(i).Call(zeroArguments(t, v.Method(i).Type())) {
					if out.Kind() == reflect.Func { // a stream
						out.Call([]reflect.Value{reflect.MakeFunc(out.Type().In(0), func([]reflect.Value) []reflect.Value {
							return []reflect.Value{reflect.ValueOf(false)}
						})})
					}
				}
				calls++
			})
		}
	}
	if calls < 20 {
		t.Errorf("%d methods were called", calls)
	}
}

func zeroArguments(t *testing.T, method reflect.Type) []reflect.Value {
	var args []reflect.Value
	for i := range method.NumIn() {
		switch in := method.In(i); {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(t.Context()))
		case method.IsVariadic() && i == method.NumIn()-1:
		default:
			args = append(args, reflect.Zero(in))
		}
	}
	return args
}
