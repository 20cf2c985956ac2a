package decide

import (
	"cmp"
	"time"
)

// Options are set when a task is submitted. The zero value is a plain task: its znode holds
// the payload and nothing else, as if made by hand.
type Options struct {
	// MaxAttempts is after how many executions without a result the task fails.
	// 0: as the master has it (MasterConfig.MaxAttempts).
	MaxAttempts int
	// Timeout bounds one execution. It counts from the start of the handler, by
	// the worker's clock; the attempt then ends, whether or not the handler
	// returns. 0: no bound.
	Timeout time.Duration
	// HeartbeatTimeout is after how long without progress its worker is taken to be lost
	// for this task, alive or not, by the master's clock. While the task waits
	// for a free handler the worker shows progress by itself. 0: never.
	HeartbeatTimeout time.Duration
	// NotBefore is when the task may first be assigned, by the wall clock of the
	// active master.
	NotBefore time.Time
	// Priority: of tasks that wait, those with a greater one are assigned first.
	Priority int
	// Key is the key for StickyByKey.
	Key string
	// Resident tasks have no end but their cancellation. Each is held by one
	// worker at a time, moves when that is lost, and may be moved when workers
	// join. See Residents in the package's documentation.
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
