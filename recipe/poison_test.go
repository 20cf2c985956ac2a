package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These tests write records by hand that no process of the recipe writes.

// taskOf makes a task with this data.
func taskOf(data string) func(w *world) {
	return func(w *world) { w.do(zkapi.Create("/tasks/task-bad", []byte(data), zkapi.Persistent)) }
}

// recorded makes a resident task that fails, with a record of an attempt.
func recorded(name string) func(w *world) {
	return func(w *world) {
		w.do(zkapi.Create("/tasks/task-bad", []byte(`#ringmaster {"resident":true,"key":"fails"} x`), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-bad/"+name, nil, zkapi.Persistent))
	}
}

// claiming registers a worker by hand that accepts nothing, and its record.
func claiming(record string) func(w *world) {
	return func(w *world) {
		w.do(zkapi.Create("/assign/bad", []byte(record), zkapi.Persistent))
		w.byHand("bad")
		w.do(zkapi.Create("/tasks/task-bad", []byte("x"), zkapi.Persistent)) // it goes there
		time.Sleep(time.Second)
		w.do(zkapi.Delete("/workers/bad", zkapi.AnyVersion))
	}
}

var poison = []byHand{
	{says: "a status that is an ephemeral", names: "/tasks/task-bad/status", after: func(w *world) {
		w.do(zkapi.Create("/tasks/task-bad", []byte("x"), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-bad/status", nil, zkapi.Ephemeral))
	}},
	{says: "the highest attempt", names: "/tasks/task-bad/attempt-1073741823", after: recorded("attempt-1073741823")},
	{says: "an attempt above the highest", names: "/tasks/task-bad/attempt-1073741824", after: recorded("attempt-1073741824")},
	{says: "an attempt at 2^31-1", names: "/tasks/task-bad/attempt-2147483647", after: recorded("attempt-2147483647")},
	{says: "an attempt at 2^31", names: "/tasks/task-bad/attempt-2147483648", after: recorded("attempt-2147483648")},
	{says: "a negative attempt", names: "/tasks/task-bad/attempt--1", after: recorded("attempt--1")},
	{says: "an attempt with a word", names: "/tasks/task-bad/attempt-one", after: recorded("attempt-one")},
	{says: "a worker that left at 2^31-1", names: "/tasks/task-bad/left-2147483647", after: recorded("left-2147483647")},
	{says: "an assignment of the attempt 2^31-1", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":2147483647,"incarnation":1}`)},
	{says: "an assignment of the attempt 2^31", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":2147483648,"incarnation":1}`)},
	{says: "an assignment of a negative attempt", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":-1,"incarnation":1}`)},
	{says: "an assignment under the highest epoch", names: "/assign/w1/task-bad", after: held(`{"epoch":2147483647,"attempt":1,"incarnation":1}`)},
	{says: "an assignment that is cut", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":`)},
	{says: "an assignment of an incarnation that is to come", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":1,"incarnation":57}`)},
	{says: "an assignment of the incarnation 2^31-1", names: "/assign/w1/task-bad", after: held(`{"epoch":1,"attempt":1,"incarnation":2147483647}`)},
	{says: "a timeout of 2^64-1 ms", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"timeout_ms":18446744073709551615} x`)},
	{says: "a timeout of 2^63-1 ms", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"timeout_ms":9223372036854775807} x`)},
	{says: "a timeout of a little more than 2^64 ns", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"timeout_ms":18446744073910} x`)},
	{says: "a heartbeat timeout of a little more than 2^64 ns", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"silence_ms":18446744073910} x`)},
	{says: "a negative timeout", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"timeout_ms":-1000} x`)},
	{says: "attempts at 2^31", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"attempts":2147483648} x`)},
	{says: "options without quotation marks", names: "/tasks/task-bad", after: taskOf(`#ringmaster {priority:9} x`)},
	{says: "options without braces", names: "/tasks/task-bad", after: taskOf(`#ringmaster priority 9`)},
	{says: "options that are cut", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"priority":`)},
	{says: "a word where a number belongs", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"priority":"high"} x`)},
	{says: "an option with a wrong name", names: "/tasks/task-bad", after: taskOf(`#ringmaster {"prority":9} x`)},
	{says: "options without a blank in front", names: "/tasks/task-bad", after: taskOf(`#ringmaster{"priority":9} x`)},
	{says: "a negative capacity", names: "/assign/bad", after: claiming(`{"capacity":-5}`)},
	{says: "a capacity above 2^64", names: "/assign/bad", after: claiming(`{"capacity":99999999999999999999}`)},
	{says: "a claim that is cut", names: "/assign/bad", after: claiming(`{"capacity":`)},
	{says: "a child below an assignment of a task that is done", names: "/assign/w1/task-bad", after: func(w *world) {
		w.do(zkapi.Create("/tasks/task-bad", []byte(`#ringmaster {"key":"slow"} x`), zkapi.Persistent))
		time.Sleep(time.Second)
		w.do(zkapi.Create("/assign/w1/task-bad/child", nil, zkapi.Persistent))
	}},
	{says: "a child below an assignment of a worker that is lost", names: "/assign/bad/task-bad", after: func(w *world) {
		hand := w.byHand("bad")
		w.do(zkapi.Create("/assign/bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/assign/bad/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/assign/bad/task-bad/child", nil, zkapi.Persistent))
		time.Sleep(time.Second)
		hand.Expire()
	}},
}

// TestPoison_CostsItsOwnTaskOnly: beside each bad record, tasks are done at once, in the same
// term and under the same registration. A line of the log names it.
func TestPoison_CostsItsOwnTaskOnly(t *testing.T) {
	for _, h := range poison {
		t.Run(h.says, func(t *testing.T) {
			inBubble(t, func(w *world) { w.goesOn(h) })
		})
	}
}

// TestPoison_OptionsAreNotGuessed: a task whose options cannot be read is not executed. It is
// executed when its data has been set anew, and it can be cancelled and collected before.
func TestPoison_OptionsAreNotGuessed(t *testing.T) {
	for _, data := range []string{
		`#ringmaster {"timeout_ms":18446744073910} x`, `#ringmaster {"timeout_ms":18446744073709551615} x`, `#ringmaster {"silence_ms":18446744073910} x`,
		`#ringmaster {priority:9} x`, `#ringmaster {"attempts":-1} x`, `#ringmaster nonsense`, "#ringmaster ",
	} {
		inBubble(t, func(w *world) {
			var log journal
			m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers(), Retention: time.Hour})
			var runs atomic.Int32
			w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
				runs.Add(1)
				return recipe.Result(fmt.Sprint(string(task.Payload), task.Options.Priority)), nil
			})
			w.within(time.Second, "the parents are there", func() bool { return w.do(zkapi.Exists("/assign")).Found })
			for _, name := range []string{"a", "b"} {
				w.do(zkapi.Create("/tasks/task-"+name, []byte(data), zkapi.Persistent))
			}
			time.Sleep(10 * time.Second)
			now, _ := m.Snapshot()
			if runs.Load() > 0 || len(now.Quarantined) != 2 || !strings.Contains(now.Quarantined[0].Reason, "in zkCli: set /tasks/task-a ") || strings.Contains(now.Quarantined[0].Reason, "\n") {
				t.Errorf("%s: it ran %d times; in quarantine %+v", data, runs.Load(), now.Quarantined)
			}
			c := w.client()
			d, err := c.Inspect(w.ctx, "task-a")
			if err != nil || len(d.Problems) != 1 || d.Problems[0].Path != "/tasks/task-a" || string(d.Payload) != data {
				t.Errorf("%s: %+v, %v", data, d, err)
			}
			w.do(zkapi.Set("/tasks/task-a", []byte(`#ringmaster {"priority":9} x`), zkapi.AnyVersion))
			if s := w.await("task-a"); string(s.Result) != "x9" {
				t.Errorf("%s: %+v", data, s)
			}
			if s, err := c.Cancel(w.ctx, "task-b"); err != nil || s.State != recipe.Cancelled {
				t.Errorf("%s: %+v, %v", data, s, err)
			}
			if err := c.Collect(w.ctx, "task-b"); err != nil || w.do(zkapi.Exists("/tasks/task-b")).Found || runs.Load() != 1 {
				t.Errorf("%s: %v, it ran %d times", data, err, runs.Load())
			}
		})
	}
}

// TestPoison_HighestAttemptLeavesWhenItsRecordGoes: until then there is no number for the next
// execution.
func TestPoison_HighestAttemptLeavesWhenItsRecordGoes(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.do(zkapi.Create("/tasks/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-bad/attempt-1073741823", nil, zkapi.Persistent))
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		time.Sleep(10 * time.Second)
		if got := w.do(zkapi.Children("/tasks/task-bad")).Children; len(got) != 1 {
			t.Errorf("below it is %q", got)
		}
		w.do(zkapi.Delete("/tasks/task-bad/attempt-1073741823", zkapi.AnyVersion))
		if s := w.await("task-bad"); s.State != recipe.Done || s.Token != (recipe.Token{Epoch: 1, Attempt: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// TestPoison_StatusWithAnotherWord: the task has ended, in nobody's eyes with a result, and
// each reader names the znode.
func TestPoison_StatusWithAnotherWord(t *testing.T) {
	for _, held := range []bool{true, false} {
		inBubble(t, func(w *world) {
			var log journal
			m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
			work := func() {
				w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
					if string(task.Payload) == "slow" {
						time.Sleep(5 * time.Second)
					}
					return recipe.Result("hers"), nil
				})
			}
			c, err := recipe.NewClient(w.env, recipe.ClientConfig{Observers: log.observers()})
			if err != nil {
				t.Fatal(err)
			}
			if held {
				work()
			}
			if _, err := c.Submit(w.ctx, []byte("slow"), recipe.ID("x")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			w.do(zkapi.Create("/tasks/task-x/status", []byte(`{"state":"shipped"}`), zkapi.Persistent))
			if !held {
				work()
			}
			if s, err := c.Await(w.ctx, "task-x"); err != nil || s.State != "shipped" || len(s.Result) > 0 {
				t.Errorf("%+v, %v", s, err)
			}
			var failed *recipe.FailedError
			if _, err := c.Do(w.ctx, nil, recipe.ID("x")); !errors.As(err, &failed) || failed.Status.State != "shipped" {
				t.Errorf("%v", err)
			}
			if n := log.warnings("znode=/tasks/task-x/status "); n != 1 {
				t.Errorf("%d lines name it:\n%s", n, log.text.String())
			}
			d, err := c.Inspect(w.ctx, "task-x")
			if err != nil || len(d.Problems) != 1 || d.Problems[0].Path != "/tasks/task-x/status" || w.problems() != "/tasks/task-x/status" {
				t.Errorf("%+v and %s, %v", d.Problems, w.problems(), err)
			}
			time.Sleep(10 * time.Second)
			if s := w.await(w.submit()); string(s.Result) != "hers" {
				t.Errorf("%+v", s)
			}
			if data := w.do(zkapi.Get("/tasks/task-x/status")).Data; string(data) != `{"state":"shipped"}` {
				t.Errorf("the status is %s", data)
			}
			if now, leads := m.Snapshot(); !leads || now.Epoch != 1 || len(now.Quarantined) > 0 {
				t.Errorf("leads %v, %+v", leads, now.Quarantined)
			}
			if err := c.Collect(w.ctx, "task-x"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestQuarantine_ForgetsAnEphemeralTaskThatGoes: in its pause, while it is tried again, and
// with an assignment that was made by hand. A task that comes under its name is executed.
func TestQuarantine_ForgetsAnEphemeralTaskThatGoes(t *testing.T) {
	for _, after := range []time.Duration{10 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 200 * time.Second} {
		for _, assigned := range []bool{false, true} {
			for _, again := range []bool{false, true} {
				t.Run(fmt.Sprint(after, " assigned ", assigned, " again ", again), func(t *testing.T) {
					inBubble(t, func(w *world) {
						var log journal
						count := &gauge{}
						obs := log.observers()
						obs.Metrics = count
						m := w.master(recipe.MasterConfig{Name: "m1", Observers: obs})
						w.worker("w1", echo)
						w.registered("w1")
						time.Sleep(time.Second)
						owner := w.env.Server.Open()
						if _, err := owner.Do(w.ctx, zkapi.Create("/tasks/task-bad", nil, zkapi.Ephemeral)); err != nil {
							t.Fatal(err)
						}
						if assigned {
							w.do(zkapi.Create("/assign/w1/task-bad", nil, zkapi.Persistent))
						}
						time.Sleep(after)
						if now, _ := m.Snapshot(); after >= time.Second && (len(now.Quarantined) != 1 || count.left() != 1) {
							t.Errorf("before: %+v, counted %d", now.Quarantined, count.left())
						}
						owner.Expire()
						if again {
							w.do(zkapi.Create("/tasks/task-bad", []byte("x"), zkapi.Persistent))
							began := time.Now()
							if s := w.await("task-bad"); string(s.Result) != "did x" || time.Since(began) > 10*time.Second && !assigned { // the worker tries again later
								t.Errorf("%+v after %v", s, time.Since(began))
							}
							w.do(zkapi.Delete("/tasks/task-bad/status", zkapi.AnyVersion))
							w.removeAll("/tasks/task-bad")
						}
						time.Sleep(5 * time.Second)
						now, _ := m.Snapshot()
						if len(now.Quarantined) > 0 || len(now.Tasks) > 0 || count.left() != 0 || now.Epoch != 1 {
							t.Errorf("%+v, tasks %+v, counted %d\n%s", now.Quarantined, now.Tasks, count.left(), log.text.String())
						}
						if o := w.overview(); len(o.Quarantined) > 0 || len(o.Tasks) > 0 || len(o.Workers) != 1 || len(o.Workers[0].Assigned) > 0 {
							t.Errorf("%+v", o)
						}
					})
				})
			}
		}
	}
}
