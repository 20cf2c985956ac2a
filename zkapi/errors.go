package zkapi

import (
	"errors"
	"fmt"
)

// Fate says what is known about a request. It has a third value beside yes and no: Unknown.
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

// Answers of a server about the state of the tree. Each proves that the request
// changed nothing.
var (
	ErrNoNode     = errors.New("znode does not exist")
	ErrNodeExists = errors.New("znode exists already")
	ErrBadVersion = errors.New("znode has another version")
	ErrNotEmpty   = errors.New("znode has children")
	ErrEphemeral  = errors.New("ephemeral znodes have no children")
)

// Refusals that no repetition cures (Permanent): a person has to change the request or
// a configuration. Each proves that the request changed nothing.
var (
	// ErrNoAuth means that the session's identities may not do this to the znode.
	ErrNoAuth = errors.New("access denied by the znode's ACL")
	// ErrInvalidACL means that an ACL names an identity that its scheme does not
	// understand.
	ErrInvalidACL = errors.New("the server does not understand an ACL")
	// ErrAuthFailed means that the server does not take the credentials, or wants
	// credentials of another scheme.
	ErrAuthFailed = errors.New("credentials were refused")
	// ErrUntrusted means that no secure connection came about: a certificate was
	// refused by one side, or the other side does not speak TLS.
	ErrUntrusted = errors.New("TLS failed")
	// ErrNotZooKeeper means that the program at the address does not speak ZooKeeper's
	// protocol. The error that wraps it has the address and the beginning of the answer.
	ErrNotZooKeeper = errors.New("this is not a ZooKeeper server")
	// ErrInvalidPath means that the request was not sent because the client library does
	// not take its path. A server may show such a name all the same: servers before 3.5
	// allowed more characters, and another client may check less.
	ErrInvalidPath = errors.New("invalid path")
	// ErrBadArguments means that the server cannot make sense of the request.
	ErrBadArguments = errors.New("the server does not understand the request's arguments")
	// ErrUnsupported means that the server does not have this request, or that its
	// configuration turns it off.
	ErrUnsupported = errors.New("the server does not support the request")
)

// Refusals that may end by themselves (Curable). Each proves that the request changed
// nothing.
var (
	// ErrRefused is every refusal that no other error of this package names.
	ErrRefused = errors.New("refused by the server")
	// ErrQuota means that a quota on a znode above would be exceeded, and that the
	// servers enforce quotas.
	ErrQuota = errors.New("a quota on a znode above is used up")
	// ErrReadOnly means that the server has no leader and takes no writes.
	ErrReadOnly = errors.New("the server is in read-only mode")
	// ErrThrottled means that the server was too busy to take the request up.
	ErrThrottled = errors.New("the server is too busy")
)

// Failures on this side of the wire.
var (
	// ErrNotSent means that the request never left: the caller may send it again.
	ErrNotSent = errors.New("request was not sent")
	// ErrConnectionLoss means that the request may have been sent and was not
	// answered: its Fate is Unknown until it is read back after a Sync.
	ErrConnectionLoss = errors.New("connection lost before the answer")
	// ErrSessionEnded means that this Session value is over; the reason is Session.Cause.
	ErrSessionEnded = errors.New("session ended")
	// ErrTooLarge means that the request is over the limit that the session was
	// configured with (the servers' jute.maxbuffer). It is found before anything is
	// sent, because a server that meets it closes the connection, each time it is tried
	// again. The Fate is NotApplied.
	ErrTooLarge = errors.New("request is larger than the server accepts")
	// ErrProbablyTooLarge comes with ErrConnectionLoss, when the last few connections
	// in a row were closed by the server while a request of this size was unanswered:
	// its jute.maxbuffer is probably smaller than the session's limit. The Fate stays
	// Unknown until it is read back. To send the request again in one piece will
	// probably end the next connection too.
	ErrProbablyTooLarge = errors.New("request is probably larger than the server accepts")
)

// TooLarge reports whether err says that the request is larger than the server accepts, for
// certain (ErrTooLarge) or probably (ErrProbablyTooLarge). The caller should split a batch; a
// single operation needs a larger limit. FateOf says what is known about the request.
func TooLarge(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrProbablyTooLarge)
}

// Error is the error that every method of a Session returns: the request, its fate, and the
// reason.
type Error struct {
	Kind  Kind
	Path  string
	Index int // of a Multi: which operation failed; -1 when none can be named
	Fate  Fate
	Err   error
}

// Error implements error.
func (e *Error) Error() string {
	at := " " + e.Path
	switch {
	case e.Kind == KindMulti && e.Index >= 0:
		at = fmt.Sprintf(" operation %d on %s", e.Index, e.Path)
	case e.Path == "": // a multi has paths in its parts alone
		at = ""
	}
	return fmt.Sprintf("%s%s: %v (%v)", e.Kind, at, e.Err, e.Fate)
}

// Unwrap is why the request failed.
func (e *Error) Unwrap() error { return e.Err }

// FateOf returns the fate of the request that returned err: Applied for nil, and Unknown for
// every error without a fate.
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
