package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// Submission is the command submit.
type Submission struct {
	ID, NotBefore string
	Wait, Lines   bool
	IDs, Numbers  bool // of lines
	JSON          bool
	FailWhenFull  bool
	Collect       bool
	Task          recipe.Options

	limited func(context.Context) (context.Context, context.CancelFunc) // bounds one submission
	patient time.Duration                                               // as limited, for many; 0: without bound
	late    error                                                       // why it ends
	notDone int
}

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run submits the payload in args, or on standard input.
func (s *Submission) Run(ctx context.Context, o *Options, streams Streams, args []string) error {
	if s.Lines && (len(args) > 0 || s.ID != "") {
		return misuse("submit: --lines reads the payloads from standard input: leave out the argument and --id")
	}
	if (s.IDs || s.Numbers) && !s.Lines {
		return misuse("submit: --ids and --numbers are about lines: give --lines, too")
	}
	if s.Collect && !s.Wait {
		return misuse("submit: --collect removes a task after its result was printed: give --wait, too")
	}
	options, err := s.options(time.Now())
	if err != nil {
		return err
	}
	s.limited, s.patient, s.late = o.limited, o.ConnectTimeout, o.late()
	if onTerminal(streams.In) && (len(args) == 0 || args[0] == "-") {
		printf(streams.Err, "reading standard input: type the payload, and end it with Ctrl-D\n")
	}
	if s.Lines {
		return o.withClient(ctx, true, func(ctx context.Context, c *recipe.Client) error {
			return s.each(ctx, c, streams, options)
		})
	}
	return o.withClient(ctx, true, func(ctx context.Context, c *recipe.Client) error {
		payload, err := payloadOf(ctx, streams.In, args, recipe.MaxPayload)
		if err != nil {
			return err
		}
		return s.one(ctx, c, streams, payload, options)
	})
}

// options are the recipe's options of one submission.
func (s *Submission) options(now time.Time) ([]recipe.SubmitOption, error) {
	if s.NotBefore != "" {
		at, err := time.Parse(time.RFC3339, s.NotBefore)
		if d, wrong := time.ParseDuration(s.NotBefore); wrong == nil {
			if d < 0 {
				return nil, misuse("--not-before %s: give a duration that is not negative, or a time", s.NotBefore)
			}
			at, err = now.Add(d), nil
		}
		if err != nil {
			return nil, misuse("--not-before %q: write a time such as 2026-03-01T12:00:00Z, or a duration such as 5m", s.NotBefore)
		}
		s.Task.NotBefore = at.UTC()
	}
	options := []recipe.SubmitOption{recipe.With(s.Task)}
	if s.ID != "" {
		options = append(options, recipe.ID(s.ID))
	}
	if s.FailWhenFull {
		options = append(options, recipe.NoWait())
	}
	return options, nil
}

// payloadOf is the argument, or standard input. Of standard input with more than most bytes it is the
// beginning, one byte too long, so that the recipe refuses it.
func payloadOf(ctx context.Context, in io.Reader, args []string, most int) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return []byte(args[0]), nil
	}
	type read struct {
		payload []byte
		err     error
	}
	all := make(chan read, 1)
	go func() { // a terminal may never end it; the process does
		payload, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
		all <- read{payload, err}
	}()
	select {
	case r := <-all:
		if r.err != nil {
			return nil, fmt.Errorf("standard input cannot be read: %w", r.err)
		}
		return r.payload, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// submit submits one task, within --connect-timeout. It waits longer only for a full backlog: that
// time may be up just when there is room, so it tries once more then.
func (s *Submission) submit(ctx context.Context, c *recipe.Client, payload []byte, options []recipe.SubmitOption) (string, error) {
	for full := false; ; {
		limited, cancel := s.limited(ctx)
		submitted, err := c.Submit(limited, payload, options...)
		late := limited.Err() != nil
		cancel()
		l, again := line{}, full && late
		if full = errors.Is(err, recipe.ErrBacklogFull); err == nil || s.FailWhenFull || ctx.Err() != nil || !full && !(again && l.canGoAgain(err)) {
			return submitted.Task, err
		}
		if l.id != "" {
			options = append(options, recipe.ID(l.id))
		}
	}
}

// one submits a single task.
func (s *Submission) one(ctx context.Context, c *recipe.Client, streams Streams, payload []byte, options []recipe.SubmitOption) error {
	name, err := s.submit(ctx, c, payload, options)
	if err != nil {
		return err
	}
	if !s.Wait {
		return outcome{Task: name}.print(streams.Out, s)
	}
	stall := &stall{ready: c.Readiness, say: func(text string) { printf(streams.Err, "ringmaster: %s\n", text) }}
	stop := stall.watch(ctx)
	status, err := stall.await(ctx, c, name)
	stop()
	if err != nil {
		return fmt.Errorf("%s was accepted, but the command failed afterwards: %w", name, err)
	}
	answer := func() error { return write(streams.Out, status.Result) }
	if s.JSON {
		answer = func() error { return outcomeOf(0, name, status).print(streams.Out, s) }
	}
	if err := answer(); err != nil {
		return fmt.Errorf("%s is %s: %w", name, status.State, err)
	}
	if s.Collect {
		if err := c.Collect(ctx, name); err != nil {
			return err
		}
	}
	if status.State != recipe.Done {
		printf(streams.Err, "%s is %s: %s; see ringmaster tasks show %s\n", name, status.State, status.Reason, name)
		return errTask
	}
	return nil
}
