package subject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Workload is what a subject brings to a run: the roles of its participants, and what
// each of them does.
type Workload struct {
	// Roles are the roles, in the order in which participants are started and shown. There
	// is at least one.
	Roles []Role
	// Rate says what --rate is, if a role submits: "entries per second that the leader
	// writes". Empty: objects per second, from all participants of that role together.
	Rate string
	// Check reports what is wrong with the numbers of participants of a run, beyond the
	// limits of each role. nil: nothing can be.
	Check func(Run) error
	// Options are what all participants of a run get to know, beside what [Participant]
	// has; see [Participant.Options]. They must be a struct that json can marshal, and none
	// of its keys may be one that the harness has given to Options already. nil: nothing.
	Options func(Run) any
	// Policy has the limits that the participants are given, for the judges. nil: there are
	// none.
	Policy func(Run) record.Policy
	// Play runs one participant until ctx ends. A participant whose role submits returns
	// earlier: when Draining is closed and it has heard of all that it has submitted. It is
	// no error if it ends because ctx does. Any other error is recorded as a crash.
	Play func(ctx context.Context, p Participant) error
	// Open finds the work in the tree that participants have yet to do, or an error if it
	// cannot be read. A run waits for it at its end. nil: a run waits for the participants
	// that submit, and for nothing else.
	Open func(ctx context.Context, z nemesis.Znodes) (Open, error)
	// Tree is how the nemesis finds its targets in the tree. Lacks is left empty: it comes
	// from Roles.
	Tree nemesis.Recipe
	// Roots are the paths below which the recipe has its znodes. The evidence of a run has
	// the znodes there, and no others. Empty: all that there are.
	Roots []string
}

// Open is work that participants have yet to do.
type Open struct {
	Items int    // how much it is; 0: all is done
	Moves int64  // another number whenever work has come or gone, even if Items is the same
	Left  string // the same for a person: "3 tasks without status, 2 assignments"

	below []string // of several recipes, the paths of those that have some
}

// Below are the paths below which there is work, if several recipes share an ensemble.
func (o Open) Below() []string { return o.below }

// ForNemesis is the recipe as the nemesis knows it: the Tree, with the roles that nobody
// can have.
func (w Workload) ForNemesis() nemesis.Recipe {
	recipe := w.Tree
	if len(recipe.Parts) > 0 {
		return recipe
	}
	recipe.Lacks = slices.Clone(recipe.Lacks)
	for _, c := range []struct {
		has   bool
		roles []nemesis.Role
	}{
		{w.Has(func(r Role) bool { return r.Leads }) && recipe.Leader != nil, []nemesis.Role{nemesis.ActiveMaster, nemesis.Backup, nemesis.NextMaster, nemesis.MastersServer}},
		{w.Has(func(r Role) bool { return r.Works }), []nemesis.Role{nemesis.BusiestWorker, nemesis.SomeWorker}},
		{w.Has(func(r Role) bool { return r.Works && !r.Leads }), []nemesis.Role{nemesis.WorkerAlone}},
		{w.Has(func(r Role) bool { return r.Submits }), []nemesis.Role{nemesis.SomeClient}},
	} {
		if !c.has {
			recipe.Lacks = append(recipe.Lacks, c.roles...)
		}
	}
	return recipe
}

// Role is a role of participants.
type Role struct {
	// Name is the beginning of their names: a participant of the role master is master-1. It
	// has lower-case letters only, with dashes between them. The names server, harness, sink, nemesis and zk are taken,
	// and so are those whose flag is an option of torture run or torture soak.
	// The flag that says how many there are is the plural, --masters.
	Name    string
	Explain string // one line for the help of that flag
	Count   int    // how many there are if nobody says otherwise
	Least   int    // how many there may be
	Most    int
	Leads   bool // they stand for election
	Works   bool // they hold what the recipe hands out
	Submits bool // they put load on the recipe, and end when they are told to drain
	Holds   bool // some of them may hold long-lived things and do nothing else; --holders says how many; of one role only
}

// Flag is the name of the flag for the number of participants.
func (r Role) Flag() string { return r.Name + "s" }

// Role is the role of that name; false if there is none.
func (w Workload) Role(name string) (Role, bool) {
	i := slices.IndexFunc(w.Roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return Role{}, false
	}
	return w.Roles[i], true
}

// Validate names everything in a workload that no run could be made of.
func (w Workload) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("subject: "+format, args...)) }
	if w.Play == nil {
		bad("Play is nil, so no participant can run; set it")
	}
	if len(w.Roles) == 0 {
		bad("there are no roles: Roles is empty; give one role at least")
	}
	holders := 0
	for i, r := range w.Roles {
		if !roleName.MatchString(r.Name) {
			bad("role %q: use lower-case letters", r.Name)
		}
		if at := slices.IndexFunc(w.Roles, func(other Role) bool { return other.Name == r.Name }); at < i {
			bad("there are two roles %q", r.Name)
		}
		if taken[r.Name] {
			bad("role %q: the harness has processes of this name; choose another name", r.Name)
		}
		if taken[r.Flag()] {
			bad("role %q: --%s, its flag, is an option of the command already; choose another name", r.Name, r.Flag())
		}
		if r.Least < 0 || r.Count < r.Least || r.Count > r.Most {
			bad("role %s: %d participants are not within %d to %d", r.Name, r.Count, r.Least, r.Most)
		}
		if r.Holds {
			holders++
		}
	}
	if holders > 1 {
		bad("%d roles hold long-lived things: use one", holders)
	}
	return errors.Join(errs...)
}

// taken are the names that no role and no flag of a role may have: the processes of the
// harness, and the options that torture run and torture soak have for every recipe.
var taken = map[string]bool{
	"server": true, "harness": true, "sink": true, "nemesis": true, "zk": true,
	"servers": true, "holders": true, "runs": true, "results": true,
}

var roleName = subjectName

// Has reports whether a role is such.
func (w Workload) Has(such func(Role) bool) bool { return slices.ContainsFunc(w.Roles, such) }

// Run is what somebody asked of a run, as far as a subject needs it.
type Run struct {
	Seed           uint64
	Time           time.Duration  // of the load
	Counts         map[string]int // the participants of each role, by its name
	Holders        []string       // the participants that hold long-lived things and do nothing else
	Rate           float64        // how many objects are submitted per second, by all together
	SessionTimeout time.Duration
	MaxRequest     int // the largest request that the servers take, in bytes; 0: they say nothing of it
}

// Participant is one life of a participant, with all that it acts on.
type Participant struct {
	Name string // worker-2
	Role string
	Life int    // how many times it has been started
	Seed uint64 // of this participant's part of the workload; the same in each life

	Namespace      string // the path below which the recipe has its znodes; empty: the root
	SessionTimeout time.Duration
	MaxRequest     int    // the largest request that the servers take, in bytes; 0: they say nothing of it
	Identity       string // if only that identity may open the znodes; see zkapi.DigestIDWith

	// Env is the way to ZooKeeper. What goes over it is recorded: the sessions, and every
	// write with the answer that was heard. Its wall clock may be wrong.
	Env      zkapi.Env
	Journal  *record.Journal // for all else that the judges must know
	Log      *slog.Logger
	Now      func() time.Duration // since the run began, by the clock of the events
	Draining <-chan struct{}      // closed when a participant that submits must submit no more

	// Effect acts on the system outside ZooKeeper, which remembers the greatest token of
	// each object. The error is [ErrFenced] if the effect has a smaller one.
	Effect func(Effect) error

	// PowerOff ends a life of another participant, as a power switch does that is outside
	// ZooKeeper (STONITH): with SIGKILL, also if the process is stopped. nil means that the life
	// is over: it does nothing any more, and no Effect of it that was under way arrives. A request
	// to ZooKeeper that was under way may still be applied. A life that was over already needs no
	// more than the question. The participant is started again a little later, as its next life.
	//
	// The error [ErrPowerSwitch] means that the switch failed, which some lives meet more often
	// than others, by the seed of the run: the life may go on, or be over. It is the same with
	// that of ctx. So ask again: after some attempts at one life the switch works. Any other error
	// is a mistake of the caller: there is no such life, or it is that of the caller.
	PowerOff func(ctx context.Context, of record.Life) error

	// Options has the [Workload.Options] of the run. It is a JSON object, in which there may
	// be other keys, too.
	Options json.RawMessage
}

// ACL is that of the znodes that the participant makes: all of them open to its Identity alone, if it has
// one; otherwise nil, which opens them to every client.
func (p Participant) ACL() []zkapi.ACL {
	if p.Identity == "" {
		return nil
	}
	return []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "digest", ID: p.Identity}}
}

// ReadOptions reads the options of the run into a struct of the kind that
// [Workload.Options] has returned. The error says what does not fit.
func (p Participant) ReadOptions(into any) error {
	if err := json.Unmarshal(p.Options, into); err != nil {
		return fmt.Errorf("subject: the options of the run: %w", err)
	}
	return nil
}

// Bounds of [Participant.Pause], less or more a quarter.
const (
	firstPause = 200 * time.Millisecond
	mostPause  = 2 * time.Second
)

// Pause waits before a participant repeats what has failed so many times in a row: 200 ms after
// the first failure, twice as long after each further one, at most 2 s, and up to a quarter more or
// less (zkapi.Pause). It returns early when ctx ends. A participant that repeats without a pause
// measures nothing but how many requests the servers can refuse.
func (p Participant) Pause(ctx context.Context, failures int) {
	_, _ = p.Env.Wait(ctx, p.Env.Timer(zkapi.Pause(p.Env, firstPause, mostPause, failures)))
}

// Effect is something that a participant does outside ZooKeeper.
type Effect struct {
	Object string       // that it concerns, by the name that the recipe has given it
	ID     string       // of the same object, by the workload
	Token  record.Token // the right to act
	Text   string       // what is done
}

// ErrFenced means that an effect came too late.
var ErrFenced = errors.New("the sink has seen a later execution")

// ErrPowerSwitch means that the power switch failed. The life may go on, or be over.
var ErrPowerSwitch = errors.New("the power switch failed")

// ErrLeave is the cause of the end of [Workload.Play]'s context when the participant is
// told to leave in good order.
var ErrLeave = errors.New("asked to leave")

// LeavePatience is the time in which a participant that is told to leave must have left.
// The harness kills it when it has taken twice as long.
const LeavePatience = 5 * time.Second

// Depart leaves, by a function that returns when the participant has left, and records
// how. The participant has left in good order if there was no error, and ctx had not
// ended before. Depart returns the error of the function.
func (p Participant) Depart(ctx context.Context, leave func(context.Context) error) error {
	began := p.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Leave, Of: record.Departure{}})
	err := leave(ctx)
	why := err
	if why == nil && ctx.Err() != nil {
		why = context.Cause(ctx)
	}
	if why == nil {
		p.Journal.Complete(began, record.OK, record.Departure{})
	} else {
		p.Journal.Complete(began, record.Fail, record.Departure{Problem: why.Error()})
	}
	return err
}
