package workload

import (
	"context"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// slow is a port on which an entry of the number [history.UnderWay] is on its way until the lock of
// its holder is over. The recipe refuses by itself what a holder sends later than that. But a process
// can be stopped between this look and the request, and a request can wait in a buffer. Then only
// the fence is left.
type slow struct {
	zkapi.Env
	mu   *sync.Mutex
	over map[string]<-chan struct{} // by the data of the entry and its znode: closed when it may arrive
}

func slowed(env zkapi.Env) slow {
	return slow{Env: env, mu: &sync.Mutex{}, over: map[string]<-chan struct{}{}}
}

// expect says until when an entry is under way. The caller calls forget when it has come.
func (s slow) expect(entry zkapi.Op, over <-chan struct{}) (forget func()) {
	name := entry.Path + string(entry.Data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over[name] = over
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.over, name)
	}
}

// until is when a request may arrive; nil: at once.
func (s slow) until(op zkapi.Op) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range op.Ops {
		if over := s.over[part.Path+string(part.Data)]; over != nil && part.Kind == zkapi.KindSet {
			return over
		}
	}
	return nil
}

// Open implements zkapi.Env.
func (s slow) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := s.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return slowSession{session, s}, nil
}

type slowSession struct {
	zkapi.Session
	slow slow
}

// arrival is how long a request may take after its caller has stopped waiting.
const arrival = time.Second

// DoAll implements zkapi.Session. A holder sends each write alone.
func (s slowSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	if len(ops) == 1 {
		if over := s.slow.until(ops[0]); over != nil {
			<-over
			arrives, cancel := context.WithTimeout(context.WithoutCancel(ctx), arrival) // it was sent, whether or not the caller waits
			defer cancel()
			return s.Session.DoAll(arrives, ops)
		}
	}
	return s.Session.DoAll(ctx, ops)
}

// delayed sends an entry that is under way until the lock is over.
func (h holder) delayed(ctx context.Context) {
	n := history.UnderWay
	for _, g := range h.grips {
		entry := zkapi.Set(h.ledger(g), []byte(history.Entry{Token: g.token, N: n}.String()), zkapi.AnyVersion)
		defer h.slow.expect(entry, h.over)()
	}
	h.write(context.WithoutCancel(ctx), n)
}

// WentBack implements zkapi.Witness, which the session inside may be.
func (s slowSession) WentBack() (int, error) { return zkapi.WentBack(s.Session) }
