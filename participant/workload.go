package participant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Payload is what a task of the workload says: who it is and how it behaves.
type Payload struct {
	ID       string `json:"id"`
	Millis   int    `json:"ms"`                 // that the work takes
	Failures int32  `json:"failures,omitempty"` // attempts that fail on purpose
	Stubborn bool   `json:"stubborn,omitempty"` // goes on when its context ends, as bad handlers do
}

// draw makes up a task. One in five takes long enough to be interrupted, one in
// ten fails once or twice, one in a hundred always, and one in ten does not
// listen when it is told to stop.
func draw(rng *rand.Rand, id string) Payload {
	p := Payload{ID: id, Millis: 1 + rng.IntN(20)}
	if rng.IntN(5) == 0 {
		p.Millis = 100 + rng.IntN(500)
	}
	switch dice := rng.IntN(100); {
	case dice == 0:
		p.Failures = MaxAttempts
	case dice <= 10:
		p.Failures = 1 + int32(rng.IntN(2))
	}
	p.Stubborn = rng.IntN(10) == 0
	return p
}

// errOnPurpose is how a task of the workload fails.
var errOnPurpose = errors.New("fails on purpose")

// handler executes a task: it acts on the sink when it starts and when it ends.
func handler(config Config, journal *history.Journal, sink *sinkClient) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		var p Payload
		if err := json.Unmarshal(task.Payload, &p); err != nil {
			p = Payload{ID: string(task.Payload)} // a task made by hand
		}
		token := history.Token{Epoch: task.Token.Epoch, Attempt: task.Token.Attempt}
		run := journal.Add(history.Event{Type: history.Invoke, Kind: history.Execute, Task: task.Name, ID: p.ID, Token: token})
		result, err := work(ctx, p, task.Name, token, config, sink)
		if err != nil {
			journal.Complete(run, history.Fail, func(e *history.Event) { e.Text = err.Error() })
			return nil, err
		}
		journal.Complete(run, history.OK, func(e *history.Event) { e.Result = string(result) })
		return result, nil
	}
}

func work(ctx context.Context, p Payload, task string, token history.Token, config Config, sink *sinkClient) (recipe.Result, error) {
	effect := func(text string) error {
		return sink.effect(EffectArgs{Task: task, ID: p.ID, Token: token, Process: config.Name, Life: config.Life, Text: text})
	}
	if err := effect("start"); err != nil {
		return nil, err
	}
	stopped := ctx.Done()
	if p.Stubborn {
		stopped = nil
	}
	select {
	case <-stopped:
		return nil, context.Cause(ctx)
	case <-time.After(time.Duration(p.Millis) * time.Millisecond):
	}
	if token.Attempt <= p.Failures {
		return nil, errOnPurpose
	}
	if err := effect("end"); err != nil {
		return nil, err
	}
	return recipe.Result(fmt.Sprintf("%s by %s at %d.%d", p.ID, config.Name, token.Epoch, token.Attempt)), nil
}

// client is the workload of one client process.
type client struct {
	config  Config
	recipe  *recipe.Client
	journal *history.Journal
	work    sync.WaitGroup
}

// maxOutstanding bounds the tasks that one client waits for. A client at the
// bound submits no more until it hears of one: a workload must not bury a system
// that is under attack.
const maxOutstanding = 2000

// submitPatience is how long a client tries to submit before it calls the
// outcome unknown and tries again under the same id.
const submitPatience = 2 * time.Second

// refusedPause is how long a client waits after a submission that was refused.
const refusedPause = 200 * time.Millisecond

func runClient(ctx context.Context, env zkapi.Env, config Config, journal *history.Journal, log *slog.Logger, draining <-chan struct{}) error {
	r, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: config.Namespace, Observers: recipe.Observers{Logger: log}})
	if err != nil {
		return err
	}
	c := &client{config: config, recipe: r, journal: journal}
	c.load(ctx, draining)
	c.work.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := r.Close(closing); err != nil {
		log.Info("session may linger", "error", err)
	}
	return nil
}

// load submits at the configured rate until it is told to drain.
func (c *client) load(ctx context.Context, draining <-chan struct{}) {
	rng := rand.New(rand.NewPCG(c.config.Seed, uint64(c.config.Life)))
	ticker := time.NewTicker(time.Duration(float64(time.Second) / c.config.Rate))
	defer ticker.Stop()
	outstanding := make(chan struct{}, maxOutstanding)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-draining:
			return
		case <-ticker.C:
		}
		p := draw(rng, fmt.Sprintf("%s.%d.%d", c.config.Name, c.config.Life, n))
		twice := rng.IntN(20) == 0
		select {
		case outstanding <- struct{}{}:
		default:
			continue
		}
		c.work.Go(func() {
			defer func() { <-outstanding }()
			c.one(ctx, p, twice)
		})
	}
}

// one submits a task and waits for its status. With twice it hands the task in
// a second time under the same id, which must not make a second task.
func (c *client) one(ctx context.Context, p Payload, twice bool) {
	var options []recipe.SubmitOption
	if twice {
		options = append(options, recipe.ID(fmt.Sprintf("own.%d.%d.%s", c.config.Seed, c.config.Life, p.ID)))
	}
	name := ""
	for name == "" {
		if ctx.Err() != nil {
			return
		}
		var err error
		name, err = c.submit(ctx, p, options...)
		if ambiguous, ok := errors.AsType[*recipe.AmbiguousError](err); ok {
			options = []recipe.SubmitOption{recipe.ID(ambiguous.ID)}
		} else if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(refusedPause):
			}
		}
	}
	if twice {
		_, _ = c.submit(ctx, p, options...) // the history shows what came of it
	}
	await := c.journal.Add(history.Event{Type: history.Invoke, Kind: history.Await, Task: name, ID: p.ID})
	status, err := c.recipe.Await(ctx, name)
	switch {
	case err == nil:
		c.journal.Complete(await, history.OK, func(e *history.Event) {
			e.State, e.Result = string(status.State), string(status.Result)
			e.Token = history.Token{Epoch: status.Token.Epoch, Attempt: status.Token.Attempt}
		})
	case ctx.Err() == nil:
		c.journal.Complete(await, history.Fail, func(e *history.Event) { e.Text = err.Error() })
	}
}

func (c *client) submit(ctx context.Context, p Payload, options ...recipe.SubmitOption) (string, error) {
	payload, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	submit := c.journal.Add(history.Event{Type: history.Invoke, Kind: history.Submit, ID: p.ID})
	limited, cancel := context.WithTimeout(ctx, submitPatience)
	defer cancel()
	name, err := c.recipe.Submit(limited, payload, options...)
	_, ambiguous := errors.AsType[*recipe.AmbiguousError](err)
	switch {
	case err == nil:
		c.journal.Complete(submit, history.OK, func(e *history.Event) { e.Task = name })
	case ambiguous:
		c.journal.Complete(submit, history.Info, func(e *history.Event) { e.Text = err.Error() })
	default:
		c.journal.Complete(submit, history.Fail, func(e *history.Event) { e.Text = err.Error() })
	}
	return name, err
}
