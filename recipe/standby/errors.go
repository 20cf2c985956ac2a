package standby

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
)

// The causes of an Active's context, and the errors of a Candidate.
var (
	// ErrLost is the cause of an Active's context if it was lost against its owner's wish: its
	// session has ended, its lease is over, or another one has won.
	ErrLost = errors.New("the active is lost")
	// ErrFenced means that a write was refused because another process has won. The write was not
	// applied.
	ErrFenced = term.ErrFenced
	// ErrUnhealthy is the cause of an Active's context if Config.Health has failed.
	ErrUnhealthy = errors.New("the process is not healthy")
	// ErrHandedOver is the cause of an Active's context after a failover that was asked for.
	ErrHandedOver = errors.New("handed over")
	// ErrNotActivated is the cause of an Active's context if Config.BecomeActive has failed.
	ErrNotActivated = errors.New("the process did not become active")
	// ErrUnfenced means that Config.Fence has failed as often as Config allows. It is in the log.
	ErrUnfenced = errors.New("the old active could not be fenced")
	// ErrNotStandby is the error of Run if Config.BecomeStandby has not returned nil although Run was
	// told to end. Then the breadcrumb names this process, and the next active fences it.
	ErrNotStandby = errors.New("the process has not become standby")
	// ErrTimeout means that a hook has not returned in time. The recipe goes on as if it had failed, and
	// does not call it again before it has returned.
	ErrTimeout = errors.New("the hook has not returned in time")
	// ErrWentBack means that the ensemble was wiped, replaced, or restored from a backup: the epoch in
	// the tree is lower than one that was seen before. It is in the log, and says why an active was lost.
	ErrWentBack = epoch.ErrWentBack
	// ErrClosed is the error of every method after Close, and the cause of the context of an Active
	// then.
	ErrClosed = process.ErrClosed
	// ErrRuns means that Run is under way already.
	ErrRuns = errors.New("this candidate runs already")
	// ErrInvalid means that a configuration or an argument is wrong; nothing was sent.
	ErrInvalid = input.ErrInvalid
)

// The errors of Group.Failover.
var (
	// ErrNoActive means that no process is active, so none can hand over. Nothing was written.
	ErrNoActive = errors.New("no process is active")
	// ErrNoCandidate means that the target is not there, or is not healthy; or that no other process
	// stands by. Nothing has changed.
	ErrNoCandidate = errors.New("no such candidate stands by")
	// ErrBusy means that another failover is under way, or was asked for by hand. Nothing was written.
	ErrBusy = errors.New("another failover is under way")
	// ErrElsewhere means that the old active is not active any more, but another process than the
	// target has become active.
	ErrElsewhere = errors.New("another process has become active")
	// ErrInDoubt means that the failover may still take place, or has. Look at Group.Status.
	ErrInDoubt = once.ErrInDoubt
)

// invalid is an ErrInvalid with a reason.
func invalid(format string, args ...any) error { return input.Invalid("standby", format, args...) }

// errZero is the error of a value that its function New has not made.
var errZero = invalid("this value was not made by New or NewGroup: use them")
