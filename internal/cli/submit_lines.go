package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// The number of lines that are submitted, and waited for, at a time.
const (
	inFlight = 64
	awaited  = 10_000
)

// batch sums up the submissions of many lines.
type batch struct {
	mu              sync.Mutex
	out, problems   io.Writer
	accepted, wrong int
	err             error // the most severe one
}

// failed reports a line at once, because many more lines may follow.
func (b *batch) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong++
	fmt.Fprintln(b.problems, "ringmaster:", oneLine(err.Error(), ""))
	if b.err == nil || rank(err) < rank(b.err) {
		b.err = err
	}
}

func (b *batch) print(format string, args ...any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := fmt.Fprintf(b.out, format, args...)
	return err
}

// each submits every line as a task of its own.
func (s *Submission) each(ctx context.Context, c *recipe.Client, streams Streams, options []recipe.SubmitOption) error {
	b := &batch{out: streams.Out, problems: streams.Err}
	var work sync.WaitGroup
	submitting, waiting := make(chan struct{}, inFlight), make(chan struct{}, awaited)
	lines := readLines(ctx, streams.In)
	for line := range lines.all {
		waiting <- struct{}{}
		submitting <- struct{}{}
		work.Go(func() {
			defer func() { <-waiting }()
			name, err := s.submit(ctx, c, line, options)
			<-submitting
			if err != nil {
				b.failed(fmt.Errorf("line %q: %w", clip(string(line), 40), err))
				return
			}
			if err := s.finish(ctx, c, name, b); err != nil {
				b.failed(fmt.Errorf("%s was accepted, but the command failed afterwards: %w", name, err))
			}
		})
	}
	work.Wait()
	if lines.err != nil {
		b.failed(misuse("standard input: %w: a line is at most %d bytes long", lines.err, recipe.MaxPayload))
	}
	switch {
	case b.err != nil:
		return fmt.Errorf("%d tasks were accepted, %d lines failed; the most important error: %w", b.accepted, b.wrong, b.err)
	case s.notDone > 0:
		return errTask
	}
	return context.Cause(ctx)
}

// finish prints the outcome of an accepted task, and collects the task only when that
// has been printed.
func (s *Submission) finish(ctx context.Context, c *recipe.Client, name string, b *batch) error {
	b.mu.Lock()
	b.accepted++
	b.mu.Unlock()
	if !s.Wait {
		return b.print("%s\n", name)
	}
	status, err := c.Await(ctx, name)
	if err != nil {
		return err
	}
	if err := b.print("%s\t%s\t%s\n", name, status.State, oneLine(string(status.Result), status.Reason)); err != nil {
		return err
	}
	if status.State != recipe.Done {
		b.mu.Lock()
		s.notDone++
		b.mu.Unlock()
	}
	if s.Collect {
		return c.Collect(ctx, name)
	}
	return nil
}

// input is standard input, line by line, until ctx ends.
type input struct {
	all chan []byte
	err error // when all is closed
}

func readLines(ctx context.Context, r io.Reader) *input {
	in := &input{all: make(chan []byte)}
	scanned := make(chan []byte)
	var problem error
	go func() { // a terminal may never end it; the process does
		defer close(scanned)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, recipe.MaxPayload+1)
		for lines.Scan() {
			select {
			case scanned <- []byte(lines.Text()):
			case <-ctx.Done():
				return
			}
		}
		problem = lines.Err()
	}()
	go func() {
		defer close(in.all)
		for {
			select {
			case line, more := <-scanned:
				if !more {
					in.err = problem
					return
				}
				in.all <- line
			case <-ctx.Done():
				return
			}
		}
	}()
	return in
}
