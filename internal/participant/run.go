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
	"github.com/ringmaster-zk/ringmaster/internal/recorder"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// Run runs a participant until it gets SIGTERM or its standard input ends, or, if it
// submits, until it is drained.
func Run(ctx context.Context, work subject.Workload, config Config, input io.Reader) error {
	// An interrupt of the terminal reaches the whole process group. The harness decides
	// its meaning, and then sends SIGTERM or closes the input.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	heed(ctx, leave)
	journal, err := record.Create(config.Journal, config.Name, config.Life, func() time.Duration { return clock.Now() - config.Origin })
	if err != nil {
		unrecorded(err)
	}
	defer journal.Close()
	journal.OnFailure(unrecorded)
	logFile, err := os.OpenFile(config.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		unrecorded(err)
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
	sink, err := dialSink(config.Sink)
	if err != nil {
		return err
	}
	defer sink.Close()
	return Stage{
		Work: work, Config: config, Env: driver, Journal: journal, Log: log, Draining: draining, Effect: sink.effect, PowerOff: sink.powerOff, sleep: asleep,
		Now: func() time.Duration { return clock.Now() - config.Origin },
	}.Play(ctx)
}

// Unrecorded is the exit code of a participant that cannot write its part of the record. It
// is for the harness: such an end is not a crash of the recipe.
const Unrecorded = 74

// unrecorded ends the process before it does something that is not recorded.
func unrecorded(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(Unrecorded)
}

// Stage is the environment of a participant.
type Stage struct {
	Work     subject.Workload
	Config   Config
	Env      zkapi.Env
	Journal  *record.Journal
	Log      *slog.Logger
	Effect   func(record.EffectRequest) error // the system outside
	PowerOff func(ctx context.Context, by, of record.Life) error
	Now      func() time.Duration // since the run began
	Draining <-chan struct{}      // closed when a participant that submits must submit no more

	sleep *sleep
}

// Play plays the participant until ctx ends, or, if it submits, until it is drained. It
// is no error if the participant was told to leave.
func (s Stage) Play(ctx context.Context) error {
	config := s.Config
	clocked := skewed{Env: s.Env, by: config.Skew, sleep: s.sleep}
	s.Journal.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: clocked.Now().UTC().Round(0)}})
	err := s.Work.Play(ctx, subject.Participant{
		Name: config.Name, Role: config.Role, Life: config.Life, Seed: config.Seed,
		Namespace: config.Namespace, SessionTimeout: config.SessionTimeout, MaxRequest: config.MaxRequest, Identity: config.identity(),
		Env:     &recorder.Env{Env: clocked, Journal: s.Journal, Namespace: config.Namespace},
		Journal: s.Journal, Log: s.Log, Now: s.Now, Draining: s.Draining, Effect: s.effect, PowerOff: s.powerOff, Options: config.Options,
	})
	told := errors.Is(context.Cause(ctx), subject.ErrLeave)
	if told && (errors.Is(err, subject.ErrLeave) || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

// alive is the life of this participant.
func (s Stage) alive() record.Life {
	return record.Life{Process: s.Config.Name, Number: s.Config.Life}
}

// effect is an effect of this participant.
func (s Stage) effect(e subject.Effect) error {
	return s.Effect(record.RequestEffect(s.alive(), e.Object, e.ID, e.Token, e.Text))
}

// powerOff is a request of this participant to the power switch.
func (s Stage) powerOff(ctx context.Context, of record.Life) error {
	return s.PowerOff(ctx, s.alive(), of)
}

// heed leaves on SIGTERM.
func heed(ctx context.Context, leave context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		defer signal.Stop(signals)
		select {
		case <-signals:
			leave(subject.ErrLeave)
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
	leave(subject.ErrLeave)
}
