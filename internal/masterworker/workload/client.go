package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Payload is the payload of a task in the workload: its identity and its behaviour.
type Payload struct {
	ID       string `json:"id"`
	Millis   int    `json:"ms"`                 // that the work takes
	Failures int32  `json:"failures,omitempty"` // attempts that fail on purpose
	Hangs    int32  `json:"hangs,omitempty"`    // attempts that hang without progress until they are stopped
	Progress bool   `json:"progress,omitempty"` // reports its progress
	Stubborn bool   `json:"stubborn,omitempty"` // goes on when its context ends, as faulty handlers do
	Resident bool   `json:"resident,omitempty"` // goes on until its context ends
	// StopMillis is how much longer a resident task goes on after it was asked to end,
	// whatever the cause. Builds of all ages read each other's payloads, so its key stays.
	StopMillis int    `json:"lingers,omitempty"`
	Bytes      int    `json:"bytes,omitempty"`     // the least size of the result
	TooLarge   int32  `json:"too_large,omitempty"` // attempts whose results are larger than the servers take
	Padding    string `json:"padding,omitempty"`   // makes the payload large
}

// taskSpec is a task that a client makes up: its payload, its options, and what the client
// does with it.
type taskSpec struct {
	payload Payload
	options recipe.Options
	delay   time.Duration // before it may begin
	twice   bool          // submitted twice under one id
	cancel  time.Duration // after which it is cancelled; 0 for never
	collect bool          // removed once the client has heard its status
}

// draw makes up a task. One in five takes long enough to be interrupted. One in ten
// fails once or twice, one in a hundred always. One in ten does not stop when it is
// told to. Some ask for each of the options.
func draw(rng *rand.Rand, id string) taskSpec {
	p := Payload{ID: id, Millis: 1 + rng.IntN(20)}
	if rng.IntN(5) == 0 {
		p.Millis = 100 + rng.IntN(500)
	}
	w := taskSpec{twice: rng.IntN(20) == 0, collect: rng.IntN(10) == 0}
	switch dice := rng.IntN(100); {
	case dice == 0:
		p.Failures = 2 * MaxAttempts
	case dice <= 10:
		p.Failures = 1 + int32(rng.IntN(2))
	}
	p.Stubborn = rng.IntN(10) == 0
	if rng.IntN(10) == 0 {
		w.options.Priority = rng.IntN(7) - 2
	}
	if rng.IntN(10) == 0 {
		w.options.Key = fmt.Sprint("key", rng.IntN(8))
	}
	if rng.IntN(20) == 0 {
		w.options.MaxAttempts = 1 + rng.IntN(MaxAttempts+2)
	}
	switch rng.IntN(30) {
	case 0:
		w.delay = time.Duration(500+rng.IntN(2500)) * time.Millisecond
	case 1:
		w.options.Timeout, p.Hangs = time.Duration(300+rng.IntN(700))*time.Millisecond, int32(rng.IntN(2))
	case 2:
		w.options.HeartbeatTimeout, p.Hangs = time.Duration(1200+rng.IntN(800))*time.Millisecond, int32(rng.IntN(2))
		p.Progress, p.Millis = true, 500+rng.IntN(1500)
	case 3:
		w.cancel = time.Duration(1+rng.IntN(1000)) * time.Millisecond
		p.Millis = 200 + rng.IntN(1000)
	}
	w.payload = p
	return w
}

// enlarge makes a few tasks large, if servers limit the size of requests: some results
// of which only a few fit into one request, some payloads, and now and then a result
// that fits into no request.
func (p *Payload) enlarge(rng *rand.Rand, most int) {
	switch dice := rng.IntN(100); {
	case dice < 4:
		p.Bytes = most/8 + rng.IntN(most*5/8)
	case dice < 6:
		p.Padding = strings.Repeat(".", most/8+rng.IntN(most/2))
	case dice < 7:
		p.Bytes, p.TooLarge = most/8, 1
	}
}

// errOnPurpose is the planned failure of a task.
var errOnPurpose = errors.New("fails on purpose")

// handler executes a task: it acts on the sink when it starts and when it ends.
func (p participant) handler() recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		var load Payload
		if err := json.Unmarshal(task.Payload, &load); err != nil {
			load = Payload{ID: string(task.Payload)} // a hand-made task
		}
		token := record.Token{Epoch: task.Token.Epoch, Attempt: task.Token.Attempt}
		execution := record.Execution{Task: task.Name, ID: load.ID, Token: token, Resident: load.Resident}
		run := p.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Execute, Of: execution})
		if load.Resident {
			defer context.AfterFunc(ctx, func() {
				p.Journal.Add(record.Event{Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: task.Name, ID: load.ID, Token: token, Cause: context.Cause(ctx).Error()}})
			})()
		}
		result, err := p.work(ctx, load, task, token)
		p.cleanUp(ctx, token)
		if err != nil {
			execution.Problem, execution.Lapsed = err.Error(), errors.Is(context.Cause(ctx), recipe.ErrLeaseLapsed)
			p.Journal.Complete(run, record.Fail, execution)
			return nil, err
		}
		execution.Result = string(result)
		p.Journal.Complete(run, record.OK, execution)
		return result, nil
	}
}

func (p participant) work(ctx context.Context, load Payload, task recipe.Task, token record.Token) (recipe.Result, error) {
	effect := func(text string) error {
		return p.Effect(subject.Effect{Object: task.Name, ID: load.ID, Token: token, Text: text})
	}
	if err := effect("start"); err != nil {
		return nil, err
	}
	switch {
	case load.Resident:
		<-ctx.Done()
		<-time.After(time.Duration(load.StopMillis) * time.Millisecond)
		return nil, context.Cause(ctx)
	case task.Token.Attempt <= load.Hangs:
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(hangLimit):
			return nil, errOnPurpose
		}
	}
	if err := load.spend(ctx, task); err != nil {
		return nil, err
	}
	if token.Attempt <= load.Failures {
		return nil, errOnPurpose
	}
	if err := effect("end"); err != nil {
		return nil, err
	}
	return load.result(fmt.Sprintf("%s by %s at %d.%d", load.ID, p.Name, token.Epoch, token.Attempt), token, p.MaxRequest), nil
}

// result makes a result from a text, in the size that the task asks for. most is the
// largest request that the servers take.
func (p Payload) result(text string, token record.Token, most int) recipe.Result {
	bytes := p.Bytes
	if token.Attempt <= p.TooLarge {
		bytes = most + 1
	}
	return recipe.Result(text + strings.Repeat(".", max(0, bytes-len(text))))
}

// Handlers and terms take a moment to return when they are told to end, as real cleanup
// would; a handover or a revocation must wait for that. If the right to go on is lost,
// they return at once, because nothing waits for them.
const (
	shortestMoment = 10 * time.Millisecond
	longestMoment  = 60 * time.Millisecond
)

// moment is how long a term, or an execution, takes to return. It is drawn from the
// seed and the token alone.
func moment(seed uint64, of record.Token) time.Duration {
	rng := rand.New(rand.NewPCG(seed, uint64(uint32(of.Epoch))<<32|uint64(uint32(of.Attempt))))
	return shortestMoment + time.Duration(rng.Int64N(int64(longestMoment-shortestMoment)))
}

// cleanUp waits for the moment between the order to end and the return.
func (p participant) cleanUp(ctx context.Context, of record.Token) {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(cause, recipe.ErrDeposed) || errors.Is(cause, recipe.ErrClaimLost) {
		return
	}
	<-time.After(moment(p.Seed, of))
}

// hangLimit ends a handler that hangs and is not stopped; a lost claim stops it too.
const hangLimit = 20 * time.Second

// spend takes the time of the work, and reports progress.
func (p Payload) spend(ctx context.Context, task recipe.Task) error {
	stopped := ctx.Done()
	if p.Stubborn {
		stopped = nil
	}
	end := time.After(time.Duration(p.Millis) * time.Millisecond)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return context.Cause(ctx)
		case <-end:
			return nil
		case at := <-tick.C:
			if p.Progress {
				_ = task.Progress([]byte(at.Format(time.StampMilli)))
			}
		}
	}
}

// client is the workload of one client process.
type client struct {
	participant
	recipe *recipe.Client
	going  sync.WaitGroup
}

// maxOutstanding bounds the tasks that one client waits for. A client at the bound
// submits no more until it hears of one, because a workload must not overload a system
// under faults.
const maxOutstanding = 2000

// submitPatience is how long a client tries to submit. Then it calls the outcome
// unknown and tries again under the same id.
const submitPatience = 2 * time.Second

// mostSubmitting bounds the tasks of its load that one client tries to submit at a time. A client at
// the bound makes up no more. Otherwise each task that is refused adds requests for as long as
// refusals last, although it pauses, and servers that are slow become slower.
const mostSubmitting = 16

func (p participant) runClient(ctx context.Context) error {
	r, err := recipe.NewClient(p.Env, recipe.ClientConfig{Namespace: p.Namespace, Access: candidate.Access(p.Participant), Observers: p.observers()})
	if err != nil {
		return err
	}
	c := &client{participant: p, recipe: r}
	defer candidate.Listen(ctx, p.Participant, r.Leaders, func(l recipe.Leader) record.Leader { return record.Leader{Name: l.Name, Epoch: l.Epoch} })()
	residents := p.residentTasks()
	select {
	case <-p.Draining:
	default:
		for id, resident := range residents {
			c.going.Go(func() { c.keepSubmitting(ctx, resident, recipe.ID(id)) })
		}
	}
	c.load(ctx)
	for id, resident := range residents {
		c.going.Go(func() { c.end(ctx, id, resident) })
	}
	c.going.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := r.Close(closing); err != nil {
		p.Log.Info("session may linger", "error", err)
	}
	return nil
}

// load submits at the configured rate until it is told to drain.
func (c *client) load(ctx context.Context) {
	rng := rand.New(rand.NewPCG(c.Seed, uint64(c.Life)))
	ticker := time.NewTicker(time.Duration(float64(time.Second) / c.Rate))
	defer ticker.Stop()
	outstanding, submitting := make(chan struct{}, maxOutstanding), make(chan struct{}, mostSubmitting)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-c.Draining:
			return
		case <-ticker.C:
		}
		w := draw(rng, fmt.Sprintf("%s.%d.%d", c.Name, c.Life, n))
		if c.Large {
			w.payload.enlarge(rng, c.MaxRequest)
		}
		if len(outstanding) == maxOutstanding || len(submitting) == mostSubmitting {
			continue
		}
		outstanding <- struct{}{}
		submitting <- struct{}{}
		c.going.Go(func() {
			defer func() { <-outstanding }()
			c.one(ctx, w, func() { <-submitting })
		})
	}
}

// ResidentPrefix is the beginning of the ids of resident tasks.
const ResidentPrefix = "resident."

// residents are a client's resident tasks by their ids, which are the same in each life
// of the client.
func (p participant) residentTasks() map[string]taskSpec {
	all := map[string]taskSpec{}
	rng := rand.New(rand.NewPCG(p.Seed, residentStream))
	for n := range max(p.Residents, 1) {
		name, id := p.Name, fmt.Sprintf("%s%d.%s", ResidentPrefix, p.Seed, p.Name)
		if n > 0 {
			name, id = fmt.Sprintf("%s.%d", name, n+1), fmt.Sprintf("%s.%d", id, n+1)
		}
		all[id] = taskSpec{payload: Payload{ID: name + ".resident", Resident: true, StopMillis: stopMillis(rng)}, options: recipe.Options{Resident: true}}
	}
	return all
}

// residentStream separates the draws for resident tasks from the draws for the rest of
// the load.
const residentStream = 0x9e51de

// stopMillis draws for how many milliseconds a resident task goes on after it was asked
// to end. Half of them do not go on. Some go on for longer than a leaving participant
// waits for them, and a few for longer than the harness waits for that participant.
func stopMillis(rng *rand.Rand) int {
	patience := int(subject.LeavePatience.Milliseconds())
	switch dice := rng.IntN(10); {
	case dice < 5:
		return 0
	case dice < 7:
		return 500 + rng.IntN(2000)
	case dice < 9:
		return patience + 1000 + rng.IntN(2000)
	}
	return 2*patience + 1000
}

// end cancels a resident task, which an earlier life may have submitted.
func (c *client) end(ctx context.Context, id string, resident taskSpec) {
	if name := c.keepSubmitting(ctx, resident, recipe.ID(id)); name != "" {
		c.cancel(ctx, name, resident.payload.ID)
	}
}

// one submits a task, perhaps a second time under the same id, which must not
// make a second task, waits for its status, and perhaps cancels or collects it. It calls
// submitted when it submits the task no more.
func (c *client) one(ctx context.Context, w taskSpec, submitted func()) {
	var options []recipe.SubmitOption
	if w.twice {
		options = append(options, recipe.ID(fmt.Sprintf("own.%d.%d.%s", c.Seed, c.Life, w.payload.ID)))
	}
	name := c.keepSubmitting(ctx, w, options...)
	if w.twice && name != "" {
		_, _ = c.submit(ctx, w, options...) // the history shows the outcome
	}
	submitted()
	if name == "" {
		return
	}
	if w.cancel > 0 {
		c.going.Go(func() {
			select {
			case <-ctx.Done():
			case <-time.After(w.cancel):
				c.cancel(ctx, name, w.payload.ID)
			}
		})
	}
	if w.payload.Progress {
		watching, stop := context.WithCancel(ctx)
		defer stop()
		c.going.Go(func() {
			for range c.recipe.Progress(watching, name) { // to show that it does not disturb anything
			}
		})
	}
	heard := c.await(ctx, name, w.payload.ID)
	if heard && w.collect && w.cancel == 0 {
		_ = c.recipe.Collect(ctx, name) // the recorder shows the outcome
	}
}

// keepSubmitting submits until the task is accepted or ctx ends.
//
// A submission in doubt is not repeated for long. The task may have been accepted, done
// and collected meanwhile, and a repetition would make it again. The history shows that
// its fate is unknown.
func (c *client) keepSubmitting(ctx context.Context, w taskSpec, options ...recipe.SubmitOption) (name string) {
	var doubt time.Time
	for failures := 1; ctx.Err() == nil && (doubt.IsZero() || w.payload.Resident || time.Since(doubt) < c.Retention/3); failures++ {
		name, err := c.submit(ctx, w, options...)
		if err == nil {
			return name
		}
		if ambiguous, ok := errors.AsType[*recipe.AmbiguousError](err); ok {
			options = []recipe.SubmitOption{recipe.ID(ambiguous.ID)}
			if doubt.IsZero() {
				doubt = time.Now()
			}
		}
		c.Pause(ctx, failures)
	}
	return ""
}

func (c *client) await(ctx context.Context, name, id string) (heard bool) {
	await := c.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Await, Of: record.Answer{Task: name, ID: id}})
	status, err := c.recipe.Await(ctx, name)
	c.told(ctx, await, status, err)
	return err == nil
}

func (c *client) cancel(ctx context.Context, name, id string) {
	for failures := 1; ctx.Err() == nil; failures++ {
		cancel := c.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Cancel, Of: record.Answer{Task: name, ID: id}})
		status, err := c.recipe.Cancel(ctx, name)
		c.told(ctx, cancel, status, err)
		if err == nil || errors.Is(err, recipe.ErrNoTask) {
			return
		}
		c.Pause(ctx, failures)
	}
}

// told records the status that a client was told, or why it was told none.
func (c *client) told(ctx context.Context, op record.Event, status recipe.Status, err error) {
	answer := op.Answer()
	switch {
	case err == nil:
		answer.State, answer.Result = string(status.State), string(status.Result)
		answer.Token = record.Token{Epoch: status.Token.Epoch, Attempt: status.Token.Attempt}
		c.Journal.Complete(op, record.OK, answer)
	case ctx.Err() == nil:
		answer.Problem = err.Error()
		c.Journal.Complete(op, record.Fail, answer)
	}
}

func (c *client) submit(ctx context.Context, w taskSpec, options ...recipe.SubmitOption) (string, error) {
	payload, err := json.Marshal(w.payload)
	if err != nil {
		return "", err
	}
	submission := record.Submission{ID: w.payload.ID}
	if w.delay > 0 {
		submission.Due = c.Now() + w.delay // read first, because the judge takes the earlier time
		w.options.NotBefore = time.Now().Add(w.delay).UTC()
	}
	submit := c.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Submit, Of: submission})
	limited, cancel := context.WithTimeout(ctx, submitPatience)
	defer cancel()
	accepted, err := c.recipe.Submit(limited, payload, append([]recipe.SubmitOption{recipe.With(w.options)}, options...)...)
	name := accepted.Task
	end, outcome := record.Submission{ID: submission.ID, Task: name, Created: !accepted.Found, Found: accepted.Found, InDoubt: accepted.InDoubt}, record.OK
	if err != nil {
		outcome = record.Fail
		if _, ambiguous := errors.AsType[*recipe.AmbiguousError](err); ambiguous {
			outcome = record.Info
		}
		end = record.Submission{ID: submission.ID, BacklogFull: errors.Is(err, recipe.ErrBacklogFull), Problem: err.Error()}
	}
	c.Journal.Complete(submit, outcome, end)
	return name, err
}
