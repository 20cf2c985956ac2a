package participant

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// ErrLeave is the cause of a participant's context after it was told to leave, or after
// its harness has died.
var ErrLeave = errors.New("asked to leave")

// Run runs a participant until it gets SIGTERM or its standard input ends, or, for a
// client, until it is drained.
func Run(ctx context.Context, config Config, input io.Reader) error {
	// An interrupt of the terminal reaches the whole process group. The harness decides
	// its meaning, and then sends SIGTERM or closes the input.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	heed(ctx, leave)
	journal, err := record.Create(config.Journal, config.Name, config.Life, func() time.Duration { return clock.Now() - config.Origin })
	if err != nil {
		return err
	}
	defer journal.Close()
	logFile, err := os.OpenFile(config.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug})).With("life", config.Life)
	if config.Resolver != "" {
		net.DefaultResolver = resolver(config.Resolver)
	}
	driver, err := zkclient.New(zkclient.Config{
		Servers: config.Servers, SessionTimeout: config.SessionTimeout, Logger: log, Credentials: config.credentials(), MaxRequest: config.MaxRequest,
	})
	if err != nil {
		return err
	}
	asleep, stop, err := sleeps(ctx, config, journal, driver.Elapsed)
	if err != nil {
		return err
	}
	defer stop()
	draining := make(chan struct{})
	go obey(input, draining, leave)
	stage := Stage{
		Config: config, Env: driver, Journal: journal, Log: log, Draining: draining, sleep: asleep,
		Now: func() time.Duration { return clock.Now() - config.Origin },
	}
	if config.Role == Worker || config.Role == Node {
		sink, err := dialSink(config.Sink)
		if err != nil {
			return err
		}
		defer sink.Close()
		stage.Effect = sink.effect
	}
	return stage.Play(ctx)
}

// Stage is the environment of a participant.
type Stage struct {
	Config   Config
	Env      zkapi.Env
	Journal  *record.Journal
	Log      *slog.Logger
	Effect   func(EffectArgs) error // the system outside; for participants that work
	Now      func() time.Duration   // since the run began
	Draining <-chan struct{}        // closed when a client must submit no more

	sleep *sleep
}

// Play runs the role until ctx ends, or, for a client, until it is drained and has
// heard of all its tasks. It is no error if the participant was told to leave.
func (s Stage) Play(ctx context.Context) error {
	config := s.Config
	clocked := skewed{Env: s.Env, by: config.Skew, sleep: s.sleep}
	s.Journal.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: clocked.Now().UTC().Round(0)}})
	env := &recorder{Env: clocked, journal: s.Journal, namespace: config.Namespace}
	var err error
	switch config.Role {
	case Master:
		err = runMaster(ctx, env, config, s.Journal, s.Log)
	case Worker, Node:
		err = runWorker(ctx, env, config, s.Journal, s.Log, s.Effect)
	case Client:
		err = runClient(ctx, env, config, s.Journal, s.Log, s)
	default:
		err = fmt.Errorf("participant: unknown role %q", config.Role)
	}
	if errors.Is(err, ErrLeave) {
		return nil
	}
	return err
}

// heed leaves on SIGTERM.
func heed(ctx context.Context, leave context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		defer signal.Stop(signals)
		select {
		case <-signals:
			leave(ErrLeave)
		case <-ctx.Done():
		}
	}()
}

// obey reads the harness' commands until there are no more.
func obey(input io.Reader, draining chan<- struct{}, leave context.CancelCauseFunc) {
	lines := bufio.NewScanner(input)
	drained := false
	for lines.Scan() {
		if lines.Text() == Drain && !drained {
			drained = true
			close(draining)
		}
	}
	leave(ErrLeave)
}

// leavePatience is the time in which a participant that is told to leave finishes its
// tasks.
const leavePatience = 5 * time.Second

// serve runs a role until ctx ends.
func serve(ctx context.Context, env zkapi.Env, r recipe.Role, journal *record.Journal, log *slog.Logger) error {
	err := recipe.RunUntil(ctx, env, leaving{r, journal}, leavePatience)
	if ctx.Err() == nil {
		return err
	}
	if err != nil {
		log.Info("left", "error", err)
	}
	return context.Cause(ctx)
}

// leaving records how a role leaves. It leaves in good order if it kept to its time,
// and the ensemble has confirmed it.
type leaving struct {
	recipe.Role
	journal *record.Journal
}

// Close closes the role and records how it left.
func (l leaving) Close(ctx context.Context) error {
	leave := l.journal.Add(record.Event{Type: record.Invoke, Kind: record.Leave, Of: record.Departure{}})
	err := l.Role.Close(ctx)
	why := err
	if why == nil && ctx.Err() != nil {
		why = context.Cause(ctx)
	}
	if why == nil {
		l.journal.Complete(leave, record.OK, record.Departure{})
	} else {
		l.journal.Complete(leave, record.Fail, record.Departure{Problem: why.Error()})
	}
	return err
}

func masterConfig(config Config, journal *record.Journal, log *slog.Logger) recipe.MasterConfig {
	return recipe.MasterConfig{
		Namespace: config.Namespace, Access: config.access(), Name: config.Name, Address: config.Name + ":0", Observers: recipe.Observers{Logger: log},
		MaxAttempts: MaxAttempts, MaxHandovers: MaxHandovers, Retention: config.Retention, MaxBacklog: MaxBacklog, Strategy: config.strategy(),
		OnLead: func(ctx context.Context, lead recipe.Lead) {
			epoch := lead.Epoch()
			term := journal.Add(record.Event{Type: record.Invoke, Kind: record.Lead, Of: record.Term{Epoch: epoch}})
			<-ctx.Done()
			letGo(ctx, config, record.Token{Epoch: epoch})
			journal.Complete(term, record.OK, record.Term{Epoch: epoch, Cause: context.Cause(ctx).Error()})
		},
	}
}

func runMaster(ctx context.Context, env zkapi.Env, config Config, journal *record.Journal, log *slog.Logger) error {
	master, err := recipe.NewMaster(env, masterConfig(config, journal, log))
	if err != nil {
		return err
	}
	return serve(ctx, env, followed{master, master, journal}, journal, log)
}

// followed records the changes that a role's master reports.
type followed struct {
	recipe.Role
	master  *recipe.Master
	journal *record.Journal
}

// Run runs the role and notes the reports of its master.
func (f followed) Run(ctx context.Context) error {
	told := make(chan struct{})
	following, stop := context.WithCancel(ctx)
	go func() {
		defer close(told)
		for change := range f.master.Changes(following) {
			if change.Task.Name != "" {
				f.journal.Add(record.Event{Type: record.Note, Kind: record.Change, Of: record.TaskChange{Task: change.Task.Name, Fate: record.TaskFate(change.Kind), Worker: change.Task.Worker}})
			}
		}
	}()
	err := f.Role.Run(ctx)
	stop()
	<-told
	return err
}

// runWorker runs a worker, or a node, which is a worker that is also a candidate.
func runWorker(ctx context.Context, env zkapi.Env, config Config, journal *record.Journal, log *slog.Logger, effect func(EffectArgs) error) error {
	worker := recipe.WorkerConfig{
		Namespace: config.Namespace, Access: config.access(), Name: config.Name, Address: config.Name + ":0", Concurrency: Concurrency, Observers: recipe.Observers{Logger: log},
		Handler: handler(config, journal, effect),
	}
	if config.Role == Node {
		n, err := recipe.NewNode(env, recipe.NodeConfig{Master: masterConfig(config, journal, log), Worker: worker, Drain: leavePatience})
		if err != nil {
			return err
		}
		return serve(ctx, env, followed{n, n.Master(), journal}, journal, log)
	}
	w, err := recipe.NewWorker(env, worker)
	if err != nil {
		return err
	}
	return serve(ctx, env, w, journal, log)
}
