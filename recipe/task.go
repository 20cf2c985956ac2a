package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Causes of a handler's context.
var (
	// ErrClaimLost means that the worker's session ended or that another process registered
	// under its name: the task will be assigned again.
	ErrClaimLost = errors.New("worker's claim is lost")
	// ErrAssignmentLost means that the task was taken away or cancelled.
	ErrAssignmentLost = errors.New("assignment was taken away")
	// ErrLeaseLapsed means that no write of the worker was acknowledged for so long that its
	// session may be over by now, and the task may have another owner. If the claim turns out
	// to be alive, the task begins again here under the same token.
	ErrLeaseLapsed = errors.New("the worker's lease has lapsed")
	// ErrRevoked means that a resident task is to move to another worker. The next
	// one starts only when this handler has returned.
	ErrRevoked = errors.New("resident task is to move")
	// ErrTimedOut means that the execution has taken longer than Options.Timeout.
	ErrTimedOut = errors.New("execution timed out")
)

// Task is one task to execute.
type Task struct {
	Name    string
	Payload []byte
	Options Options
	// Token is greater for a later execution of the same task. Pass it to every system
	// outside ZooKeeper that the handler changes, and let that system refuse a token smaller
	// than one it has seen.
	Token Token

	progress func([]byte)
}

// MaxProgress is the size in bytes of the largest progress.
const MaxProgress = 4 << 10

// Progress publishes how far the execution has got. It returns at once; of several calls in
// quick succession only the last is published (WorkerConfig.ProgressInterval). Progress is a
// hint that is deleted with the execution and the worker's session. A task with
// Options.HeartbeatTimeout is taken from a worker that does not call Progress often enough.
//
// It fails with zkapi.ErrTooLarge beyond MaxProgress. On a Task that was not made by a worker
// it does nothing.
func (t Task) Progress(progress []byte) error {
	if len(progress) > MaxProgress {
		return fmt.Errorf("recipe: %w: the progress has %d bytes: at most %d are allowed", zkapi.ErrTooLarge, len(progress), MaxProgress)
	}
	if t.progress != nil {
		t.progress(append([]byte{}, progress...))
	}
	return nil
}

// Result is the output of a handler, which Client.Await returns in the Status.
type Result []byte

// Handler executes one task. Its context ends when the worker's claim or the assignment is
// lost, or the task's timeout is over. Then the Handler should return soon, because the task
// may already run elsewhere. A nil error records the result and ends the task. An error, or a
// panic, ends this attempt; the task is tried again until its attempts are spent. The handler
// of a resident task should return only when its context ends; whatever it returns, the task
// goes to its next owner.
type Handler func(ctx context.Context, task Task) (Result, error)
