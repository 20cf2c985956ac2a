package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// batch sums up the submissions of many lines.
type batch struct {
	client *recipe.Client
	own    []recipe.SubmitOption // of each line
	stall  *stall
	lines  *input
	again  []line // lines to be submitted again, because the backlog was full, or the time was up
	heard  bool   // the servers have answered in the run before

	waiting, printed fifo[int] // the lines of tasks whose results are awaited, and of those that have them

	mu              sync.Mutex
	out, problems   io.Writer
	accepted, wrong int
	err             error // the most severe one
}

// next is the next line; one without a number if ctx has ended before it came.
func (b *batch) next(ctx context.Context) (l line, more bool) {
	if len(b.again) > 0 {
		l, b.again = b.again[0], b.again[1:]
		return l, true
	}
	select {
	case l, more = <-b.lines.all:
		return l, more
	case <-ctx.Done():
		return line{}, true
	}
}

// say reports what concerns all lines.
func (b *batch) say(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	printf(b.problems, "ringmaster: %s\n", text)
}

// failed reports a line at once, because many more lines may follow.
func (b *batch) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong++
	printf(b.problems, "ringmaster: %s\n", sentence(err.Error()))
	if b.err == nil || rank(err) < rank(b.err) {
		b.err = err
	}
}

func (b *batch) print(s *Submission, o outcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return o.print(b.out, s)
}

// each submits every line as a task of its own.
func (s *Submission) each(ctx context.Context, c *recipe.Client, streams Streams, options []recipe.SubmitOption) error {
	b := &batch{out: streams.Out, problems: streams.Err, client: c, own: options, lines: readLines(ctx, streams.In, s.longest())}
	b.stall = &stall{ready: c.Readiness, say: b.say}
	defer b.stall.watch(ctx)()
	if !s.Wait {
		for range s.accepted(ctx, b) {
		}
	} else {
		for range s.collected(ctx, b, s.awaited(ctx, b, s.accepted(ctx, b))) {
		}
	}
	if b.lines.err != nil {
		b.failed(fmt.Errorf("standard input cannot be read: %w", b.lines.err))
	}
	switch {
	case b.err != nil:
		return fmt.Errorf("%d tasks were accepted, %d lines failed; the most important error: %w", b.accepted, b.wrong, b.err)
	case s.notDone > 0:
		return errTask
	}
	return context.Cause(ctx)
}

// accepted submits the lines and yields the names of the tasks, in order. It prints them,
// unless the command waits for the results.
func (s *Submission) accepted(ctx context.Context, b *batch) iter.Seq[string] {
	return func(yield func(string) bool) {
		for ctx.Err() == nil && s.run(ctx, b, yield) {
		}
		for _, l := range b.again { // ctx has ended
			b.failed(l.wrong(fmt.Errorf("%w: %w", recipe.ErrBacklogFull, context.Cause(ctx))))
		}
	}
}

// run submits lines until standard input or ctx has ended, or no answer has come for
// --connect-timeout. It reports whether there may be lines left. A run that waits for room ends at that
// time although the servers answer, perhaps just when they have room. So a line is submitted again if
// they have answered another one in this run, or in the one before.
func (s *Submission) run(ctx context.Context, b *batch, yield func(string) bool) (more bool) {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := &patience{limit: s.patient, late: func() { cancel(s.late) }}
	defer clock.pause()
	var sent fifo[line]
	var again []line
	answered, before := false, b.heard
	for submitted, err := range b.client.SubmitAll(limited, s.submissions(limited, b, &sent, clock, &more)) {
		clock.pause()
		l := sent.pop()
		switch {
		case errors.Is(err, recipe.ErrBacklogFull) && !s.FailWhenFull && ctx.Err() == nil:
			answered, again = true, append(again, l)
		case (answered || before) && errors.Is(err, s.late) && l.canGoAgain(err): // it is for want of room, or a later run says so
			again = append(again, l)
		case err != nil:
			b.failed(l.wrong(err))
		default:
			answered = true
			s.accept(b, l, submitted.Task)
			if !yield(submitted.Task) {
				return false
			}
		}
		clock.goOn(sent.some)
	}
	b.again, b.heard = append(again, b.again...), answered
	return more || len(b.again) > 0
}

// canGoAgain reports whether a line whose submission has failed may be submitted again. If the task
// may be there, the line gets its id, so that it stays one task.
func (l *line) canGoAgain(err error) bool {
	if doubt, ok := errors.AsType[*recipe.AmbiguousError](err); ok {
		l.id = doubt.ID
		return true
	}
	return zkapi.FateOf(err) != zkapi.Applied
}

// submissions are the lines that have not been submitted. A line that is wrong is reported.
func (s *Submission) submissions(ctx context.Context, b *batch, sent *fifo[line], clock *patience, more *bool) iter.Seq[recipe.Submission] {
	return func(yield func(recipe.Submission) bool) {
		for ctx.Err() == nil {
			var l line
			if l, *more = b.next(ctx); !*more || l.number == 0 {
				return
			}
			id, payload, err := s.parse(l)
			if err != nil {
				b.failed(l.wrong(err))
				continue
			}
			one := recipe.Submission{Payload: payload, Options: b.own}
			if id != "" {
				one.Options = append(b.own[:len(b.own):len(b.own)], recipe.ID(id))
			}
			sent.push(l)
			clock.await()
			if !yield(one) {
				return
			}
		}
	}
}

// accept notes an accepted task, and prints its name unless the command waits for its result.
func (s *Submission) accept(b *batch, l line, name string) {
	b.accepted++
	if s.Wait {
		b.waiting.push(l.number)
		b.stall.awaited.Add(1)
		return
	}
	if err := b.print(s, outcome{Line: l.number, Task: name}); err != nil {
		b.failed(afterwards(l.number, name, err))
	}
}

// awaited waits for the tasks, prints their outcomes in order, and yields their names.
func (s *Submission) awaited(ctx context.Context, b *batch, tasks iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for awaited, err := range b.client.AwaitAll(ctx, tasks) {
			b.stall.awaited.Add(-1)
			number, name := b.waiting.pop(), awaited.Task
			if err == nil {
				status := b.client.WithReason(ctx, name, awaited.Status)
				if status.State != recipe.Done {
					s.notDone++
				}
				err = b.print(s, outcomeOf(number, name, status))
			}
			if err != nil {
				b.failed(afterwards(number, name, err))
				continue
			}
			if s.Collect {
				b.printed.push(number)
			}
			if !yield(name) {
				return
			}
		}
	}
}

// collected removes the tasks whose outcomes were printed, if it was asked for.
func (s *Submission) collected(ctx context.Context, b *batch, tasks iter.Seq[string]) iter.Seq[string] {
	if !s.Collect {
		return tasks
	}
	return func(yield func(string) bool) {
		for name, err := range b.client.CollectAll(ctx, tasks) {
			number := b.printed.pop()
			if err != nil {
				b.failed(afterwards(number, name, err))
			}
			if !yield(name) {
				return
			}
		}
	}
}

func afterwards(number int, name string, err error) error {
	return fmt.Errorf("line %d: %s was accepted, but the command failed afterwards: %w", number, name, err)
}

// longestID is the room for the id in a line with --ids, in bytes.
const longestID = 4 << 10

// longest is the length of the longest line that is submitted, in bytes.
func (s *Submission) longest() int {
	if s.IDs {
		return recipe.MaxPayload + longestID
	}
	return recipe.MaxPayload
}

// parse takes a line apart: with --ids it is the id, a tab and the payload.
func (s *Submission) parse(l line) (id string, payload []byte, err error) {
	switch {
	case l.long:
		return "", nil, misuse("the line is longer than %d bytes: give a shorter payload", s.longest())
	case !s.IDs:
		return l.id, l.text, nil
	}
	before, payload, found := bytes.Cut(l.text, []byte("\t"))
	if !found || len(before) == 0 {
		return "", nil, misuse("there is no id: with --ids write the id, a tab and the payload")
	}
	return string(before), payload, nil
}

// outcome is what submit prints about a task, with the names of its JSON.
type outcome struct {
	Line     int          `json:"line,omitempty"` // of standard input; the first is 1
	Task     string       `json:"task"`
	State    recipe.State `json:"state,omitempty"` // only with --wait, as all below
	Result   string       `json:"result,omitempty"`
	Result64 string       `json:"result_base64,omitempty"` // only if the result is not UTF-8
	Reason   string       `json:"reason,omitempty"`
}

func outcomeOf(number int, name string, s recipe.Status) outcome {
	return outcome{number, name, s.State, string(s.Result), binary(string(s.Result)), s.Reason}
}

// print writes an outcome in one line: JSON, or columns.
func (o outcome) print(w io.Writer, s *Submission) error {
	if s.JSON {
		return printJSON(w, o)
	}
	if s.Numbers {
		if err := printf(w, "%d\t", o.Line); err != nil {
			return err
		}
	}
	if !s.Wait {
		return printf(w, "%s\n", o.Task)
	}
	return printf(w, "%s\t%s\t%s\n", o.Task, o.State, oneLine(o.Result, o.Reason))
}
