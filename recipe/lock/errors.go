package lock

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
)

var (
	// ErrHeld is the error of TryLock if another contender holds the lock, or came first. This
	// contender has left the line.
	ErrHeld = errors.New("the lock is held")
	// ErrLost is the cause of a Held's context if the lock was lost against its owner's wish: its
	// session has ended, its lease is over, or another program has deleted its znode.
	ErrLost = errors.New("the lock is lost")
	// ErrReleased is the cause of a Held's context after Release.
	ErrReleased = errors.New("the lock is released")
	// ErrFenced means that a write was refused because its lock is held no longer. The write was
	// not applied.
	ErrFenced = term.ErrFenced
	// ErrUnconfirmed means that the ensemble has not confirmed the end of a lock yet. Its znode
	// may stay until the session ends, and the next contender waits until then. The Locks go on
	// deleting the znode as long as the session lives.
	ErrUnconfirmed = errors.New("the lock's znode may stay until the session ends")
	// ErrReentrant means that the same Locks value holds the lock already, or waits for it. The
	// same value cannot hold a lock twice, and it cannot turn a shared lock into an exclusive one:
	// it would wait for itself. Release the lock first. Two goroutines that contend with each
	// other need a Locks value each, or a sync.Mutex between them.
	ErrReentrant = errors.New("this process holds the lock already, or waits for it")
	// ErrMixed means that the path is used in two ways that do not know of each other: as a queue
	// and in the simple form, or as a lock and as a semaphore.
	ErrMixed = errors.New("the path is used for locks of another form")
	// ErrParent means that the znode at the path cannot keep a token: it is ephemeral, or the
	// server deletes it when it is empty. Its version would begin again at 0. ZooKeeper's own
	// servers hide which znodes they delete (containers, TTL): there is no such error then.
	ErrParent = errors.New("the znode of the lock is not persistent")
	// ErrExhausted means that the sequence numbers of the path are used up: ZooKeeper's counter
	// has passed 2147483647. Use another path, or delete this one when no process uses it.
	ErrExhausted = errors.New("the sequence numbers of the path are used up")
	// ErrClosed is the error of every method after Close, and the cause of the contexts of locks
	// that were held then.
	ErrClosed = errors.New("the locks are closed")
	// ErrInvalid means that a configuration or an argument is wrong; nothing was sent. The error
	// names it and the remedy.
	ErrInvalid = input.ErrInvalid
)

// errGone means that the own znode is not in the line any more, so the place is lost.
var errGone = errors.New("the znode of this contender is gone")

// invalid is an ErrInvalid with a reason.
func invalid(format string, args ...any) error { return input.Invalid(role, format, args...) }

// errZero is the error of a Locks that New has not made.
var errZero = invalid("this Locks value was not made by New: use New")
