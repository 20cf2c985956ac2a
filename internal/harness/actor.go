package harness

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
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
	journal  *record.Journal
	journals []*record.Journal // of all lives
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
	config := m.config.common()
	config.Name, config.Role, config.Life, config.Seed = a.name, a.role, a.life, m.config.seedOf(a.name)
	var err error
	a.journal, err = record.Create(filepath.Join(m.dir, record.JournalsFolder, record.JournalName(a.name, a.life)), a.name, a.life, m.now)
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
	m.note(record.Process, a.name, a.life, "started")
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
		m.note(record.Process, a.name, life, text)
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
	a.memory.note(record.Process, a.name, a.life, "killed")
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
