package decide

import (
	"cmp"
	"time"
)

// Options are set when a task is submitted. The zero value is a plain task: its znode holds
// the payload and nothing else, as if made by hand.
type Options struct {
	// MaxAttempts is the number of executions without a result after which the task fails. 0:
	// the master's setting (MasterConfig.MaxAttempts).
	MaxAttempts int
	// Timeout bounds one execution. It counts from the start of the handler, by
	// the worker's clock; the attempt then ends, whether or not the handler
	// returns. 0: no bound.
	Timeout time.Duration
	// HeartbeatTimeout is the time without progress after which the task is taken from its
	// worker, alive or not, by the master's clock. While the task waits for a free handler
	// the worker publishes progress by itself. 0: never.
	HeartbeatTimeout time.Duration
	// NotBefore is when the task may first be assigned, by the wall clock of the
	// active master.
	NotBefore time.Time
	// Priority: of tasks that wait, those with a greater one are assigned first.
	Priority int
	// Key is the key for StickyByKey.
	Key string
	// Resident makes a long-lived task that one worker at a time owns. It ends only when it
	// is cancelled. It moves when its worker is lost, and may move when workers join. See
	// "Resident tasks" in the documentation of package recipe.
	Resident bool
}

// IsZero reports whether nothing is asked for.
func (o Options) IsZero() bool { return o == Options{} }

// Token orders the executions of one task for systems outside ZooKeeper: a later execution
// has a greater token. If a sink remembers the greatest token of each task and refuses
// smaller ones, replaced workers cannot change it.
type Token struct {
	Epoch   int32 `json:"epoch"`   // of the master that assigned it
	Attempt int32 `json:"attempt"` // 1 for the first execution
}

// Compare orders tokens: by epoch, then by attempt.
func (t Token) Compare(other Token) int {
	return cmp.Or(cmp.Compare(t.Epoch, other.Epoch), cmp.Compare(t.Attempt, other.Attempt))
}
