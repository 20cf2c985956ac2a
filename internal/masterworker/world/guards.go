package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guard is one precaution of the protocol that can be taken out at the port: the recipe's
// request is changed on its way, as if the code did not have the guard.
type Guard struct {
	Name    string
	Explain string // the effect of the guard
	// changes a request; nil leaves it alone
	rewrite func(op zkapi.Op) zkapi.Op
	split   func(op zkapi.Op) bool // send the parts of a multi one by one
	believe func(err error) error  // the error that the recipe sees
	watch   bool                   // set watches after the read instead of with it
	again   func(op zkapi.Op) bool // repeat it under another name
	blind   bool                   // hide that the connection has changed
	fence   bool                   // the system outside takes every token
	still   bool                   // the clock that leases are measured by stands still
}

// Specified reports whether the specification in TLA+ has the guard: it knows no clock
// that stands still.
func (g Guard) Specified() bool { return !g.still }

// Guards returns the guards of the protocol, in the order of its rules.
func Guards() []Guard {
	return []Guard{
		{
			Name: "epoch-check", Explain: "every write of a master begins with the check of its epoch",
			rewrite: without(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == "/assign" }),
		},
		{
			Name: "incarnation-check", Explain: "every write of a worker begins with the check of its incarnation",
			rewrite: onlyOf(ending, without(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, "/assign/") })),
		},
		{
			Name: "worker-check", Explain: "who is given a task must be there, in the incarnation that was seen",
			rewrite: without(func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCheck && (strings.HasPrefix(op.Path, "/workers/") || strings.HasPrefix(op.Path, "/assign/"))
			}),
		},
		{
			Name: "election-in-one", Explain: "/master and the epoch change in one multi",
			split: func(op zkapi.Op) bool { return has(op, zkapi.KindCreate, "/master") },
		},
		{
			Name: "election-by-version", Explain: "the epoch is set at the version that was read before",
			rewrite: each(func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSet && op.Path == "/assign" && op.Version < 1<<30 {
					op.Version = zkapi.AnyVersion
				}
				return op
			}),
		},
		{
			Name: "election-resolved", Explain: "an election whose answer was lost is resolved, not taken for lost",
			believe: func(err error) error {
				if e, ok := errors.AsType[*zkapi.Error](err); ok && e.Kind == zkapi.KindMulti && e.Fate == zkapi.Unknown && errors.Is(err, zkapi.ErrConnectionLoss) {
					return &zkapi.Error{Kind: e.Kind, Path: e.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}
				}
				return err
			},
		},
		{
			Name: "transition-in-one", Explain: "a transition of a task is one multi",
			split: releasing,
		},
		{
			Name: "result-takes-assignment", Explain: "a result removes the very assignment that it is of",
			rewrite: onlyOf(ending, without(func(op zkapi.Op) bool { return op.Kind == zkapi.KindDelete && strings.HasPrefix(op.Path, "/assign/") })),
		},
		{
			Name: "submission-by-id", Explain: "a task is named after its id, so that a create that is repeated finds the first",
			again: func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/tasks/") && strings.Count(op.Path, "/") == 2
			},
		},
		{Name: "watch-with-read", Explain: "a watch is set by the read itself", watch: true},
		{Name: "look-after-reconnect", Explain: "after a reconnect everything is looked at again", blind: true},
		{
			Name: "sync-after-doubt", Explain: "what may have been applied is looked for after a sync",
			rewrite: func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSync {
					return zkapi.Exists("/tasks")
				}
				return op
			},
		},
		{Name: "lease-runs", Explain: "a lease runs from the last acknowledged write, whatever else is answered, and while the process or its machine sleeps", still: true},
		{Name: "fencing-token", Explain: "a system outside refuses a smaller token than it has seen", fence: true},
	}
}

// has reports whether a multi has a part of that kind at or below a path.
func has(op zkapi.Op, kind zkapi.Kind, path string) bool {
	return slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == kind && strings.HasPrefix(o.Path, path) })
}

// releasing reports whether a write removes an assignment, and ending whether it also records
// the end of the execution.
func releasing(op zkapi.Op) bool { return has(op, zkapi.KindDelete, "/assign/") }

func ending(op zkapi.Op) bool { return releasing(op) && has(op, zkapi.KindCreate, "/tasks/") }

// without takes parts out of a multi.
func without(part func(zkapi.Op) bool) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		op.Ops = slices.DeleteFunc(slices.Clone(op.Ops), part)
		return op
	}
}

// onlyOf rewrites some multis only.
func onlyOf(which func(zkapi.Op) bool, rewrite func(zkapi.Op) zkapi.Op) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		if which(op) {
			return rewrite(op)
		}
		return op
	}
}

// each rewrites the parts of a multi, or a single request.
func each(rewrite func(zkapi.Op) zkapi.Op) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		op.Ops = slices.Clone(op.Ops)
		for i := range op.Ops {
			op.Ops[i] = rewrite(op.Ops[i])
		}
		return rewrite(op)
	}
}

// guard finds the guard that is to be taken out.
func (c Config) guard() (Guard, error) {
	if c.Without == "" {
		return Guard{}, nil
	}
	var names []string
	for _, g := range Guards() {
		if g.Name == c.Without {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return Guard{}, fmt.Errorf("world: no guard is called %q; there are %s", c.Without, strings.Join(names, ", "))
}

// tampered is a host whose sessions act without the guard.
func (c Config) tampered(host explore.Host) zkapi.Env {
	g, _ := c.guard() // World has checked it
	if c.Without == "" || g.fence {
		return host
	}
	return tampering{wrapped{host}, g}
}

type tampering struct {
	wrapped
	guard Guard
}

// Open implements zkapi.Env.
func (t tampering) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := t.Host.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &tamperedSession{Session: session, host: t}, nil
}

// Elapsed implements zkapi.Env.
func (t tampering) Elapsed() time.Duration {
	if t.guard.still {
		return 0
	}
	return t.Host.Elapsed()
}

type tamperedSession struct {
	zkapi.Session
	host  tampering
	tried bool
}

// secondTry is the suffix of the name of a task that a second try has made.
const secondTry = "-again"

// Connection implements zkapi.Session.
func (s *tamperedSession) Connection() (int, bool, zkapi.Source) {
	if s.host.guard.blind {
		return 0, true, s.host.Signal()
	}
	return s.Session.Connection()
}

// Do implements zkapi.Session.
func (s *tamperedSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	g, asked := s.host.guard, len(op.Ops)
	if g.rewrite != nil {
		op = g.rewrite(op)
	}
	if g.again != nil && g.again(op) {
		if s.tried {
			op.Path += secondTry
		}
		s.tried = true
	}
	var result zkapi.Result
	var err error
	switch {
	case g.split != nil && op.Kind == zkapi.KindMulti && g.split(op):
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
	case g.watch && op.Watch:
		unwatched := op
		unwatched.Watch, unwatched.Version = false, zkapi.AnyVersion // which no read without a watch has: see constant
		if result, err = s.Session.Do(ctx, unwatched); err != nil {
			return result, err
		}
		var late zkapi.Result
		late, err = s.Session.Do(ctx, op)
		result.Watch = late.Watch
	default:
		result, err = s.Session.Do(ctx, op)
	}
	if err == nil && len(result.Results) > 0 {
		missing := asked - len(result.Results) // checks that were taken out: the sender of the multi counts the answers
		result.Results = append(make([]zkapi.Result, missing), result.Results...)
	}
	if g.believe != nil {
		err = g.believe(err)
	}
	return result, err
}

// DoAll implements zkapi.Session.
func (s *tamperedSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}
