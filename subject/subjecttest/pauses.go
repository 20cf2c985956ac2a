// Package subjecttest has tests of workloads, for the recipes of this module and of others.
package subjecttest

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The phases of one play, in virtual time.
const (
	good    = 5 * time.Second  // first all requests work
	loaded  = 30 * time.Second // then none does
	drained = 30 * time.Second // none does, and the participant must submit no more
	settled = 5 * time.Second  // for those that work for the others
	rest    = time.Minute      // until nothing runs any more
)

// Pauses plays one participant of each role by itself, in virtual time, while none of its requests
// works: servers refuse them, requests or answers are lost, or there is no session. The test fails if
// a participant begins more than most things in a second, on average. Requests, sessions and
// events on record count. So a loop that repeats without a pause is noticed.
//
// It does not notice a loop that does none of these: such a loop never lets the virtual time go on, and
// the test hangs.
func Pauses(t *testing.T, work subject.Workload, most int) {
	t.Helper()
	run := subject.Run{Seed: 1, Counts: map[string]int{}, Rate: 5, SessionTimeout: 4 * time.Second}
	for _, role := range work.Roles {
		run.Counts[role.Name] = 1
	}
	for _, role := range work.Roles {
		for name, fail := range troubles {
			t.Run(role.Name+"/"+name, func(t *testing.T) {
				allowed := int64(most * int((loaded+drained)/time.Second))
				if n := begun(t, work, run, role.Name, fail, allowed); n > allowed {
					t.Errorf("it began %d things in %v, or more: at most %d are allowed; does it repeat something without a pause?", n, loaded+drained, allowed)
				}
			})
		}
	}
}

// begun is how many things a participant begins while something fails.
func begun(t *testing.T, work subject.Workload, run subject.Run, role string, fail func(*zk.Server, *env), most int64) int64 {
	t.Helper()
	p := play{stage: newStage(t, work, run), role: role, most: most}
	synctest.Test(t, func(t *testing.T) { p.play(t, fail) })
	return p.began.Load()
}

// troubles begin what each of them is named after.
var troubles = map[string]func(*zk.Server, *env){
	"refused": func(s *zk.Server, _ *env) {
		s.Refuse(func(int64, zkapi.Op) error { return zkapi.ErrNoAuth })
	},
	"writes refused": func(s *zk.Server, _ *env) {
		s.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind.Writes() {
				return zkapi.ErrQuota
			}
			return nil
		})
	},
	"requests lost": func(s *zk.Server, _ *env) { s.Lose(func(zkapi.Op) zk.Loss { return zk.RequestLost }) },
	"answers lost":  func(s *zk.Server, _ *env) { s.Lose(func(zkapi.Op) zk.Loss { return zk.ReplyLost }) },
	"no session": func(s *zk.Server, e *env) {
		e.closed.Store(true)
		for _, session := range s.Sessions() {
			session.Expire()
		}
	},
}

// play is one play of a participant.
type play struct {
	*stage
	role    string
	most    int64
	began   atomic.Int64 // since the trouble began
	trouble atomic.Bool
	end     context.CancelCauseFunc
}

// count notes that the participant begins something. One that begins too much is ended, because time
// may stand still meanwhile.
func (p *play) count() {
	if p.trouble.Load() && p.began.Add(1) > p.most {
		p.end(context.Canceled)
	}
}

func (p *play) play(t *testing.T, fail func(*zk.Server, *env)) {
	p.begin()
	ctx, end := context.WithCancelCause(t.Context())
	p.end = end
	p.server.Observe(func(int64, zkapi.Op) { p.count() })
	who := p.participant(t, p.role, 1, func() time.Duration { p.count(); return p.since() })
	e := &env{named: who.Env.(named), count: p.count}
	who.Env = e
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = p.work.Play(ctx, who) // its error does not matter here
	}()
	<-time.After(good)
	p.trouble.Store(true)
	fail(p.server, e)
	<-time.After(loaded)
	close(p.draining)
	<-time.After(drained)
	p.trouble.Store(false)
	p.server.Refuse(nil)
	p.server.Lose(nil)
	e.closed.Store(false)
	end(subject.ErrLeave)
	<-over
	<-time.After(rest)
}

// env is a ZooKeeper that can grant no session.
type env struct {
	named
	count  func()
	closed atomic.Bool
}

// Open implements zkapi.Env.
func (e *env) Open(ctx context.Context) (zkapi.Session, error) {
	e.count()
	if e.closed.Load() {
		return nil, zkapi.ErrConnectionLoss
	}
	return e.named.Open(ctx)
}
