package election

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
)

var (
	// ErrLost is the cause of a Leadership's context if the leadership was lost against its
	// owner's wish: its session has ended, its lease is over, or another leader was elected.
	ErrLost = errors.New("the leadership is lost")
	// ErrResigned is the cause of a Leadership's context after Resign.
	ErrResigned = errors.New("resigned")
	// ErrFenced means that a write was refused because another leader has been elected. The write
	// was not applied.
	ErrFenced = term.ErrFenced
	// ErrUnconfirmed means that the ensemble has not confirmed the end of a session yet. The
	// leader's znode may stay until the session's timeout, and the next leader waits until then.
	ErrUnconfirmed = errors.New("the leader's znode may stay until the session ends")
	// ErrWentBack means that the ensemble was wiped, replaced, or restored from a backup: the
	// epoch in the tree is lower than one that was seen before. Candidates raise the epoch above
	// the highest one that they have seen; the error is in the log, and it says why a term was
	// lost.
	ErrWentBack = epoch.ErrWentBack
	// ErrClosed is the error of every method after Close, and the cause of the context of a
	// leadership that was held then.
	ErrClosed = errors.New("the candidate is closed")
	// ErrStands means that this Candidate waits or leads already. Resign first, or make another
	// Candidate.
	ErrStands = errors.New("this candidate stands for election already")
	// ErrInvalid means that a configuration or an argument is wrong; nothing was sent. The error
	// names it and the remedy.
	ErrInvalid = input.ErrInvalid
)

// invalid is an ErrInvalid with a reason.
func invalid(format string, args ...any) error { return input.Invalid("election", format, args...) }

// errZero is the error of a value that its function New has not made.
var errZero = invalid("this value was not made by New or NewObserver: use them")
