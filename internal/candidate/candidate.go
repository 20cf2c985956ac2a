package candidate

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Access opens the znodes only to one user, who has all roles, if there is one.
func Access(p subject.Participant) recipe.Access {
	if p.Identity == "" {
		return recipe.Access{}
	}
	id := []string{p.Identity}
	return recipe.Access{Master: id, Worker: id, Client: id}
}

// Serve runs a role until ctx ends, and records how it left. The error is the cause of
// ctx's end, or that of a role that ended by itself.
func Serve(ctx context.Context, p subject.Participant, r recipe.Role) error {
	err := recipe.RunUntil(ctx, p.Env, leaving{r, p}, subject.LeavePatience)
	if ctx.Err() == nil {
		return err
	}
	if err != nil {
		p.Log.Info("left", "error", err)
	}
	return context.Cause(ctx)
}

// leaving records how a role leaves. It leaves in good order if it kept to its time,
// and the ensemble has confirmed it.
type leaving struct {
	recipe.Role
	who subject.Participant
}

// Close closes the role and records how it left.
func (l leaving) Close(ctx context.Context) error { return l.who.Depart(ctx, l.Role.Close) }

// End closes what a client has opened, when it ends, and returns why ctx has ended; nil if the client was told
// to drain. A client that is killed sends nothing any more. It closes all the same, because in a run in memory an
// attempt to open a session would go on without it.
func End(ctx context.Context, p subject.Participant, close func(context.Context) error) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if ctx.Err() != nil {
		cancel()
	}
	if err := close(closing); err != nil {
		p.Log.Info("the session may live on until its timeout", "error", err)
	}
	return context.Cause(ctx)
}

// closeTime is how long a client tries to close its session.
const closeTime = 3 * time.Second

// Listen records every leader that a stream tells of; leader is how that is recorded. It listens
// until stop is called, which returns when the last one is on record.
func Listen[L any](ctx context.Context, p subject.Participant, stream func(context.Context) iter.Seq[L], leader func(L) record.Leader) (stop func()) {
	listening, end := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for now := range stream(listening) {
			p.Journal.Add(record.Event{Type: record.Note, Kind: record.Heard, Of: leader(now)})
		}
	}()
	return func() { end(); <-over }
}

// Leader is the participant that /master names, and the session that holds it.
func Leader(ctx context.Context, z nemesis.Znodes) (name string, session int64, err error) {
	got, err := z.Do(ctx, zkapi.Get(record.MasterPath))
	if err != nil {
		return "", 0, err
	}
	name, _, _ = strings.Cut(string(got.Data), ":")
	return name, got.Stat.EphemeralOwner, nil
}

// Elects reports whether a part of a write makes its sender the leader.
func Elects(part zkapi.Op) bool {
	return part.Kind == zkapi.KindCreate && part.Path == record.MasterPath
}
