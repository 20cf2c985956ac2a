package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// consumer takes items.
type consumer struct{ participant }

// run works on several items at a time, until ctx ends.
func (c consumer) run(ctx context.Context) {
	var going sync.WaitGroup
	for hand := range hands {
		going.Go(func() { c.work(ctx, rand.New(rand.NewPCG(c.Seed, uint64(c.Life*hands+hand)))) })
	}
	going.Wait()
}

// intent is what a consumer means to do with its next items.
type intent struct {
	try    bool
	many   int           // how many it takes at most
	within time.Duration // when it gives up; 0: never
	end    string        // what it does with an item in the end: ack, release, bury
	holds  time.Duration // how long it has each item
	every  time.Duration // how often it writes meanwhile
	late   bool          // it tries to write and to act once more when it has the item no longer
}

// drawn makes up an intent. One in five tries, one in five takes several, one in eight gives up early.
// One in ten has its items so long that faults hit it.
func drawn(rng *rand.Rand) intent {
	w := intent{many: 1, end: "ack"}
	switch dice := rng.IntN(20); {
	case dice < 4:
		w.try = true
	case dice < 8:
		w.many = 2 + rng.IntN(3)
	}
	if rng.IntN(8) == 0 {
		w.within = time.Duration(1+rng.IntN(300)) * time.Millisecond
	}
	switch dice := rng.IntN(30); {
	case dice < 4:
		w.end = "release"
	case dice < 5:
		w.end = "bury"
	}
	w.holds, w.every = time.Duration(rng.IntN(20))*time.Millisecond, 10*time.Millisecond
	if rng.IntN(10) == 0 {
		w.holds, w.every = time.Duration(100+rng.IntN(700))*time.Millisecond, 50*time.Millisecond
	}
	w.late = rng.IntN(3) == 0
	return w
}

// work takes one item after the other, or several.
func (c consumer) work(ctx context.Context, rng *rand.Rand) {
	failures := 0 // in a row
	for ctx.Err() == nil {
		w := drawn(rng)
		got, err := c.take(ctx, w)
		poison := false
		for _, h := range got {
			h.handle(ctx)
			poison = poison || h.item.Poison
		}
		switch {
		case poison:
			c.pause(ctx, between) // so that another consumer may try
		case err == nil:
			failures = 0
		case errors.Is(err, queue.ErrEmpty) || errors.Is(err, context.DeadlineExceeded): // it did not want to wait
			c.pause(ctx, between)
		default:
			failures++
			c.Pause(ctx, failures)
		}
	}
}

// take asks for items. Each that may come has an event of its own.
func (c consumer) take(ctx context.Context, w intent) ([]handler, error) {
	if w.within > 0 {
		limited, cancel := context.WithTimeout(ctx, w.within)
		defer cancel()
		ctx = limited
	}
	asked, err := record.NewOwn("", history.Asked{Queue: jobs, Try: w.try, MaxTakes: maxTakes})
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err)) // plain fields only
	}
	var began []record.Event
	for range w.many {
		began = append(began, c.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Take, Of: asked}))
	}
	var taken []*queue.Taken
	switch {
	case w.try:
		taken, err = one(c.queue.TryTake(ctx))
	case w.many > 1:
		taken, err = c.queue.TakeMany(ctx, w.many)
	default:
		taken, err = one(c.queue.Take(ctx))
	}
	var all []handler
	for i, start := range began {
		if i >= len(taken) {
			c.Journal.Complete(start, record.Fail, refusal(err))
			continue
		}
		h := handler{consumer: c, intent: w, taken: taken[i]}
		h.item, _ = history.ParseItem(string(taken[i].Payload())) // the judges see what has no id
		told, err := record.NewOwn(h.object(), history.Told{Takes: int32(taken[i].Takes())})
		if err != nil {
			panic(fmt.Sprintf("queue: %v", err))
		}
		told.ID, told.Token = h.item.ID, history.TokenOf(taken[i].Token())
		c.Journal.Complete(start, record.OK, told)
		all = append(all, h)
	}
	return all, err
}

func one(t *queue.Taken, err error) ([]*queue.Taken, error) {
	if err != nil {
		return nil, err
	}
	return []*queue.Taken{t}, nil
}

// refusal is the payload of a take that got no item.
func refusal(err error) record.Own {
	if err == nil {
		return record.Own{Remark: "there were not so many"}
	}
	end, failed := record.NewOwn("", history.Told{Empty: errors.Is(err, queue.ErrEmpty)})
	if failed != nil {
		panic(fmt.Sprintf("queue: %v", failed))
	}
	end.Remark = err.Error()
	return end
}

// handler is a consumer that has an item.
type handler struct {
	consumer
	intent
	taken *queue.Taken
	item  history.Item
}

func (h handler) object() string { return in(history.Line) + "/" + h.taken.ID() }

// note is the payload of an event about the item.
func (h handler) note(remark string) record.Own {
	return record.Own{Object: h.object(), ID: h.item.ID, Token: history.TokenOf(h.taken.Token()), Remark: remark}
}

// handle works on the item, and ends the take.
func (h handler) handle(ctx context.Context) {
	belief := h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Hold, Of: h.note("")})
	h.act("begin")
	h.goOn(ctx)
	why := ""
	if cause := context.Cause(h.taken.Context()); cause != nil {
		why = cause.Error()
	}
	h.Journal.Complete(belief, record.OK, h.note(why))
	switch {
	case h.item.Poison || h.end == "release" || ctx.Err() != nil:
		h.giveBack(ctx)
	case h.end == "bury":
		h.bury(ctx)
	default:
		h.consume(ctx)
	}
	if h.late {
		h.tooLate(ctx)
	}
}

// goOn writes about the item, until the consumer has had it for as long as it meant to, or has it no
// longer.
func (h handler) goOn(ctx context.Context) {
	enough := time.NewTimer(h.holds)
	defer enough.Stop()
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	for n := 1; ; n++ {
		h.write(h.taken.Context(), n)
		select {
		case <-ctx.Done():
			return
		case <-h.taken.Context().Done():
			return
		case <-enough.C:
			return
		case <-ticker.C:
		}
	}
}

// patience is how long a consumer tries to end a take. A consumer that is killed does not wait so long.
const patience = 2 * time.Second

// consume has the item recorded as consumed. If it cannot know whether that was done, it asks again.
// What it does not get done, it gives back.
func (h handler) consume(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for first := true; ; first = false {
		began := h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Ack, Of: h.note("")})
		err := h.taken.Ack(limited, zkapi.Set(h.ledger(), h.entry(history.Consumed), zkapi.AnyVersion))
		switch {
		case err == nil || !first && errors.Is(err, queue.ErrAcked):
			h.Journal.Complete(began, record.OK, h.note(""))
			return
		case zkapi.FateOf(err) == zkapi.NotApplied:
			end := record.Fail
			if !first {
				end = record.Info // the first attempt may have been applied
			}
			h.Journal.Complete(began, end, h.note(err.Error()))
		default:
			h.Journal.Complete(began, record.Info, h.note(err.Error()))
			if h.taken.Context().Err() == nil && limited.Err() == nil {
				continue
			}
		}
		h.giveBack(ctx)
		return
	}
}

// bury makes the item a dead letter. The record has the write.
func (h handler) bury(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := h.taken.Bury(limited); err != nil {
		h.Log.Debug("bury", "item", h.taken.ID(), "error", err)
		h.giveBack(ctx)
	}
}

// giveBack gives the item back to its place.
func (h handler) giveBack(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	began := h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Release, Of: h.note("")})
	if err := h.taken.Release(limited); err != nil {
		h.Journal.Complete(began, record.Info, h.note(err.Error()))
		return
	}
	h.Journal.Complete(began, record.OK, h.note(""))
}

// tooLate does what an application does that has not noticed that it has the item no longer.
func (h handler) tooLate(ctx context.Context) {
	const soon = 100 * time.Millisecond
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), soon)
	defer cancel()
	h.write(limited, history.Late)
	h.act("too late")
}

// act acts on the system outside.
func (h handler) act(what string) {
	_ = h.Effect(subject.Effect{Object: h.object(), ID: h.item.ID, Token: history.TokenOf(h.taken.Token()), Text: what}) // the journal of the sink has the outcome
}

func (h handler) ledger() string { return h.Namespace + history.LedgerOf(jobs) }

func (h handler) entry(n int) []byte {
	return []byte(history.Entry{Item: h.item.ID, Token: h.taken.Token(), N: n}.String())
}

// write makes an entry in the ledger. The recorder has the outcome; the consumer goes on whatever
// it is.
func (h handler) write(ctx context.Context, n int) {
	_, err := h.taken.Write(ctx, zkapi.Set(h.ledger(), h.entry(n), zkapi.AnyVersion))
	if errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, queue.ErrFenced) { // it is the first entry of the run
		_, _ = h.taken.Write(ctx, zkapi.Create(path.Dir(h.ledger()), nil, zkapi.Persistent).WithACL(h.ACL())) // another consumer may have made it
		_, err = h.taken.Write(ctx, zkapi.Create(h.ledger(), h.entry(n), zkapi.Persistent).WithACL(h.ACL()))
	}
	if err != nil {
		h.Log.Debug("entry", "item", h.taken.ID(), "n", n, "error", err)
	}
}
