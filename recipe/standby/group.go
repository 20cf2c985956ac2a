package standby

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// GroupConfig describes a group as one sees it who is not a candidate of it.
type GroupConfig struct {
	Layout Layout
	ACL    []zkapi.ACL  // as Config.ACL
	Logger *slog.Logger // receives what goes wrong and is tried again. Nil: nothing is logged.
}

// Group shows the candidates of a group, and asks for failovers. It takes no part in the election. Its
// methods may be called concurrently; they share one session, which is opened when it is needed and
// replaced when it ends.
type Group struct {
	p        *process.Process
	layout   Layout
	election elect.Election
}

// NewGroup checks config. It does not connect.
func NewGroup(env zkapi.Env, config GroupConfig) (*Group, error) {
	if err := errors.Join(checkEnv(env), config.Layout.check()); err != nil {
		return nil, err
	}
	p, err := process.New(env, "standby", config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &Group{p, config.Layout, Config{Layout: config.Layout, ACL: config.ACL}.election()}, nil
}

// Close ends the session; calls that wait return ErrClosed. A nil error means that the ensemble has
// confirmed the end.
func (g *Group) Close(ctx context.Context) error {
	if g == nil || g.p == nil {
		return errZero
	}
	return g.p.Close(ctx)
}

// Status is a group at one moment.
type Status struct {
	// Active has the lock. The zero value: no process has it.
	Active Member
	// Ready says that the breadcrumb is that of Active, by its data: the process is active, or
	// becomes so in this moment. Otherwise it fences an old one.
	Ready bool
	// Standbys are the candidates that would take the lock: those that are there and healthy.
	Standbys []Member
	// Breadcrumb is the data of the breadcrumb; nil if there is none.
	Breadcrumb []byte
	// Failover is a request that is under way; nil if there is none.
	Failover *Request
}

// Request is a request to hand over that is under way.
type Request struct {
	To       string // the name of the target; empty: any candidate that stands by
	Accepted bool   // the old active has given the lock up, and the others hold back
}

// Status returns who is active and who stands by, as it is at some moment during the call, unless the
// leader of the ensemble is being replaced meanwhile; then it may be older. If there is no connection,
// it waits for one until ctx ends.
func (g *Group) Status(ctx context.Context) (now Status, err error) {
	if g == nil || g.p == nil {
		return Status{}, errZero
	}
	err = g.p.Read(ctx, "look at a group", nil, func(s *process.Session) (err error) {
		now, _, err = g.look(ctx, s)
		return err
	})
	return now, err
}

// look reads all of a group, after a sync. The watch is on the lock.
func (g *Group) look(ctx context.Context, s *process.Session, state ...any) (now Status, watch zkapi.Source, err error) {
	if _, err := s.Now("look at a group", fence.Exists(g.layout.Epoch), state...); err != nil {
		return now, nil, err
	}
	leader, seen, err := g.election.Look(ctx, s.Session, nil)
	if err != nil {
		return now, nil, err
	}
	now.Active = Member{Name: leader.Name, Data: leader.Data, Epoch: leader.Epoch, Session: leader.Session}
	all, err := g.layout.candidates(ctx, s.Session)
	if err != nil {
		return now, nil, err
	}
	for _, m := range all {
		if m.Session != leader.Session {
			now.Standbys = append(now.Standbys, m)
		}
	}
	crumb, err := s.Ask("look at a breadcrumb", fence.Get(g.layout.Breadcrumb), append(state, now, seen.Watch)...)
	switch {
	case err == nil:
		now.Breadcrumb = append([]byte{}, crumb.Data...)
		now.Ready = now.Active.Exists() && string(crumb.Data) == leader.Data
	case !errors.Is(err, zkapi.ErrNoNode):
		return now, nil, err
	}
	r, _, err := g.layout.readRequest(ctx, s.Session)
	if r != nil {
		now.Failover = &Request{r.To, r.Epoch > 0 && r.Epoch > leader.Epoch}
	}
	return now, seen.Watch, err
}

// withdrawTime is how long a request may take to be withdrawn when the caller's ctx has ended.
const withdrawTime = 5 * time.Second

// Failover asks the active to hand over to the candidate of that name, or to any other one if to is
// empty, and waits until that one is active. The old active becomes standby first; then it gives the lock
// up, and removes its breadcrumb, in one multi. So nothing is fenced. Then only the target takes the lock,
// as long as it is there, for Config.Grace at most.
//
// Failover returns the new active; that is the present one, when it has answered, if its name is to. The
// errors:
//
//   - ErrNoActive, ErrNoCandidate, ErrBusy: nothing has changed.
//   - ErrElsewhere: another process has become active, because the target was lost, or did not become
//     active, or the old active was lost before it could hand over. The Member is that process.
//   - ErrInDoubt: ctx or the session ended when the request was accepted, or may have been: the failover
//     may still take place. Status tells.
//   - the cause of ctx, without ErrInDoubt: ctx ended before the request was accepted, and it is withdrawn.
//   - ErrClosed, and refusals of the ensemble such as zkapi.ErrNoAuth.
//
// Failover does not bound the time: BecomeStandby of the old active, and BecomeActive of the new one, may
// take long.
func (g *Group) Failover(ctx context.Context, to string) (Member, error) {
	if g == nil || g.p == nil {
		return Member{}, errZero
	}
	f := &failover{Group: g, request: request{To: to, ID: g.p.Env.Unique()}}
	err := f.ask(ctx)
	if err == nil && !f.done {
		err = f.wait(ctx)
	}
	if err != nil && !f.done && f.sent {
		err = f.withdraw(context.WithoutCancel(ctx), err)
	}
	return f.active, err
}

// failover is one request under way.
type failover struct {
	*Group
	request request
	before  Member // that was active
	active  Member // that is active in the end
	sent    bool   // the request was made, or may have been
	done    bool   // there is an outcome
}

// ask makes the request.
func (f *failover) ask(ctx context.Context) error {
	return f.p.Each(ctx, "ask for a failover", f, func(s *process.Session) error {
		now, _, err := f.look(ctx, s, f)
		if err != nil {
			return err
		}
		f.before = now.Active
		switch _, found := target(now.Standbys, f.request.To, now.Active.Session); {
		case !now.Active.Exists():
			return f.over(Member{}, ErrNoActive)
		case now.Failover != nil:
			return f.over(now.Active, ErrBusy)
		case !found && !f.isTarget(now.Active): // the active answers such a request, too
			return f.over(now.Active, fmt.Errorf("%w: %q", ErrNoCandidate, f.request.To))
		}
		_, err = s.Write(f.layout.Candidates, f, f.p.Create(f.layout.Failover, claims.Encode(f.request)))
		f.sent = err == nil || zkapi.FateOf(err) == zkapi.Unknown
		if errors.Is(err, zkapi.ErrNodeExists) {
			return f.over(now.Active, ErrBusy)
		}
		return err
	})
}

// isTarget reports whether an active is the one that was asked for.
func (f *failover) isTarget(active Member) bool {
	return f.request.To != "" && f.request.To == active.Name
}

// over notes the outcome.
func (f *failover) over(active Member, err error) error {
	f.active, f.done = active, true
	return err
}

// wait waits for the outcome: until the request is gone, and a process is active.
func (f *failover) wait(ctx context.Context) error {
	var outcome error
	err := f.p.Await(ctx, "wait for a failover", f, func(s *process.Session) ([]zkapi.Source, error) {
		if _, err := s.Ask("look at a failover: sync", fence.Sync(f.layout.Failover), f); err != nil {
			return nil, err
		}
		r, watch, err := f.layout.readRequest(ctx, s.Session)
		if err != nil {
			return nil, err
		}
		if r != nil && r.ID == f.request.ID {
			return []zkapi.Source{watch}, nil
		}
		now, watch, err := f.look(ctx, s, f)
		switch {
		case err != nil:
			return nil, err
		case !now.Active.Exists():
			return []zkapi.Source{watch}, nil
		case f.isTarget(now.Active):
			outcome = f.over(now.Active, nil)
		case now.Active.Session == f.before.Session:
			outcome = f.over(now.Active, fmt.Errorf("%w: %q", ErrNoCandidate, f.request.To))
		case f.request.To != "":
			outcome = f.over(now.Active, fmt.Errorf("%w: %s", ErrElsewhere, now.Active.Name))
		default:
			outcome = f.over(now.Active, nil)
		}
		return nil, nil
	})
	return first(err, outcome)
}

// withdraw deletes the request, unless it was accepted. It returns what is to be said of that.
func (f *failover) withdraw(ctx context.Context, cause error) error {
	ctx, end := context.WithTimeout(ctx, withdrawTime)
	defer end()
	err := f.p.Each(ctx, "withdraw a failover", f, func(s *process.Session) error {
		got, err := s.Now("withdraw a failover", fence.Get(f.layout.Failover), f)
		if errors.Is(err, zkapi.ErrNoNode) || err == nil && parseRequest(got.Data).ID != f.request.ID {
			return errGone
		}
		if err != nil {
			return err
		}
		if parseRequest(got.Data).Epoch > 0 {
			return errGone
		}
		_, err = s.Write(f.layout.Candidates, f, zkapi.Delete(f.layout.Failover, got.Stat.Version))
		return err
	})
	if err == nil {
		return cause
	}
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: f.layout.Failover, Index: -1, Fate: zkapi.Unknown, Err: fmt.Errorf("%w: the failover may still take place: %w", ErrInDoubt, cause)}
}

// errGone means that a request cannot be withdrawn any more.
var errGone = errors.New("the request was accepted, or answered")
