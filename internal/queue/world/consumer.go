package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a consumer, for the judge.
const (
	holdsNote   = "holds"   // the takes, from Take until the context has ended or the take is ended: "entry token"
	ackedNote   = "acked"   // the record of the consumption that Ack has said is applied
	refusedNote = "refused" // the last record that Ack or Write has said is not applied
	wroteNote   = "wrote"   // the record that Write has said is applied
	emptyNote   = "empty"   // the consumer was told that the queue is empty
	idleNote    = "idle"    // no item is wanted, and the end of the last take is confirmed
	doneNote    = "done"    // nothing will be wanted any more
)

// consumer is one process that takes items. All that its thread depends on is in its fields.
type consumer struct {
	Config
	name   string
	first  bool
	host   explore.Host
	queue  *queue.Queue
	wanted context.Context
	ended  bool
	got    []*queue.Taken
	taken  *queue.Taken // of those: the one that the consumer works on
	again  bool         // the write may have been applied before
}

// program is the code of the process.
func (c consumer) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		one := c
		one.host, one.queue = host, c.open(host, c.name)
		one.run(ctx)
	}
}

// run takes items for as long as the process is not asked to leave. In either case its session goes
// on, so that a claim that is left stays.
func (c *consumer) run(ctx context.Context) {
	zkapi.DependsOn(c.host, c)
	c.wanted = until(ctx, c.host)
	for !c.ended && c.wanted.Err() == nil {
		c.takeTurn(ctx)
	}
	c.host.Note(doneNote, "1")
	zkapi.Checkpoint(c.host, "done")
	_, _ = c.host.Wait(ctx)
}

// takeTurn takes an item, or several, and works on each.
func (c *consumer) takeTurn(ctx context.Context) {
	c.host.Note(idleNote, "")
	if !c.take() {
		return
	}
	idle := true
	for ; len(c.got) > 0; c.got = c.got[1:] {
		c.taken = c.got[0]
		idle = c.work(ctx) && idle
		c.taken = nil
	}
	if idle {
		c.host.Note(idleNote, "1")
	}
}

// take reports whether the consumer has an item.
func (c *consumer) take() bool {
	var err error
	var single *queue.Taken
	switch {
	case c.Try && c.first:
		single, err = c.queue.TryTake(c.wanted)
	case c.Many && c.first:
		c.got, err = c.queue.TakeMany(c.wanted, 2)
	default:
		single, err = c.queue.Take(c.wanted)
	}
	if single != nil {
		c.got = []*queue.Taken{single}
	}
	switch {
	case errors.Is(err, queue.ErrEmpty):
		c.ended = true // a consumer that tries does not try again: it would go in a circle
		c.host.Note(emptyNote, "1")
		c.host.Note(idleNote, "1")
	case err != nil && c.wanted.Err() == nil:
		panic(err)
	}
	return err == nil
}

// record is what is written about the item.
func (c *consumer) record() string { return fmt.Sprintf("%s.%d", c.taken.Payload(), c.taken.Token()) }

// work writes and acts in the name of a take, and ends it. It reports whether the end is confirmed.
func (c *consumer) work(ctx context.Context) bool {
	taken := c.taken
	c.host.Note(holdsNote, fmt.Sprintf("%s %d", taken.ID(), taken.Token()))
	ended := c.host.Spawn("until the end", func() {
		zkapi.Checkpoint(c.host, "hold", taken)
		_, _ = c.host.Wait(taken.Context())
		c.host.Note(holdsNote, "")
	})
	if c.Writes {
		c.write()
	}
	zkapi.Checkpoint(c.host, "act", ended)
	_ = c.host.Act(taken.Context(), taken.ID(), int64(taken.Token()))
	c.host.Note(holdsNote, "")
	if !c.fails() {
		c.ack(ended)
	}
	zkapi.Checkpoint(c.host, "give back", ended)
	err := taken.Release(ctx)
	c.host.Note(wroteNote, "")
	zkapi.Checkpoint(c.host, "end of a turn", ended, err == nil)
	_, _ = c.host.Wait(ctx, ended)
	return err == nil || errors.Is(err, queue.ErrLost) || errors.Is(err, queue.ErrAcked)
}

// fails reports whether the consumer cannot work on the item.
func (c *consumer) fails() bool {
	return int(c.taken.Token()) <= c.Fails && strings.HasSuffix(string(c.taken.Payload()), ".1")
}

// write makes a record that the consumer works on the item.
func (c *consumer) write() {
	_, err := c.taken.Write(c.wanted, zkapi.Create(ledger+"/"+working+c.record(), nil, zkapi.Persistent))
	switch {
	case err == nil:
		c.host.Note(wroteNote, working+c.record())
	case zkapi.FateOf(err) == zkapi.NotApplied:
		c.host.Note(refusedNote, working+c.record())
	}
}

// working is in front of a record that is none of a consumption.
const working = "on-"

// ack has the item recorded as consumed. If the consumer cannot know whether that was done, it asks
// again. One that is asked to leave does not wait for the answer.
func (c *consumer) ack(ended zkapi.Source) {
	for c.again = false; ; c.again = true {
		zkapi.Checkpoint(c.host, "acknowledge", ended)
		err := c.taken.Ack(c.wanted, zkapi.Create(ledger+"/"+c.record(), nil, zkapi.Persistent))
		switch {
		case err == nil || c.again && errors.Is(err, queue.ErrAcked):
			c.host.Note(ackedNote, c.record())
		case zkapi.FateOf(err) == zkapi.NotApplied && !c.again:
			c.host.Note(refusedNote, c.record())
		case zkapi.FateOf(err) != zkapi.NotApplied && c.taken.Context().Err() == nil && c.wanted.Err() == nil:
			continue
		}
		return
	}
}
