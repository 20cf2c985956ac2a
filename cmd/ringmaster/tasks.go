package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// submitOptions are the options of submit.
type submitOptions struct {
	id, notBefore     string
	wait, lines, full bool
	collect           bool
	task              recipe.Options
	limited           func(context.Context) (context.Context, context.CancelFunc) // bounds one submission
	notDone           int
}

func (s *submitOptions) register(f *pflag.FlagSet) {
	f.StringVar(&s.id, "id", "", "name of your own: submitting it again gives the first task")
	f.BoolVar(&s.wait, "wait", false, "wait for the result and print it")
	f.BoolVar(&s.lines, "lines", false, "each line of standard input is one task")
	f.BoolVar(&s.collect, "collect", false, "with --wait: remove each task once its result is printed")
	f.BoolVar(&s.full, "fail-when-full", false, "fail at once when the backlog is full, instead of waiting")
	f.IntVar(&s.task.MaxAttempts, "max-attempts", 0, "attempts after which it fails; 0: as the master has it")
	f.DurationVar(&s.task.Timeout, "timeout", 0, "how long one execution may take")
	f.DurationVar(&s.task.HeartbeatTimeout, "heartbeat-timeout", 0, "how long its worker may show no progress before it loses the task")
	f.StringVar(&s.notBefore, "not-before", "", "when it may begin: a time such as 2026-03-01T12:00:00Z, or a duration from now such as 5m")
	f.IntVar(&s.task.Priority, "priority", 0, "greater ones are assigned first")
	f.StringVar(&s.task.Key, "key", "", "what a master with --strategy sticky goes by")
	f.BoolVar(&s.task.Resident, "resident", false, "it never ends by itself: one worker holds it at a time, until it is cancelled")
}

// options are the recipe's options of one submission.
func (s *submitOptions) options(now time.Time) ([]recipe.SubmitOption, error) {
	if s.notBefore != "" {
		at, err := time.Parse(time.RFC3339, s.notBefore)
		if d, wrong := time.ParseDuration(s.notBefore); wrong == nil {
			at, err = now.Add(d), nil
		}
		if err != nil {
			return nil, misuse("--not-before %q: write a time such as 2026-03-01T12:00:00Z, or a duration such as 5m", s.notBefore)
		}
		s.task.NotBefore = at.UTC()
	}
	options := []recipe.SubmitOption{recipe.With(s.task)}
	if s.id != "" {
		options = append(options, recipe.ID(s.id))
	}
	if s.full {
		options = append(options, recipe.NoWait())
	}
	return options, nil
}

func submitCommand(o *options) *cobra.Command {
	var s submitOptions
	cmd := &cobra.Command{
		Use: "submit [PAYLOAD | -]", Short: "Submit a task and print its name, or wait for its result", Args: cobra.MaximumNArgs(1),
		Long: `Submit a task and print its name, or, with --wait, its result. The payload is
the argument, or standard input if that is - or missing. With --lines each line
of standard input is a task of its own; with --wait, too, a line with name, state
and result is printed for each as it ends.`,
		Example: `  ringmaster submit hello
  ringmaster submit --wait --timeout 1m --max-attempts 3 - <job.json
  ringmaster submit --id invoice.17 --priority 9 --not-before 5m 'invoice 17'
  seq 1000 | ringmaster submit --lines --wait`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.lines && (len(args) > 0 || s.id != "") {
				return misuse("submit: --lines reads the payloads from standard input: leave out the argument and --id")
			}
			if s.collect && !s.wait {
				return misuse("submit: --collect removes a task once its result is printed: give --wait, too")
			}
			options, err := s.options(time.Now())
			if err != nil {
				return err
			}
			s.limited = o.limited
			if s.lines {
				return o.withClient(cmd, true, func(ctx context.Context, c *recipe.Client) error {
					return s.each(ctx, c, cmd, options)
				})
			}
			payload, err := payloadOf(cmd, args)
			if err != nil {
				return err
			}
			return o.withClient(cmd, true, func(ctx context.Context, c *recipe.Client) error {
				return s.one(ctx, c, cmd, payload, options)
			})
		},
	}
	s.register(cmd.Flags())
	return cmd
}

// payloadOf is the argument, or standard input.
func payloadOf(cmd *cobra.Command, args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return []byte(args[0]), nil
	}
	type read struct {
		payload []byte
		err     error
	}
	all := make(chan read, 1)
	go func() { // a terminal may never end it; the process does
		payload, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), recipe.MaxPayload+1))
		all <- read{payload, err}
	}()
	select {
	case r := <-all:
		if r.err != nil {
			return nil, fmt.Errorf("standard input: %w", r.err)
		}
		return r.payload, nil
	case <-cmd.Context().Done():
		return nil, context.Cause(cmd.Context())
	}
}

// submit submits one task, within --connect-timeout. It waits longer only for a full
// backlog.
func (s *submitOptions) submit(ctx context.Context, c *recipe.Client, payload []byte, options []recipe.SubmitOption) (string, error) {
	for {
		limited, cancel := s.limited(ctx)
		submitted, err := c.Submit(limited, payload, options...)
		cancel()
		if s.full || ctx.Err() != nil || !errors.Is(err, recipe.ErrBacklogFull) {
			return submitted.Task, err
		}
	}
}

// one submits a single task.
func (s *submitOptions) one(ctx context.Context, c *recipe.Client, cmd *cobra.Command, payload []byte, options []recipe.SubmitOption) error {
	name, err := s.submit(ctx, c, payload, options)
	if err != nil {
		return err
	}
	if !s.wait {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), name)
		return err
	}
	status, err := c.Await(ctx, name)
	if err != nil {
		return fmt.Errorf("%s was accepted: %w", name, err)
	}
	if _, err := cmd.OutOrStdout().Write(status.Result); err != nil {
		return fmt.Errorf("%s is %s: %w", name, status.State, err)
	}
	if s.collect {
		if err := c.Collect(ctx, name); err != nil {
			return err
		}
	}
	if status.State != recipe.Done {
		tell(cmd.ErrOrStderr(), "%s is %s: %s; see ringmaster tasks show %s\n", name, status.State, status.Reason, name)
		return errTask
	}
	return nil
}

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
func (s *submitOptions) each(ctx context.Context, c *recipe.Client, cmd *cobra.Command, options []recipe.SubmitOption) error {
	b := &batch{out: cmd.OutOrStdout(), problems: cmd.ErrOrStderr()}
	var work sync.WaitGroup
	submitting, waiting := make(chan struct{}, inFlight), make(chan struct{}, awaited)
	lines := readLines(ctx, cmd.InOrStdin())
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
				b.failed(fmt.Errorf("%s was accepted: %w", name, err))
			}
		})
	}
	work.Wait()
	if lines.err != nil {
		b.failed(misuse("standard input: %w: a line is at most %d bytes long", lines.err, recipe.MaxPayload))
	}
	switch {
	case b.err != nil:
		return fmt.Errorf("%d tasks were accepted, %d lines went wrong; the first or most important: %w", b.accepted, b.wrong, b.err)
	case s.notDone > 0:
		return errTask
	}
	return context.Cause(ctx)
}

// finish prints the outcome of an accepted task, and collects the task only when that
// has been printed.
func (s *submitOptions) finish(ctx context.Context, c *recipe.Client, name string, b *batch) error {
	b.mu.Lock()
	b.accepted++
	b.mu.Unlock()
	if !s.wait {
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
	if s.collect {
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

func oneLine(result, reason string) string {
	if result == "" {
		result = reason
	}
	return strings.ReplaceAll(strings.TrimSpace(result), "\n", " ")
}

func clip(text string, most int) string {
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// taskNames are arguments that name tasks, each the last part of a path in ZooKeeper.
func taskNames(many cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for _, name := range args {
			if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
				return fmt.Errorf("%q is not the name of a task, such as task-invoice.17", name)
			}
		}
		return many(cmd, args)
	}
}

func cancelCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "cancel TASK...", Short: "Cancel tasks, unless they are finished", Args: taskNames(cobra.MinimumNArgs(1)),
		Long: "Cancel tasks, unless they are finished, and print the state of each. A task that waits\n" +
			"ends at once; one that runs is stopped, and its result is refused.",
		Example: "  ringmaster cancel task-invoice.17",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withClient(cmd, false, func(ctx context.Context, c *recipe.Client) error {
				late := false
				for _, task := range args {
					status, err := c.Cancel(ctx, task)
					if err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", task, status.State)
					if status.State != recipe.Cancelled {
						late = true
						tell(cmd.ErrOrStderr(), "%s had ended before it could be cancelled: it is %s\n", task, status.State)
					}
				}
				if late {
					return errTask
				}
				return nil
			})
		},
	}
}

func collectCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "collect TASK...", Short: "Remove finished tasks whose results have been seen", Args: taskNames(cobra.MinimumNArgs(1)),
		Long: "Remove finished tasks whose results have been seen. One that was cancelled is removed by\n" +
			"a master, when its worker has given it back, and so is one with more below it than one\n" +
			"write holds: collect waits for that (--connect-timeout).",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withClient(cmd, false, func(ctx context.Context, c *recipe.Client) error {
				for _, task := range args {
					if err := c.Collect(ctx, task); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func tasksCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tasks", Short: "Look at tasks", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(listCommand(o), showCommand(o))
	return cmd
}

func listCommand(o *options) *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use: "list", Short: "List tasks", Args: cobra.NoArgs, Example: "  ringmaster tasks list --state failed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if state != "" && !slices.Contains(states, state) {
				return misuse("--state %q: choose %s", state, strings.Join(states, ", "))
			}
			return o.withClient(cmd, false, func(ctx context.Context, c *recipe.Client) error {
				all, err := c.Overview(ctx)
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "TASK\tSTATE\tWORKER\tATTEMPTS LOST")
				for _, t := range all.Tasks {
					if s := stateOf(t); state == "" || s == state {
						tell(table, "%s\t%s\t%s\t%d\n", t.Name, s, t.Worker, t.Attempts)
					}
				}
				for _, u := range all.Unreadable {
					tell(cmd.ErrOrStderr(), "not shown by the server: %s: %s\n", u.Path, oneLine(u.Reason, ""))
				}
				return table.Flush()
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only those: "+strings.Join(states, ", "))
	return cmd
}

// states are all results of stateOf.
var states = []string{
	string(recipe.Pending), string(recipe.Assigned), string(recipe.Done), string(recipe.Failed), string(recipe.Cancelled),
	unknownState,
}

// unknownState is the state of a task whose status the server does not show.
const unknownState = "unknown"

// stateOf is the state of a task as lists show it.
func stateOf(t recipe.TaskInfo) string {
	if t.State == "" || t.State == recipe.Finished {
		return unknownState
	}
	return string(t.State)
}

func showCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show TASK", Short: "Show everything about a task, with the history of its attempts", Args: taskNames(cobra.ExactArgs(1)),
		Example: "  ringmaster tasks show task-invoice.17",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withClient(cmd, false, func(ctx context.Context, c *recipe.Client) error {
				d, err := c.Inspect(ctx, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(detailOf(d))
				}
				return printDetail(cmd.OutOrStdout(), d)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printDetail(w io.Writer, d recipe.TaskDetail) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { tell(table, name+"\t"+format+"\n", args...) }
	line("task", "%s", d.Name)
	if slices.ContainsFunc(d.Unreadable, func(u recipe.Unreadable) bool { return strings.HasSuffix(u.Path, "/tasks/"+d.Name) }) && d.Payload == nil {
		line("payload", "not shown")
	} else {
		line("payload", "%d bytes: %s", len(d.Payload), clip(oneLine(string(d.Payload), ""), 100))
	}
	if options, err := json.Marshal(optionsOf(d.Options)); err == nil && !d.Options.IsZero() {
		line("options", "%s", options)
	}
	switch s := d.Status; {
	case s != nil && s.State == "":
		line("state", "finished, and the status is not shown")
	case s != nil:
		line("state", "%s%s", s.State, by(s.Worker, s.Token))
		if !s.Ended.IsZero() {
			line("ended", "%s", moment(s.Ended))
		}
		if s.Reason != "" {
			line("reason", "%s", oneLine(s.Reason, ""))
		}
		line("result", "%d bytes: %s", len(s.Result), clip(oneLine(string(s.Result), ""), 100))
	case d.Worker != "":
		line("state", "assigned%s", by(d.Worker, d.Token))
	default:
		line("state", "pending")
	}
	if d.Progress != nil {
		line("progress", "%s", clip(oneLine(string(d.Progress), ""), 100))
	}
	for _, a := range d.History {
		when := ""
		if !a.Ended.IsZero() {
			when = moment(a.Ended) + " "
		}
		line(fmt.Sprintf("attempt %d", a.Token.Attempt), "%s%s: %s", when, strings.TrimPrefix(by(a.Worker, a.Token), " by "), oneLine(a.Reason, ""))
	}
	for _, p := range d.Problems {
		line("problem", "%s %s; in zkCli: %s", p.Path, p.What, p.Remedy)
	}
	for _, u := range d.Unreadable {
		line("not shown", "%s: %s", u.Path, oneLine(u.Reason, ""))
	}
	return table.Flush()
}

func by(worker string, token recipe.Token) string {
	if worker == "" {
		return ""
	}
	return fmt.Sprintf(" by %s (epoch %d, attempt %d)", worker, token.Epoch, token.Attempt)
}
