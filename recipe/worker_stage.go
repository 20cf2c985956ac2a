package recipe

import (
	"fmt"
	"slices"
)

// stage is how far an execution is, as its worker knows it.
type stage uint8

const (
	stageWaiting    stage = iota // for a free handler
	stageBlocked                 // the worker may not read it, or its task: it is not begun
	stageOutdated                // it is from a tree that has gone back: it is not begun
	stageRunning                 // the handler was called, and the attempt has not ended
	stageReturned                // the handler has returned because the lease was over: the execution begins again
	stageEnded                   // how it has ended is to be recorded
	stageUnresolved              // its end may have been recorded
	stageSettled                 // its end is recorded, or another process settles it
)

var stageNames = [...]string{"waiting", "blocked", "outdated", "running", "returned", "ended", "unresolved", "settled"}

func (s stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return fmt.Sprintf("stage(%d)", uint8(s))
}

// stagesAfter lists the allowed transitions. An assignment may be taken away at any moment,
// so every stage leads to settled.
var stagesAfter = [...][]stage{
	stageWaiting:    {stageOutdated, stageRunning, stageEnded, stageSettled},
	stageBlocked:    {stageEnded, stageSettled},
	stageOutdated:   {stageEnded, stageSettled},
	stageRunning:    {stageReturned, stageEnded, stageSettled},
	stageReturned:   {stageWaiting, stageEnded, stageSettled},
	stageEnded:      {stageUnresolved, stageSettled},
	stageUnresolved: {stageEnded, stageSettled},
	stageSettled:    {},
}

// enter moves an execution to a stage. If the table does not allow the transition, the
// execution stays where it is and the worker gives up its claim, because its state is wrong;
// the master and the worker's next incarnation begin from the tree. To stay in a stage is no
// transition.
func (i *incarnation) enter(e *execution, to stage) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.enterLocked(e, to)
}

// enterLocked is enter for a caller that holds the mutex.
func (i *incarnation) enterLocked(e *execution, to stage) {
	if e.stage == to {
		return
	}
	if !slices.Contains(stagesAfter[e.stage], to) {
		err := fmt.Errorf("%w: execution of %s, attempt %d, cannot go from %v to %v", ErrClaimLost, brief(e.task.Name), e.task.Token.Attempt, e.stage, to)
		i.worker.log.ErrorContext(i.ctx, "a worker has found an error in its own state: it gives up its claim", "error", err)
		i.lose(err)
		return
	}
	e.stage = to
	i.queueLocked(e)
}

// at reports whether an execution is at one of these stages.
func (i *incarnation) at(e *execution, stages ...stage) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Contains(stages, e.stage)
}
