package zkapi

import (
	"errors"
	"fmt"
)

// Fate is what is known about a request: the third value is the reason why this
// type exists.
type Fate uint8

// Unknown is the zero value on purpose: forgetting to classify an error must
// never turn into a claim.
const (
	Unknown Fate = iota
	Applied
	NotApplied
)

// String implements fmt.Stringer.
func (f Fate) String() string {
	switch f {
	case Applied:
		return "applied"
	case NotApplied:
		return "not applied"
	}
	return "unknown"
}

// Answers of a server. Each proves that the request changed nothing.
var (
	ErrNoNode      = errors.New("znode does not exist")
	ErrNodeExists  = errors.New("znode exists already")
	ErrBadVersion  = errors.New("znode has another version")
	ErrNotEmpty    = errors.New("znode has children")
	ErrEphemeral   = errors.New("ephemeral znodes have no children")
	ErrNoAuth      = errors.New("access denied by the znode's ACL")
	ErrRefused     = errors.New("refused by the server")
	ErrInvalidPath = errors.New("invalid path")
)

// Refusals that no repetition cures: somebody has to change a configuration.
var (
	// ErrInvalidACL means that an ACL names an identity that its scheme does not
	// understand.
	ErrInvalidACL = errors.New("the server does not understand an ACL")
	// ErrAuthFailed means that the server does not take the credentials.
	ErrAuthFailed = errors.New("credentials were refused")
	// ErrUntrusted means that no secure connection came about: a certificate was
	// refused by one side, or the other side does not speak TLS.
	ErrUntrusted = errors.New("TLS failed")
)

// Permanent reports whether err is a refusal that trying again cannot cure:
// missing permission, wrong identities or credentials, or no trust.
func Permanent(err error) bool {
	return errors.Is(err, ErrNoAuth) || errors.Is(err, ErrInvalidACL) || errors.Is(err, ErrAuthFailed) || errors.Is(err, ErrUntrusted)
}

// Failures on this side of the wire.
var (
	// ErrNotSent means that the request never left: the caller may send it again.
	ErrNotSent = errors.New("request was not sent")
	// ErrConnectionLoss means that the request may have been sent and was not
	// answered: its Fate is Unknown until it is read back after a Sync.
	ErrConnectionLoss = errors.New("connection lost before the answer")
	// ErrSessionEnded means that this Session value is over, for whatever
	// reason; the reason is Session.Cause.
	ErrSessionEnded = errors.New("session ended")
	// ErrTooLarge means that the request is over the server's jute.maxbuffer.
	// It is found before anything is sent, because a server that meets it closes
	// the connection, each time it is tried again.
	ErrTooLarge = errors.New("request is larger than the server accepts")
)

// Error is what every method of a Session returns: the request, what is known
// of it, and why.
type Error struct {
	Kind  Kind
	Path  string
	Index int // of a Multi: which operation failed; -1 when none can be named
	Fate  Fate
	Err   error
}

// Error implements error.
func (e *Error) Error() string {
	at := e.Path
	if e.Kind == KindMulti && e.Index >= 0 {
		at = fmt.Sprintf("operation %d on %s", e.Index, e.Path)
	}
	return fmt.Sprintf("%s %s: %v (%v)", e.Kind, at, e.Err, e.Fate)
}

// Unwrap is why the request failed.
func (e *Error) Unwrap() error { return e.Err }

// FateOf says what is known about the request that returned err: Applied for
// nil, and Unknown for every error that does not say otherwise.
func FateOf(err error) Fate {
	if err == nil {
		return Applied
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fate
	}
	return Unknown
}

// FailedIndex is the position of the operation that made a Multi fail, or -1.
func FailedIndex(err error) int {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == KindMulti {
		return e.Index
	}
	return -1
}
