package zkapi

import (
	"context"
	"time"
)

// Session is one ZooKeeper session. All methods may be called concurrently;
// requests issued one after the other take effect in that order.
type Session interface {
	// ID is ZooKeeper's 64-bit session id, the EphemeralOwner of its znodes.
	ID() int64
	// Timeout is the negotiated session timeout, not the one asked for.
	Timeout() time.Duration
	// MaxRequest is the size in bytes, as Op.Size counts it, of the largest request that
	// the session sends. A larger one fails with ErrTooLarge, and nothing is sent. The
	// servers may accept less than that; see ErrProbablyTooLarge.
	MaxRequest() int
	// Do sends one request and waits for its answer. While the connection is
	// down it waits for the next one of the same session. It returns early when
	// ctx ends or the session does; the request's Fate says whether it may
	// still have been applied. After the session has ended nothing is sent.
	Do(ctx context.Context, op Op) (Result, error)
	// DoAll pipelines requests that do not depend on each other and returns
	// their replies in the order of ops. They may take effect in any order.
	DoAll(ctx context.Context, ops []Op) []Reply
	// Connection returns a count that changes whenever the connection goes down
	// or comes up, whether it is up now, and a source that fires at the next
	// such change. After a change every watch must be taken as fired.
	Connection() (change int, up bool, next Source)
	// Done fires when the session has ended: expired by the server, given up
	// because its lease ran out here, or closed.
	Done() Source
	// Cause is nil until Done fires, then the reason; it wraps ErrSessionEnded.
	Cause() error
	// Close ends the session. A nil error means that the server confirmed it, so
	// that the ephemerals are gone; otherwise they may linger until the timeout. It
	// takes a few seconds at most, even if ctx does not end.
	Close(ctx context.Context) error
}

// Witness is a Session that remembers what earlier sessions of the process saw.
type Witness interface {
	// WentBack counts how often a new session of the process saw an older tree than an
	// earlier session, because the ensemble was wiped, replaced, or restored from a backup.
	// The error describes the last such case, and is nil when the count is 0.
	WentBack() (times int, last error)
}

// WentBack asks a session that has just been opened how often the ensemble has gone back in
// time. It returns 0 if the session cannot tell.
func WentBack(s Session) (times int, last error) {
	if w, ok := s.(Witness); ok {
		return w.WentBack()
	}
	return 0, nil
}
