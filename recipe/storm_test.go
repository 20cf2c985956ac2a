package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// stormEvent is one thing that happens in a storm. It is plain data, so that a storm that
// shows a defect is shrunk to the few events that matter, saved under testdata/rapid
// and tried first the next time.
type stormEvent struct {
	Kind    string
	Process int // which process, modulo their number
	Millis  int // how long it lasts, or until the next one
}

// The first kind is what others shrink to.
var stormEventKinds = []string{"calm", "submit", "submit", "submit", "expire", "lose before", "lose after", "cut", "move", "lag", "leave", "kill"}

var stormEvents = rapid.Custom(func(t *rapid.T) stormEvent {
	return stormEvent{
		rapid.SampledFrom(stormEventKinds).Draw(t, "kind"), rapid.IntRange(0, 11).Draw(t, "process"), rapid.IntRange(0, 6000).Draw(t, "ms"),
	}
})

// TestRecipe_KeepsItsPromisesInStorms lets whole groups of processes go through storms, in
// virtual time: every task that was accepted gets one status, every execution has a token of
// its own, and the tree that is left is well-formed.
func TestRecipe_KeepsItsPromisesInStorms(t *testing.T) {
	most := 60
	if os.Getenv("RINGMASTER_DEEP") != "" {
		most = 500
	}
	sessions, faults := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		storm := rapid.SliceOfN(stormEvents, most, most).Draw(rt, "storm")
		var s *stormRun
		synctest.Test(t, func(t *testing.T) {
			s = newStormy()
			s.through(storm)
		})
		sessions, faults = sessions+s.opened, faults+s.faults
		if len(s.wrong) > 0 {
			rt.Fatal(strings.Join(s.wrong, "\n"))
		}
	})
	t.Logf("%d sessions, %d faults", sessions, faults)
}

// stormRun is a group of processes in a storm.
type stormRun struct {
	server    *zk.Server
	processes []*stormProcess
	client    *recipe.Client
	faults    int
	work      sync.WaitGroup
	ctx       context.Context
	stop      context.CancelFunc
	waiting   sync.WaitGroup // for tasks

	mu     sync.Mutex
	opened int
	lives  int
	ran    map[string]string // token of each execution: by whom
	wrong  []string
}

// stormProcess is one process: the role that it runs, again and again.
type stormProcess struct {
	*zk.Env
	storm *stormRun
	make  func(zkapi.Env) recipe.Role

	mu       sync.Mutex
	sessions []*zk.Session
	dead     bool
	role     recipe.Role
	cancel   context.CancelFunc
}

var errDead = errors.New("dead")

// Open implements zkapi.Env.
func (a *stormProcess) Open(context.Context) (zkapi.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dead {
		return nil, errDead
	}
	s := a.Server.Open()
	a.sessions = append(a.sessions, s)
	a.storm.mu.Lock()
	a.storm.opened++
	a.storm.mu.Unlock()
	return s, nil
}

func (a *stormProcess) all() []*zk.Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sessions)
}

func (a *stormProcess) latest() *zk.Session {
	all := a.all()
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// die leaves everything behind.
func (a *stormProcess) die() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead = true
	for _, s := range a.sessions {
		s.Abandon()
	}
	if a.cancel != nil {
		a.cancel()
	}
}

func newStormy() *stormRun {
	s := &stormRun{server: zk.NewServer(timeout), ran: map[string]string{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for i := range 2 {
		s.add(func(env zkapi.Env) recipe.Role {
			m, _ := recipe.NewMaster(env, recipe.MasterConfig{Name: fmt.Sprint("m", i), MaxAttempts: 1000, Queue: i == 1})
			return m
		})
	}
	for i := range 3 {
		s.add(func(env zkapi.Env) recipe.Role {
			name := fmt.Sprint("w", i)
			w, _ := recipe.NewWorker(env, recipe.WorkerConfig{Name: name, Handler: s.handler(name)})
			return w
		})
	}
	clients := &stormProcess{Env: &zk.Env{Server: s.server}, storm: s}
	s.client, _ = recipe.NewClient(clients, recipe.ClientConfig{})
	s.processes = append(s.processes, clients)
	return s
}

func (s *stormRun) add(make func(zkapi.Env) recipe.Role) {
	a := &stormProcess{storm: s, make: make}
	s.processes = append(s.processes, a)
	s.start(len(s.processes) - 1)
}

// start begins a life of a process: a new value, so that the last one stays dead.
func (s *stormRun) start(at int) {
	s.lives++
	a := &stormProcess{Env: &zk.Env{Server: s.server}, storm: s, make: s.processes[at].make}
	s.processes[at] = a
	ctx, cancel := context.WithCancel(s.ctx)
	a.cancel, a.role = cancel, a.make(lifeEnv{a, s.lives})
	role := a.role
	s.work.Go(func() { _ = role.Run(ctx) })
}

// lifeEnv gives the names of different lives different ends.
type lifeEnv struct {
	*stormProcess
	life int
}

// Unique implements zkapi.Env.
func (e lifeEnv) Unique() string { return fmt.Sprintf("%d-%s", e.life, e.stormProcess.Unique()) }

// handler notes who has executed what.
func (s *stormRun) handler(name string) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		token := fmt.Sprintf("%s at %d.%d", task.Name, task.Token.Epoch, task.Token.Attempt)
		s.mu.Lock()
		if by, ran := s.ran[token]; ran {
			s.wrong = append(s.wrong, fmt.Sprintf("%s was executed by %s and again by %s", token, by, name))
		}
		s.ran[token] = name
		s.mu.Unlock()
		time.Sleep(time.Duration(len(task.Payload)) * 50 * time.Millisecond)
		if len(task.Payload)%3 == 1 && task.Token.Attempt == 1 {
			return nil, errors.New("the first attempt fails")
		}
		return recipe.Result(token), ctx.Err()
	}
}

// through lets everything happen, then waits until all is done and looks at what is
// left.
func (s *stormRun) through(storm []stormEvent) {
	for n, g := range storm {
		s.happen(n, g)
		time.Sleep(time.Duration(g.Millis%1500) * time.Millisecond)
	}
	for at, a := range s.processes {
		for _, session := range a.all() {
			session.CatchUp()
			session.Mend()
		}
		if a.dead {
			s.start(at)
		}
	}
	s.waiting.Wait()
	s.look()
	s.stop()
	_ = s.client.Close(context.Background())
	s.work.Wait()
}

func (s *stormRun) happen(n int, g stormEvent) {
	at := g.Process % len(s.processes)
	a := s.processes[at]
	session := a.latest()
	isClient := at == len(s.processes)-1
	switch g.Kind {
	case "calm":
		return
	case "submit":
		s.submit(n, g.Process)
		return
	case "leave", "kill":
		if isClient || a.dead {
			return
		}
		if g.Kind == "leave" {
			role := a.role
			s.work.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_ = role.Close(ctx)
			})
		} else {
			a.die()
		}
		time.Sleep(time.Duration(g.Millis) * time.Millisecond)
		s.start(at)
	default:
		if session == nil {
			return
		}
		s.strike(session, g)
	}
	s.faults++
}

// strike does something to a session.
func (s *stormRun) strike(session *zk.Session, g stormEvent) {
	lasts := time.Duration(g.Millis) * time.Millisecond
	switch g.Kind {
	case "expire":
		session.Expire()
	case "lose before":
		session.CutAtNext(zk.RequestLost)
		time.AfterFunc(lasts, session.Mend)
	case "lose after":
		session.CutAtNext(zk.ReplyLost)
		time.AfterFunc(lasts, session.Mend)
	case "cut":
		session.Cut()
		time.AfterFunc(lasts, session.Mend)
	case "move":
		session.Move()
	case "lag":
		session.Lag()
		time.AfterFunc(lasts, session.CatchUp)
	}
}

// submit hands in a task and waits for its end beside the storm.
func (s *stormRun) submit(n, size int) {
	s.waiting.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Hour)
		defer cancel()
		id := fmt.Sprint("t", n)
		_, err := s.client.Submit(ctx, make([]byte, size), recipe.ID(id))
		var status recipe.Status
		if err == nil {
			status, err = s.client.Await(ctx, "task-"+id)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil || status.State != recipe.Done {
			s.wrong = append(s.wrong, fmt.Sprintf("task %s: %+v, %v", id, status, err))
		} else if _, ran := s.ran[string(status.Result)]; !ran {
			s.wrong = append(s.wrong, fmt.Sprintf("task %s has a result of no execution: %s", id, status.Result))
		}
	})
}

// look judges the tree that is left.
func (s *stormRun) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.server.Tree().All() {
		if parts := strings.Split(path, "/"); len(parts) == 4 && parts[1] == "assign" {
			s.wrong = append(s.wrong, "left over: "+path)
		}
	}
}
