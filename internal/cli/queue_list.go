package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// QueueList is the command queue ls.
type QueueList struct {
	Queue
	Dead, JSON bool
}

// queueLine is a line of queue ls --json.
type queueLine struct {
	ID       string     `json:"id"`
	State    string     `json:"state"` // free, held, delayed or dead
	Priority int        `json:"priority"`
	Takes    int        `json:"takes"`
	Size     int        `json:"size"`
	Holder   string     `json:"holder,omitempty"`
	Session  string     `json:"session,omitempty"`
	Due      *time.Time `json:"due,omitempty"`
}

// Run prints what a queue has.
func (l QueueList) Run(ctx context.Context, o *Options, s Streams, name string) error {
	q, _, _, err := l.open(o, name)
	if err != nil {
		return err
	}
	defer endSession(q.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	listing, err := q.List(ctx)
	if err != nil {
		return fmt.Errorf("queue ls: %w", err)
	}
	var found []queueLine
	if !l.Dead {
		found = append(linesOf("free", listing.Items), linesOf("delayed", listing.Delayed)...)
	}
	found = append(found, linesOf("dead", listing.Dead)...)
	if l.JSON {
		for _, one := range found {
			if err := printJSON(s.Out, one); err != nil {
				return err
			}
		}
		return nil
	}
	return showQueue(s, found, l.Dead)
}

func linesOf(state string, entries []queue.Entry) []queueLine {
	var lines []queueLine
	for _, e := range entries {
		one := queueLine{ID: e.ID, State: state, Priority: e.Priority, Takes: e.Takes, Size: e.Size, Holder: e.Holder}
		if e.Held {
			one.State = "held"
			if one.Session = "none: this claim stays until a person deletes it"; e.Session != 0 {
				one.Session = fmt.Sprintf("0x%x", uint64(e.Session))
			}
		}
		if !e.Due.IsZero() {
			due := e.Due.UTC()
			one.Due = &due
		}
		lines = append(lines, one)
	}
	return lines
}

func showQueue(s Streams, found []queueLine, dead bool) error {
	switch {
	case len(found) == 0 && dead:
		return printf(s.Out, "the queue has no dead letters\n")
	case len(found) == 0:
		return printf(s.Out, "the queue is empty\n")
	}
	var b strings.Builder
	var all table
	all.add("ITEM", "STATE", "PRIORITY", "TAKES", "BYTES", "HOLDER", "SESSION OR TIME")
	for _, one := range found {
		last := one.Session
		if one.Due != nil {
			last = one.Due.Format(time.RFC3339)
		}
		all.add(one.ID, one.State, one.Priority, one.Takes, one.Size, one.Holder, last)
	}
	_ = all.print(&b, onTerminal(s.Out)) // into memory
	return send(s.Out, &b)
}
