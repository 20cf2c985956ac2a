package queue

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
)

var (
	// ErrEmpty is the error of TryTake and TryTakeMany if no item was free. An item that another
	// consumer holds, or that is delayed, is not free.
	ErrEmpty = errors.New("the queue has no free item")
	// ErrFull is the error of Put if the queue has as many items as Config.Bound allows. The item
	// was not put.
	ErrFull = errors.New("the queue is full")
	// ErrInDoubt means that the session has ended, or the caller's context has, before the answer
	// to a write came. The write was applied or it was not; zkapi.FateOf is zkapi.Unknown. Each
	// method says what to do.
	ErrInDoubt = once.ErrInDoubt
	// ErrLost is the cause of a Taken's context if the item was lost against its consumer's wish:
	// the session has ended, the lease is over, or another program has deleted the claim or the
	// entry. Another consumer gets the item, unless the entry is gone.
	ErrLost = errors.New("the item is lost")
	// ErrAcked is the cause of a Taken's context after Ack, and the error of methods that are
	// called later.
	ErrAcked = errors.New("the item is acknowledged")
	// ErrBuried is the same after Bury.
	ErrBuried = errors.New("the item is with the dead letters")
	// ErrReleased is the same after Release.
	ErrReleased = errors.New("the item is given back")
	// ErrFenced means that a write was refused because the consumer holds the item no longer. The
	// write was not applied.
	ErrFenced = term.ErrFenced
	// ErrUnconfirmed means that the ensemble has not confirmed the end of a claim yet. The claim
	// may stay until the session ends. The Queue goes on deleting it as long as the session lives.
	ErrUnconfirmed = errors.New("the claim may stay until the session ends")
	// ErrUnknownItem is the error of Requeue for an id that is not among the dead letters.
	ErrUnknownItem = errors.New("no dead letter has this id")
	// ErrClosed is the error of every method after Close, and the cause of the contexts of items
	// that were held then.
	ErrClosed = errors.New("the queue is closed")
	// ErrInvalid means that a configuration or an argument is wrong; nothing was sent. The error
	// names it and the remedy.
	ErrInvalid = input.ErrInvalid
)

// invalid is an ErrInvalid with a reason.
func invalid(format string, args ...any) error { return input.Invalid(role, format, args...) }

// errZero is the error of a Queue that New has not made.
var errZero = invalid("this Queue value was not made by New: use New")
