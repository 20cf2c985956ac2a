package zkapi

import (
	"context"
	"time"
)

// Source is something that Wait can wait for. Sources come from the Env and
// from Sessions of the same implementation; they cannot be made elsewhere.
type Source interface {
	// Fired reports whether a Wait for this source would return at once.
	Fired() bool
}

// Signal is a Source that another logical thread raises. Raising it twice
// before it is waited for counts once: it says "look again", not how often.
type Signal interface {
	Source
	Raise()
}

// Env is everything that is not deterministic, besides ZooKeeper's answers.
type Env interface {
	// Open makes a new session. It waits a while for the first server to grant it;
	// its error says why none has. Calling it again may help unless the error is
	// Permanent.
	Open(ctx context.Context) (Session, error)
	// Wait blocks until one of sources fires and returns its index, the lowest
	// when several have; or until ctx ends, and returns its cause. It is the
	// only select there is. A Signal that is returned is lowered.
	Wait(ctx context.Context, sources ...Source) (int, error)
	// Now is the time. Differences are monotonic; the wall clock in it may be wrong, so only
	// times that a user gives by the wall clock depend on it.
	Now() time.Time
	// Elapsed is the time since a fixed moment in the past. It runs while the machine sleeps,
	// as the servers' time does, and setting a clock does not change it. Leases are measured by it: Now may
	// stand still in a sleep.
	Elapsed() time.Duration
	// Timer fires once, after d. In a sleep of the machine it may stand still.
	Timer(d time.Duration) Source
	// Signal returns a new, lowered signal.
	Signal() Signal
	// Spawn runs f as one more logical thread. The source fires when f has returned; the
	// caller waits for it.
	Spawn(name string, f func()) Source
	// Unique returns a name that no other call, process or machine returns.
	Unique() string
	// Jitter returns a number from 0 to less than 1 that differs from call to call and from
	// process to process, so that many waits do not all end at one moment. Nothing else may
	// depend on it: an explorer always returns the same.
	Jitter() float64
}

// Checkpointer is an Env that wants to know the state that its threads depend on. An
// explorer does: it merges histories after which the threads depend on equal state.
type Checkpointer interface {
	// Checkpoint declares that the calling thread, from its next call of the port on, depends
	// only on state and on the sources that it waits for. label names the place in the code.
	// A call that returns a time or a name cancels the declaration, and so does an empty label.
	Checkpoint(label string, state ...any)
	// DependsOn declares that the calling thread also depends on state, at each of its
	// checkpoints until it ends.
	DependsOn(state ...any)
}

// Derived is implemented by a part of a state that can be computed from the rest of that state,
// such as an index. A Checkpointer leaves it out. A value that says so wrongly makes an explorer
// merge histories that differ.
type Derived interface {
	Derived()
}

// Checkpoint calls env.Checkpoint if env is a Checkpointer. It changes nothing else.
func Checkpoint(env Env, label string, state ...any) {
	if c, ok := env.(Checkpointer); ok {
		c.Checkpoint(label, state...)
	}
}

// DependsOn calls env.DependsOn if env is a Checkpointer. It changes nothing else.
func DependsOn(env Env, state ...any) {
	if c, ok := env.(Checkpointer); ok {
		c.DependsOn(state...)
	}
}
