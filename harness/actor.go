package harness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/participant"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// actor is one participant of a run in memory: a name that may live several times.
type actor struct {
	name   string
	role   participant.Role
	memory *memory

	mu       sync.Mutex
	suffers  bool // a fault is at work on it
	life     int
	env      *actorEnv
	journal  *history.Journal
	journals []*history.Journal // of all lives
	end      context.CancelCauseFunc
	over     chan struct{} // closed when nothing of this life runs any more
	lives    []chan struct{}
	draining chan struct{}
	drained  bool
	killed   bool
}

// start begins the next life.
func (a *actor) start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.life++
	m := a.memory
	config := participant.Config{
		Name: a.name, Role: a.role, Life: a.life, SessionTimeout: m.config.SessionTimeout,
		Seed: m.config.seedOf(a.name), Rate: m.config.Rate / float64(m.config.Clients), Retention: m.config.retention(),
	}
	var err error
	a.journal, err = history.Create(filepath.Join(m.dir, journalFolder, fmt.Sprintf("%s-%d.ndjson", a.name, a.life)), a.name, a.life, m.now)
	if err != nil {
		return err
	}
	a.journals = append(a.journals, a.journal)
	a.env = &actorEnv{Env: &zk.Env{Server: m.server}, actor: a, life: a.life}
	a.killed, a.over, a.draining = false, make(chan struct{}), make(chan struct{})
	a.lives = append(a.lives, a.over)
	if a.drained {
		close(a.draining)
	}
	var ctx context.Context
	ctx, a.end = context.WithCancelCause(context.Background())
	m.note(history.Process, a.name, a.life, "started")
	stage := participant.Stage{
		Config: config, Env: a.env, Journal: a.journal, Log: slog.New(slog.DiscardHandler), Now: m.now, Draining: a.draining, Effect: a.env.act,
	}
	env, over, life := a.env, a.over, a.life
	go func() {
		defer close(over)
		err := stage.Play(ctx)
		if env.dead() {
			return
		}
		text := "exited"
		if err != nil {
			text = "crashed: " + err.Error()
		}
		m.note(history.Process, a.name, life, text)
	}()
	return nil
}

// errKilled ends everything of an actor that was killed.
var errKilled = errors.New("killed")

// kill ends the life at once: nothing more is heard of it, and its sessions end by
// their timeout.
func (a *actor) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed = true
	a.env.die()
	a.journal.Mute()
	a.memory.note(history.Process, a.name, a.life, "killed")
	a.end(errKilled)
}

// alive reports whether the present life goes on.
func (a *actor) alive() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.over:
		return false
	default:
		return !a.killed
	}
}

// claim marks the actor as suffering from a fault, unless it does already or is
// dead.
func (a *actor) claim() bool {
	free := a.alive()
	a.mu.Lock()
	defer a.mu.Unlock()
	if free = free && !a.suffers; free {
		a.suffers = true
	}
	return free
}

func (a *actor) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.suffers = false
}

// port is that of the present life.
func (a *actor) port() *actorEnv {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.env
}

// drain tells a client to submit no more.
func (a *actor) drain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.drained {
		a.drained = true
		close(a.draining)
	}
}

// leave asks the actor to leave, and kills it if it does not. It reports whether
// it left by itself.
func (a *actor) leave(patience time.Duration) bool {
	if !a.alive() {
		return true
	}
	a.mu.Lock()
	end, over := a.end, a.over
	a.mu.Unlock()
	end(participant.ErrLeave)
	select {
	case <-over:
		return true
	case <-time.After(patience):
		a.kill()
		return false
	}
}

// recover undoes what a fault may have left.
func (a *actor) recover() error {
	a.port().mend()
	a.mu.Lock()
	killed := a.killed
	a.mu.Unlock()
	if killed || !a.alive() && a.role != participant.Client {
		return a.start()
	}
	return nil
}

// bury waits until nothing of the actor runs any more: what was killed has come to
// its end unheard.
func (a *actor) bury() {
	a.env.die()
	a.end(errKilled)
	for _, over := range a.lives {
		<-over
	}
	for _, j := range a.journals {
		j.Mute()
		_ = j.Close()
	}
}

// actorEnv is the port of one life of an actor: it knows its sessions, so that they
// can be cut off or left behind.
type actorEnv struct {
	*zk.Env
	actor *actor
	life  int

	mu       sync.Mutex
	sessions []*zk.Session
	isCut    bool
	upAtCut  []*zk.Session // those that the cut has met
	isDead   bool
}

// Open implements zkapi.Env.
func (e *actorEnv) Open(ctx context.Context) (zkapi.Session, error) {
	for {
		e.mu.Lock()
		switch {
		case e.isDead:
			e.mu.Unlock()
			return nil, errKilled
		case !e.isCut:
			defer e.mu.Unlock()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			session := e.Server.Open()
			e.actor.memory.owners.Store(session.ID(), holder{e.actor.name, e.life})
			e.sessions = append(e.sessions, session)
			e.actor.memory.harness.Add(history.Event{
				Type: history.Note, Kind: history.Session, Target: fmt.Sprintf("%s/%d", e.actor.name, e.life),
				Session: fmt.Sprintf("0x%x", session.ID()), Text: "granted on the wire",
			})
			return session, nil
		}
		e.mu.Unlock()
		if _, err := e.Wait(ctx, e.Timer(100*time.Millisecond)); err != nil {
			return nil, err
		}
	}
}

// Unique implements zkapi.Env: the names of two actors, or of two lives, differ.
func (e *actorEnv) Unique() string {
	return fmt.Sprintf("%s.%d.%s", e.actor.name, e.life, e.Env.Unique())
}

// Spawn implements zkapi.Env.
func (e *actorEnv) Spawn(name string, f func(zkapi.Env)) zkapi.Source {
	return e.Env.Spawn(name, func(zkapi.Env) { f(e) })
}

// act is an effect outside ZooKeeper.
func (e *actorEnv) act(args participant.EffectArgs) error {
	if e.dead() {
		return errKilled
	}
	return e.actor.memory.acts.Act(args)
}

func (e *actorEnv) dead() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.isDead
}

// die leaves all sessions behind.
func (e *actorEnv) die() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isDead = true
	for _, s := range e.sessions {
		s.Abandon()
	}
}

// lastWords is how long a cut waits for a request that it can lose.
const lastWords = 200 * time.Millisecond

// cut breaks the connections of all sessions, those to come included: each loses a
// request that is under way, by turns before it takes effect and after.
func (e *actorEnv) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isCut, e.upAtCut = true, nil
	for i, s := range e.sessions {
		if _, up, _ := s.Connection(); up {
			e.upAtCut = append(e.upAtCut, s)
		}
		s.Snap([]zk.Loss{zk.AfterItWas, zk.BeforeItWas}[(i+e.life)%2])
		time.AfterFunc(lastWords, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.isCut {
				s.Cut()
			}
		})
	}
}

// mend restores the connections.
func (e *actorEnv) mend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isCut = false
	for _, s := range e.sessions {
		s.Mend()
	}
}

// down counts the sessions that were up when it was cut off, and are not any more.
func (e *actorEnv) down() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.upAtCut {
		if _, up, _ := s.Connection(); !up && e.isCut {
			n++
		}
	}
	return n
}

// up counts the sessions that are connected.
func (e *actorEnv) up() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.sessions {
		if _, up, _ := s.Connection(); up {
			n++
		}
	}
	return n
}

func (e *actorEnv) owns(id int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.sessions, func(s *zk.Session) bool { return s.ID() == id })
}
