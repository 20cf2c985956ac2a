package harness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// simProcess is one participant of a run in memory: a name that may live several times.
type simProcess struct {
	name   string
	role   subject.Role
	memory *memory

	mu       sync.Mutex
	life     int
	env      *processEnv
	journal  *record.Journal
	journals []*record.Journal // of all lives
	end      context.CancelCauseFunc
	over     chan struct{} // closed when nothing of this life runs any more
	lives    []chan struct{}
	draining chan struct{}
	drained  bool
	killed   bool
	doomed   bool // its end is wanted
}

// Name implements nemesis.Process.
func (a *simProcess) Name() string { return a.name }

// CanLead implements nemesis.Process.
func (a *simProcess) CanLead() bool { return a.role.Leads }

// CanWork implements nemesis.Process.
func (a *simProcess) CanWork() bool { return a.role.Works }

// IsClient implements nemesis.Process.
func (a *simProcess) IsClient() bool { return a.role.Submits }

// Start begins the next life. If the present one goes on, it does nothing: the power switch may
// have been the first to start the actor again.
func (a *simProcess) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over != nil && !a.ended() {
		return nil
	}
	return a.begin()
}

// ended reports whether the present life is over. The caller has the lock.
func (a *simProcess) ended() bool { return a.killed || isClosed(a.over) }

// begin begins the next life. The caller has the lock.
func (a *simProcess) begin() error {
	a.life++
	m := a.memory
	config, err := m.config.common()
	if err != nil {
		return err
	}
	config.Name, config.Role, config.Life, config.Seed = a.name, a.role.Name, a.life, m.config.seedOf(a.name)
	a.journal, err = m.journal(record.JournalName(a.name, a.life), a.name, a.life)
	if err != nil {
		return err
	}
	a.journals = append(a.journals, a.journal)
	a.env = &processEnv{Env: &zk.Env{Server: m.server}, actor: a, life: a.life}
	a.killed, a.doomed, a.over, a.draining = false, false, make(chan struct{}), make(chan struct{})
	a.lives = append(a.lives, a.over)
	if a.drained {
		close(a.draining)
	}
	var ctx context.Context
	ctx, a.end = context.WithCancelCause(context.Background())
	m.note(a.name, a.life, record.Started, "")
	stage := participant.Stage{
		Work: m.config.Subject.Workload, Config: config, Env: a.env, Journal: a.journal, Log: slog.New(slog.DiscardHandler), Now: m.now, Draining: a.draining, Effect: a.env.act, PowerOff: a.env.powerOff,
	}
	env, over, life := a.env, a.over, a.life
	go func() {
		defer close(over)
		err := m.played(ctx, stage)
		if env.dead() {
			return
		}
		fate, problem := record.Exited, ""
		if err != nil {
			fate, problem = record.Crashed, err.Error()
		}
		m.note(a.name, life, fate, problem)
	}()
	return nil
}

// played plays a participant. A panic ends only its life, as it ends only its process on
// real servers.
func (m *memory) played(ctx context.Context, stage participant.Stage) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			m.say("%s/%d panicked: %v\n%s", stage.Config.Name, stage.Config.Life, cause, debug.Stack())
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return stage.Play(ctx)
}

// errKilled ends everything in an actor that was killed.
var errKilled = errors.New("killed")

// Kill ends the life at once: it does nothing more that others hear of, and its
// sessions end by their timeout.
func (a *simProcess) Kill() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kill()
	return nil
}

// kill ends the life. The caller has the lock.
func (a *simProcess) kill() {
	if a.killed {
		return
	}
	a.killed, a.doomed = true, true
	a.env.die()
	a.journal.Mute()
	a.memory.note(a.name, a.life, record.Killed, "")
	a.end(errKilled)
}

// powerOff implements member.
func (a *simProcess) powerOff(life int) (ended bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case life < 1 || life > a.life:
		return false, fmt.Errorf("harness: power switch: %s has no life %d", a.name, life)
	case life < a.life || a.ended(): // a later life begins when the one before is over
		return false, nil
	}
	a.kill()
	return true, nil
}

// again implements member.
func (a *simProcess) again(life int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life != life || !a.ended() {
		return nil
	}
	return a.begin()
}

// Killed implements nemesis.Process: a killed participant has no connection.
func (a *simProcess) Killed() nemesis.Finding {
	up := a.port().up()
	return nemesis.Found(up == 0, "%d of its sessions are connected", up).With("sessions connected", up)
}

// Alive reports whether the present life goes on.
func (a *simProcess) Alive() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.ended()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// port is that of the present life.
func (a *simProcess) port() *processEnv {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.env
}

// drain tells a client to submit no more.
func (a *simProcess) drain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.drained {
		a.drained = true
		close(a.draining)
	}
}

// Leave asks the actor to leave, and kills it if it does not. It reports how long that
// took, and whether the actor left by itself.
func (a *simProcess) Leave() (took time.Duration, clean bool) {
	if !a.Alive() {
		return 0, true
	}
	began := a.memory.now()
	a.mu.Lock()
	a.doomed = true
	end, over, env := a.end, a.over, a.env
	a.mu.Unlock()
	end(subject.ErrLeave)
	select {
	case <-over:
		return a.memory.now() - began, !env.dead()
	case <-time.After(leavePatience):
		a.memory.note(a.name, env.life, record.Killed, "did not leave in time; killed")
		_, _ = a.powerOff(env.life) // there is such a life
		return a.memory.now() - began, false
	}
}

// recover undoes the effects of faults. A participant that crashed stays dead.
func (a *simProcess) recover() error {
	a.port().mend()
	a.mu.Lock()
	doomed := a.doomed
	a.mu.Unlock()
	if doomed && !a.Alive() {
		return a.Start()
	}
	return nil
}

// close waits until nothing of the actor runs any more, including killed lives that run
// on unheard. A life that does not end is told, and left alone.
func (a *simProcess) close() error {
	if a.env == nil {
		return nil // it was never started
	}
	a.env.die()
	a.end(errKilled)
	patience, cancel := context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	for i, over := range a.lives {
		select {
		case <-over:
		case <-patience.Done():
			if !isClosed(over) {
				a.memory.abandoned = true
				a.memory.warn(fmt.Errorf("%s/%d goes on %v after the end of its context: Play must return then", a.name, i+1, leavePatience))
			}
		}
	}
	var errs []error
	for _, j := range a.journals {
		j.Mute()
		errs = append(errs, j.Close())
	}
	return errors.Join(errs...)
}

// Session implements nemesis.Process: any live session.
func (a *simProcess) Session() (int64, bool) {
	for _, s := range a.memory.server.Sessions() {
		if a.port().owns(s.ID()) {
			return s.ID(), true
		}
	}
	return 0, false
}

// Has implements nemesis.Process.
func (a *simProcess) Has(session int64) bool { return a.port().owns(session) }

// Owns implements nemesis.Process.
func (a *simProcess) Owns(session int64) bool {
	by, known := a.memory.owners.Load(session)
	return known && by.(holder).process == a.name
}

// EndSession implements nemesis.Process.
func (a *simProcess) EndSession(_ context.Context, session int64) (zxid int64, err error) {
	s := a.memory.find(session)
	if s == nil {
		return 0, fmt.Errorf("session %s of %s is over", record.Hex(session), a.name)
	}
	s.Expire()
	return 0, nil
}

// SessionGone implements nemesis.Process.
func (a *simProcess) SessionGone(_ context.Context, session int64) (bool, error) {
	return a.memory.find(session) == nil, nil
}

// Line implements nemesis.Process.
func (a *simProcess) Line() nemesis.Line { return simulated{a} }
