package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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
	stall           *stall
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
	b := &batch{out: streams.Out, problems: streams.Err}
	b.stall = &stall{ready: c.Readiness, say: b.say}
	defer b.stall.watch(ctx)()
	var work sync.WaitGroup
	submitting, waiting := make(chan struct{}, inFlight), make(chan struct{}, awaited)
	lines := readLines(ctx, streams.In, s.longest())
	for l := range lines.all {
		id, payload, err := s.parse(l)
		if err != nil {
			b.failed(l.wrong(err))
			continue
		}
		own := options
		if s.IDs {
			own = append(options[:len(options):len(options)], recipe.ID(id))
		}
		waiting <- struct{}{}
		submitting <- struct{}{}
		work.Go(func() {
			defer func() { <-waiting }()
			name, err := s.submit(ctx, c, payload, own)
			<-submitting
			if err != nil {
				b.failed(l.wrong(err))
				return
			}
			if err := s.finish(ctx, c, l.number, name, b); err != nil {
				b.failed(fmt.Errorf("line %d: %s was accepted, but the command failed afterwards: %w", l.number, name, err))
			}
		})
	}
	work.Wait()
	if lines.err != nil {
		b.failed(fmt.Errorf("standard input cannot be read: %w", lines.err))
	}
	switch {
	case b.err != nil:
		return fmt.Errorf("%d tasks were accepted, %d lines failed; the most important error: %w", b.accepted, b.wrong, b.err)
	case s.notDone > 0:
		return errTask
	}
	return context.Cause(ctx)
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
		return "", l.text, nil
	}
	before, payload, found := bytes.Cut(l.text, []byte("\t"))
	if !found || len(before) == 0 {
		return "", nil, misuse("there is no id: with --ids write the id, a tab and the payload")
	}
	return string(before), payload, nil
}

// finish prints the outcome of an accepted task, and collects the task only when that
// has been printed.
func (s *Submission) finish(ctx context.Context, c *recipe.Client, number int, name string, b *batch) error {
	b.mu.Lock()
	b.accepted++
	b.mu.Unlock()
	if !s.Wait {
		return b.print(s, outcome{Line: number, Task: name})
	}
	status, err := b.stall.await(ctx, c, name)
	if err != nil {
		return err
	}
	if err := b.print(s, outcomeOf(number, name, status)); err != nil {
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

// line is a line of standard input without its end.
type line struct {
	number int // the first is 1
	text   []byte
	long   bool // it is longer than what is submitted, and text is its beginning
}

// wrong says which line an error is about.
func (l line) wrong(err error) error {
	return fmt.Errorf("line %d %q: %w", l.number, clip(string(l.text), 40), err)
}

// input is standard input, line by line, until ctx ends.
type input struct {
	all chan line
	err error // when all is closed
}

// readLines reads lines of at most longest bytes in full. Of a longer one it keeps the
// beginning, and goes on with the next.
func readLines(ctx context.Context, r io.Reader, longest int) *input {
	in := &input{all: make(chan line)}
	scanned := make(chan line)
	var problem error
	go func() { // a terminal may never end it; the process does
		defer close(scanned)
		lines := bufio.NewReader(r)
		for n := 1; ; n++ {
			text, long, err := readLine(lines, longest)
			if err == nil || len(text) > 0 {
				select {
				case scanned <- line{n, text, long}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					problem = err
				}
				return
			}
		}
	}()
	go func() {
		defer close(in.all)
		for {
			select {
			case l, more := <-scanned:
				if !more {
					in.err = problem
					return
				}
				in.all <- l
			case <-ctx.Done():
				return
			}
		}
	}()
	return in
}

// readLine reads up to the end of a line, which is not part of the text.
func readLine(r *bufio.Reader, longest int) (text []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := longest + len("\r\n") - len(text); len(part) > room { // the rest is read, too
			long, part = true, part[:room]
		}
		text = append(text, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !long {
			text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
			long = len(text) > longest
		}
		return text, long, err
	}
}
