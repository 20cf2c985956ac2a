// Package recorder notes what a participant asks of ZooKeeper, and what it hears. It
// stands at the port (zkapi.Env), so the recipe does not know that it is recorded.
package recorder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Env is a port that notes everything that passes through it: sessions, and every
// write with the answer that was heard. Paths are noted without the namespace.
type Env struct {
	zkapi.Env
	Journal   *record.Journal
	Namespace string

	mu   sync.Mutex
	open []*recordedSession // whose end is not noted yet
}

// Open implements zkapi.Env. A holder that lost a session and opens the next one has given
// up the lost one, even if it never closes it.
func (r *Env) Open(ctx context.Context) (zkapi.Session, error) {
	r.mu.Lock()
	known := slices.Clone(r.open)
	r.mu.Unlock()
	for _, s := range known {
		if cause := s.Cause(); cause != nil {
			s.ended(record.SessionChange{Session: s.name, Fate: record.Lost, Detail: cause.Error()})
		}
	}
	session, err := r.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("0x%x", session.ID())
	r.Journal.Add(record.Event{
		Type: record.Note, Kind: record.Session, Of: record.SessionChange{Session: name, Fate: record.Opened, Timeout: session.Timeout()},
	})
	recorded := &recordedSession{Session: session, recorder: r, name: name}
	r.mu.Lock()
	r.open = append(r.open, recorded)
	r.mu.Unlock()
	return recorded, nil
}

type recordedSession struct {
	zkapi.Session
	recorder *Env
	name     string
}

// Do implements zkapi.Session.
func (s *recordedSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if !op.Kind.Writes() {
		return s.Session.Do(ctx, op)
	}
	invoke := s.invoked(op)
	result, err := s.Session.Do(ctx, op)
	s.completed(invoke, op, zkapi.Reply{Result: result, Err: err})
	return result, err
}

// DoAll implements zkapi.Session.
func (s *recordedSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	invokes := map[int]record.Event{}
	for i, op := range ops {
		if op.Kind.Writes() {
			invokes[i] = s.invoked(op)
		}
	}
	replies := s.Session.DoAll(ctx, ops)
	for i, invoke := range invokes {
		s.completed(invoke, ops[i], replies[i])
	}
	return replies
}

// WentBack implements zkapi.Witness, which the session inside may be: a recipe that is recorded must
// hear that the ensemble was restored.
func (s *recordedSession) WentBack() (int, error) { return zkapi.WentBack(s.Session) }

func (s *recordedSession) invoked(op zkapi.Op) record.Event {
	return s.recorder.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Write, Of: record.Request{Session: s.name, Ops: Describe(op, s.recorder.Namespace)}})
}

func (s *recordedSession) completed(invoke record.Event, op zkapi.Op, reply zkapi.Reply) {
	outcome := map[zkapi.Fate]record.Type{
		zkapi.Applied: record.OK, zkapi.NotApplied: record.Fail, zkapi.Unknown: record.Info,
	}[zkapi.FateOf(reply.Err)]
	end := record.Request{Session: s.name}
	if reply.Err != nil {
		end.Problem = reply.Err.Error()
	} else {
		end.Ops = slices.DeleteFunc(Gained(op, reply.Result, s.recorder.Namespace), func(o record.Op) bool { return o == record.Op{} })
	}
	s.recorder.Journal.Complete(invoke, outcome, end)
}

// Close implements zkapi.Session.
func (s *recordedSession) Close(ctx context.Context) error {
	end := record.SessionChange{Session: s.name, Fate: record.Closed}
	if cause := s.Cause(); cause != nil {
		end.Fate, end.Detail = record.Lost, cause.Error()
	}
	err := s.Session.Close(ctx)
	s.ended(end)
	return err
}

// ended notes the end of the session, once.
func (s *recordedSession) ended(how record.SessionChange) {
	r := s.recorder
	r.mu.Lock()
	at := slices.Index(r.open, s)
	if at >= 0 {
		r.open = slices.Delete(r.open, at, at+1)
	}
	r.mu.Unlock()
	if at >= 0 {
		r.Journal.Add(record.Event{Type: record.Note, Kind: record.Session, Of: how})
	}
}

// Describe turns a request into the history's terms, without the namespace.
func Describe(op zkapi.Op, namespace string) []record.Op {
	if op.Kind == zkapi.KindMulti {
		var all []record.Op
		for _, sub := range op.Ops {
			all = append(all, Describe(sub, namespace)...)
		}
		return all
	}
	return []record.Op{{
		Kind: op.Kind.String(), Path: strings.TrimPrefix(op.Path, namespace), Version: op.Version, Data: string(op.Data),
		Ephemeral:  op.Mode == zkapi.Ephemeral || op.Mode == zkapi.EphemeralSequential,
		Sequential: op.Mode == zkapi.PersistentSequential || op.Mode == zkapi.EphemeralSequential,
	}}
}

// Gained lists the results of an applied write, one for each part: the names of
// sequential znodes and the versions of changed znodes. It is empty for the other
// parts.
func Gained(op zkapi.Op, result zkapi.Result, namespace string) []record.Op {
	ops, results := []zkapi.Op{op}, []zkapi.Result{result}
	if op.Kind == zkapi.KindMulti {
		ops, results = op.Ops, result.Results
	}
	all := make([]record.Op, len(ops))
	for i, sub := range ops[:min(len(ops), len(results))] {
		switch {
		case sub.Kind == zkapi.KindSet:
			all[i] = record.Op{Kind: sub.Kind.String(), Path: strings.TrimPrefix(sub.Path, namespace), Got: results[i].Stat.Version}
		case sub.Kind == zkapi.KindCreate && (sub.Mode == zkapi.PersistentSequential || sub.Mode == zkapi.EphemeralSequential):
			all[i] = record.Op{Kind: sub.Kind.String(), Path: strings.TrimPrefix(results[i].Path, namespace)}
		}
	}
	return all
}
