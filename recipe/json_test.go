package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

type bill struct {
	Cents int `json:"cents"`
	Token recipe.Token
}

// priced is a handler with types.
func priced(ctx context.Context, o order) (bill, error) {
	task, ok := recipe.TaskFromContext(ctx)
	if !ok {
		return bill{}, errors.New("no task in the context")
	}
	if o.Item == "none" {
		return bill{}, errors.New("sold out")
	}
	return bill{Cents: 5 * o.Count, Token: task.Token}, nil
}

// reasonOf is why the only attempt of a task that failed has ended.
func (w *world) reasonOf(err error) string {
	w.t.Helper()
	failed, ok := errors.AsType[*recipe.FailedError](err)
	if !ok {
		return ""
	}
	d, err := w.client().Inspect(w.ctx, failed.Task)
	if err != nil || len(d.History) != 1 {
		w.t.Fatalf("%+v, %v", d, err)
	}
	return d.History[0].Reason
}

func TestJSON_ReadsInputAndWritesOutput(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", recipe.JSON(priced))
		c := w.client()
		got, err := recipe.DoJSON[order, bill](w.ctx, c, order{"pen", 3}, recipe.ID("pens"))
		if want := (bill{Cents: 15, Token: recipe.Token{Epoch: 1, Attempt: 1}}); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if data := w.do(zkapi.Get("/tasks/task-pens")).Data; string(data) != `{"item":"pen","count":3}` {
			t.Errorf("the task holds %s", data)
		}
		_, err = recipe.DoJSON[order, bill](w.ctx, c, order{Item: "none"}, recipe.MaxAttempts(1))
		if reason := w.reasonOf(err); reason != "sold out" {
			t.Errorf("a handler that fails: %v, and on record is %q", err, reason)
		}
	})
}

// TestJSON_PayloadOfAnotherType ends the attempt, with the name of the task on record.
func TestJSON_PayloadOfAnotherType(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", recipe.JSON(priced))
		for id, payload := range map[string]string{"text": "three pens", "list": `[1]`, "count": `{"count":"3"}`, "empty": "", "two": `{} {}`} {
			_, err := w.client().Do(w.ctx, []byte(payload), recipe.ID(id), recipe.MaxAttempts(1))
			if reason, want := w.reasonOf(err), "the payload of task-"+id+" cannot be decoded as recipe_test.order: "; !strings.HasPrefix(reason, want) {
				t.Errorf("%s: %v, and on record is %q, want %q", payload, err, reason, want)
			}
		}
	})
}

func TestJSON_OutputThatIsNoJSON(t *testing.T) {
	handler := recipe.JSON(func(context.Context, order) (func(), error) { return func() {}, nil })
	if result, err := handler(t.Context(), recipe.Task{Name: "task-a", Payload: []byte("{}")}); result != nil || err == nil || !strings.Contains(err.Error(), "task-a") {
		t.Errorf("%q, %v", result, err)
	}
	if _, ok := recipe.TaskFromContext(t.Context()); ok {
		t.Error("a task in a context that is no handler's")
	}
}

func TestDoJSON_ResultOfAnotherType(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			return recipe.Result(`{"cents":"many"}`), nil
		})
		got, err := recipe.DoJSON[order, bill](w.ctx, w.client(), order{}, recipe.ID("a"))
		if err == nil || got != (bill{}) || !strings.Contains(err.Error(), "the result of task-a cannot be decoded as recipe_test.bill") {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = recipe.DoJSON[func(), bill](w.ctx, w.client(), func() {}, recipe.ID("b"))
		if there := w.do(zkapi.Exists("/tasks/task-b")).Found; !errors.Is(err, recipe.ErrInvalid) || there {
			t.Errorf("an input that is no JSON: %v; the task is there: %v", err, there)
		}
	})
}

func ExampleJSON() {
	handler := recipe.JSON(func(_ context.Context, o order) (bill, error) {
		return bill{Cents: 5 * o.Count}, nil
	})
	// A worker does this: recipe.WorkerConfig{Handler: handler}. A client calls
	// recipe.DoJSON[order, bill](ctx, client, order{"pen", 3}).
	result, err := handler(context.Background(), recipe.Task{Name: "task-a", Payload: []byte(`{"item":"pen","count":3}`)})
	fmt.Println(string(result), err)
	_, err = handler(context.Background(), recipe.Task{Name: "task-b", Payload: []byte("three pens")})
	fmt.Println(err)
	// Output:
	// {"cents":15,"Token":{"epoch":0,"attempt":0}} <nil>
	// the payload of task-b cannot be decoded as recipe_test.order: invalid character 'h' in literal true (expecting 'r')
}
