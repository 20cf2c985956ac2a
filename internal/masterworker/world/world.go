package world

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Config lists the participants of a world and the work of its clients.
type Config struct {
	Masters  int
	Workers  int
	Tasks    int // that one client submits, one after the other, or Together
	Failures int // attempts at the first task that end without a result
	Attempts int // after which a task fails
	Cancel   bool
	Collect  bool
	Bounds   explore.Bounds
	Library  explore.Library
	Twins    bool   // every worker has a second process of the same name
	Unfenced bool   // the system outside accepts every token
	Without  string // the guard that is taken out; see Guards
	// WrongClocks gives every process its own wrong wall clock.
	WrongClocks bool
	// ForGood means that a crashed process stays down. A process crashes only if its kind has
	// more processes than may crash, so that another can replace it.
	ForGood bool
	// Resubmit has the client collect its tasks and submit them again under the same
	// ids, once.
	Resubmit bool

	// Together has the client submit all tasks by one SubmitAll.
	Together bool `json:",omitempty"`

	// Prune has an operator delete /workers/worker-1 by hand, while that worker may still run, and
	// prune the name at once.
	Prune bool `json:",omitempty"`

	// Parts has the servers take so little at once that a finished task is collected child
	// by child.
	Parts bool `json:",omitempty"`

	// Apart has the servers take so little at once that each decision of a master, each end of an
	// execution and each submission is a write of its own.
	Apart bool `json:",omitempty"`

	// Window is how many requests of one DoAll are under way together; see explore.World.
	Window int `json:",omitempty"`

	// Follow makes sessions answer followed reads with differences; see explore.World.
	Follow bool `json:",omitempty"`

	Turns bool `json:",omitempty"` // which thread of a process goes on first is a choice; see explore.World

	Residents   int  // so many tasks, the first ones, are resident; they end only if they are cancelled
	Concurrency int  // handlers of ordinary tasks that a worker runs at a time; 0 leaves it to the recipe
	Abrupt      bool // a process that is asked to leave gets no time to finish
	Strands     bool // cuts are between a server and its leader; see explore.World
	Slow        bool // the leader and every handler act outside once more after their contexts have ended

	// Longer times need sweeps: each sweep advances the clock of one process by
	// explore.SweepTime.
	NotBefore time.Duration // how long after its submission the first task may begin at the earliest
	Retention time.Duration // how long masters keep a finished task; 0 for ever
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2} }

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	guard, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err, c.mayBeWithout(guard)); err != nil {
		return nil, err
	}
	c.Unfenced = c.Unfenced || guard.Fence
	w := &explore.World{Tree: worlds.Furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Unfenced: c.Unfenced, Window: c.Window, Turns: c.Turns, Follow: c.Follow, Judge: judge{c}, Constant: c.constant, Beside: worlds.Notices}
	add := func(name string, p explore.Process) {
		p.Name = name
		w.Processes = append(w.Processes, p)
	}
	for i := range c.Masters {
		name := fmt.Sprintf("master-%d", i+1)
		add(name, explore.Process{Program: c.master(name), Leaves: true, Crash: c.crash(c.Masters)})
	}
	for i := range c.Workers {
		name := fmt.Sprintf("worker-%d", i+1)
		add(name, explore.Process{Program: c.worker(name), Leaves: true, Crash: c.crash(c.Workers)})
		if c.Twins {
			add(name+twin, explore.Process{Program: c.worker(name), Leaves: true, Crash: c.crash(c.Workers)})
		}
	}
	add("client-1", explore.Process{Program: c.client(), Fixed: true})
	if c.Prune {
		add("operator-1", explore.Process{Program: c.operator(), Fixed: true})
	}
	return w, w.Validate()
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	alone := c.Workers == 0 && c.Tasks == 0 // masters among themselves
	crashes := c.Bounds.Crashes
	switch {
	case c.Masters < 1 || c.Attempts < 1 || !alone && (c.Workers < 1 || c.Tasks < 1):
		return fmt.Errorf("world: %d masters, %d workers, %d tasks, %d attempts: use 1 or more of each, or --workers 0 --tasks 0",
			c.Masters, c.Workers, c.Tasks, c.Attempts)
	case alone && (c.Twins || c.Cancel || c.Collect || c.Resubmit || c.Together || c.Prune || c.Parts || c.Failures > 0 || c.Concurrency > 0 || c.Retention > 0 || c.NotBefore > 0):
		return errors.New("world: masters alone have no worker and no task: leave out the options about these, or use --workers 1 and --tasks 1")
	case c.Abrupt && c.Bounds.Leaves == 0:
		return errors.New("world: abrupt: no process is asked to leave: use --leaves 1 or more")
	case c.ForGood && (crashes == 0 || c.Masters <= crashes && c.Workers <= crashes):
		return fmt.Errorf("world: for good with crashes=%d, %d masters and %d workers: use 1 crash or more, and more masters or workers than crashes", crashes, c.Masters, c.Workers)
	case c.Resubmit && (c.Residents > 0 || c.NotBefore > 0 || c.Retention > 0):
		return errors.New("world: resubmit: resident tasks, and tasks that wait for a time, are not submitted again; leave out --residents and --not-before")
	case c.Residents < 0 || c.Residents > c.Tasks:
		return fmt.Errorf("world: %d residents: use 0 to %d, the number of tasks", c.Residents, c.Tasks)
	case c.Residents > 0 && c.Failures > 0:
		return fmt.Errorf("world: %d residents, %d failures: the first task is resident, and a failed resident task waits longer than the explored time; use 0 for one of them", c.Residents, c.Failures)
	case c.NotBefore < 0 || c.Retention < 0:
		return fmt.Errorf("world: not before %v, retention %v: use 0 or more", c.NotBefore, c.Retention)
	case (c.NotBefore > 0 || c.Retention > 0) && (c.Bounds.Sweeps == 0 || c.Bounds.Crashes+c.Bounds.Leaves > 0 || c.WrongClocks):
		return errors.New("world: not before, retention: they need sweeps, because only sweeps let time pass, and no crashes and no leaves, because a clock must not begin again")
	case c.Concurrency < 0:
		return fmt.Errorf("world: concurrency %d: use at least 1, or 0 to leave it to the recipe", c.Concurrency)
	}
	return nil
}

// crash returns the fate of a dead process whose kind has that many processes.
func (c Config) crash(many int) explore.Crash {
	switch {
	case !c.ForGood:
		return explore.Restarted
	case many > c.Bounds.Crashes:
		return explore.ForGood
	}
	return explore.Spared
}

// twin is the suffix of the name of a worker's second process.
const twin = "-twin"

// workerName is the name under which a process registers.
func workerName(process string) string { return strings.TrimSuffix(process, twin) }

// constant answers the requests whose answers never change here. A listed worker's znode
// always belongs to a session here; if it has gone since, the master learns that in another
// way.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	if op.Kind == zkapi.KindExists && !op.Watch && op.Version == 0 && strings.HasPrefix(op.Path, "/workers/") {
		return zkapi.Result{Found: true, Stat: zkapi.Stat{EphemeralOwner: 1}}, nil, true
	}
	if op.Kind == zkapi.KindGet && op.Path == "/pruned" && !c.Prune {
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoNode}, true
	}
	return worlds.Constant(op, c.Bounds.Lags > 0)
}

func (c Config) master(name string) explore.Program {
	return func(ctx context.Context, host explore.Host) {
		host = c.little(c.clocked(name, host))
		m, err := recipe.NewMaster(c.tampered(host), recipe.MasterConfig{
			Name: name, Address: name, MaxAttempts: c.Attempts, Retention: c.Retention,
			Backoff: func(int) time.Duration { return 0 },
			OnLead: func(ctx context.Context, lead recipe.Lead) {
				epoch := lead.Epoch()
				host.Note("leads", fmt.Sprint(epoch))
				zkapi.Checkpoint(host, "begin to lead", ctx, epoch)
				_ = host.Act(ctx, "leadership", worlds.Token(epoch, 0))
				zkapi.Checkpoint(host, "lead", ctx)
				_, _ = host.Wait(ctx)
				c.late(ctx, host, "leadership", worlds.Token(epoch, 0))
				host.Note("leads", "")
			},
		})
		if err != nil {
			panic(err)
		}
		worlds.Run(ctx, host, m, c.Abrupt)
	}
}

var errOnPurpose = errors.New("fails on purpose")

func (c Config) worker(name string) explore.Program {
	return func(ctx context.Context, host explore.Host) {
		host = c.clocked(name, host)
		if c.Apart {
			host = c.little(host)
		}
		latest := &attentive{Inside: worlds.Inside{Host: host}}
		w, err := recipe.NewWorker(c.tampered(latest), recipe.WorkerConfig{
			Name: name, Address: name, Concurrency: c.Concurrency,
			Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
				runs := fmt.Sprintf("%s%s@%d", runsNote, task.Name, worlds.Token(task.Token.Epoch, task.Token.Attempt))
				if c.showsRuns() {
					host.Note(runs, fmt.Sprint(latest.session))
				}
				result, err := c.work(ctx, host, task)
				c.late(ctx, host, taskOf(string(task.Payload)), worlds.Token(task.Token.Epoch, task.Token.Attempt), result, err)
				host.Note(runs, "")
				return result, err
			},
		})
		if err != nil {
			panic(err)
		}
		worlds.Run(ctx, host, w, c.Abrupt)
	}
}

// runsNote begins the note of a handler that runs; its task and its token follow. The
// note says for which session.
const runsNote = "runs-"

// attentive is a host that remembers the session that was opened last.
type attentive struct {
	worlds.Inside
	session int64
}

// Open implements zkapi.Env.
func (a *attentive) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := a.Host.Open(ctx)
	if err == nil {
		a.session = session.ID()
	}
	return session, err
}

// showsRuns reports whether workers note which handlers run.
func (c Config) showsRuns() bool { return c.Residents > 0 || c.Concurrency > 0 }

// work is one execution of a task, until it ends or its context does.
func (c Config) work(ctx context.Context, host explore.Host, task recipe.Task) (recipe.Result, error) {
	resource := taskOf(string(task.Payload))
	zkapi.Checkpoint(host, "work", resource, task.Token, ctx)
	if err := host.Act(ctx, resource, worlds.Token(task.Token.Epoch, task.Token.Attempt)); err != nil {
		return nil, err
	}
	if task.Options.Resident {
		zkapi.Checkpoint(host, "reside", resource, task.Token, ctx)
		_, err := host.Wait(ctx)
		return nil, err
	}
	if resource == taskName(1) && int(task.Token.Attempt) <= c.Failures {
		return nil, errOnPurpose
	}
	return recipe.Result(resource), nil
}

// late is the last external action of a slow handler or leader after its context has ended:
// it returns only when that action is answered. Its future return value is part of its state.
func (c Config) late(ctx context.Context, host explore.Host, resource string, token int64, returns ...any) {
	if !c.Slow || ctx.Err() == nil {
		return
	}
	zkapi.Checkpoint(host, "late", resource, token, ctx, returns)
	_ = host.Act(context.WithoutCancel(ctx), resource, token)
}

func taskID(n int) string   { return fmt.Sprint(n) }
func taskName(n int) string { return taskOf(taskID(n)) }

// taskOf returns the resource on which a task with that payload acts, which is also its
// result. It is the name of the task, except for a task that was submitted again, which has
// another payload.
func taskOf(payload string) string { return "task-" + payload }

// again is the suffix of the payload of a task that was submitted again.
const again = " again"

// stays reports whether a task never ends: it is resident, and the client does not cancel it.
func (c Config) stays(n int) bool { return n <= c.Residents && !(c.Cancel && n == 1) }
