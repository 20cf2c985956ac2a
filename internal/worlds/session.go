package worlds

import (
	"context"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Inside is a host inside another one: it passes Checkpoint and DependsOn to the inner host.
type Inside struct{ explore.Host }

// Checkpoint implements zkapi.Checkpointer.
func (i Inside) Checkpoint(label string, state ...any) { zkapi.Checkpoint(i.Host, label, state...) }

// DependsOn implements zkapi.Checkpointer.
func (i Inside) DependsOn(state ...any) { zkapi.DependsOn(i.Host, state...) }

// Env is a host whose sessions act without the guard.
func (g Guard) Env(host explore.Host) zkapi.Env {
	if g.Name == "" || g.Fence {
		return host
	}
	return tampering{Inside{host}, g}
}

type tampering struct {
	Inside
	guard Guard
}

// Open implements zkapi.Env.
func (t tampering) Open(ctx context.Context) (zkapi.Session, error) {
	opened, err := t.Host.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &session{Session: opened, host: t, told: Told{Host: t, Last: map[string]zkapi.Partial{}}}, nil
}

// Elapsed implements zkapi.Env.
func (t tampering) Elapsed() time.Duration {
	if t.guard.Still {
		return 0
	}
	return t.Host.Elapsed()
}

type session struct {
	zkapi.Session
	host  tampering
	tried bool
	told  Told
}

// SecondTry is the suffix of the name of what a second try has made.
const SecondTry = "-again"

// Connection implements zkapi.Session.
func (s *session) Connection() (int, bool, zkapi.Source) {
	if s.host.guard.Blind {
		return 0, true, s.host.Signal()
	}
	return s.Session.Connection()
}

// Do implements zkapi.Session.
func (s *session) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	g, asked := s.host.guard, len(op.Ops)
	if g.Rewrite != nil {
		op = g.Rewrite(op)
	}
	if g.Again != nil && g.Again(op) {
		if s.tried {
			op.Path += SecondTry
		}
		s.tried = true
	}
	var result zkapi.Result
	var err error
	switch {
	case g.Split != nil && op.Kind == zkapi.KindMulti && g.Split(op):
		for _, part := range op.Ops {
			var one zkapi.Result
			if part.Kind == zkapi.KindCheck {
				part = zkapi.Exists(part.Path)
			}
			if one, err = s.Session.Do(ctx, part); err != nil {
				return zkapi.Result{}, err
			}
			result.Results = append(result.Results, one)
		}
	case g.Watch && op.Watch:
		unwatched := op
		unwatched.Watch, unwatched.Version = false, zkapi.AnyVersion // which no read without a watch has: the world's Constant must not answer it
		if result, err = s.Session.Do(ctx, unwatched); err != nil {
			return result, err
		}
		var late zkapi.Result
		late, err = s.Session.Do(ctx, op)
		result.Watch = late.Watch
	default:
		result, err = s.Session.Do(ctx, op)
	}
	if err == nil {
		result = padded(result, asked)
	}
	if g.Lists != nil && op.Follow && err == nil {
		result = g.Lists(&s.told, op, result)
	}
	if g.Believe != nil {
		err = g.Believe(op, err)
	}
	return result, err
}

// DoAll implements zkapi.Session. Requests that are only changed on their way stay together.
func (s *session) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	g := s.host.guard
	if g.Split == nil && g.Again == nil && !g.Watch && g.Believe == nil && g.Lists == nil {
		return s.rewritten(ctx, ops)
	}
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}

// rewritten sends all requests as the guard's Rewrite makes them.
func (s *session) rewritten(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	sent := slices.Clone(ops)
	for i, op := range ops {
		if s.host.guard.Rewrite != nil {
			sent[i] = s.host.guard.Rewrite(op)
		}
	}
	replies := s.Session.DoAll(ctx, sent)
	for i, op := range ops {
		if replies[i].Err == nil {
			replies[i].Result = padded(replies[i].Result, len(op.Ops))
		}
	}
	return replies
}

// padded adds answers for the parts of a multi that were taken out, because its sender counts
// the answers.
func padded(result zkapi.Result, asked int) zkapi.Result {
	if missing := asked - len(result.Results); len(result.Results) > 0 && missing > 0 {
		result.Results = append(make([]zkapi.Result, missing), result.Results...)
	}
	return result
}
