package zkapi

import (
	"errors"
	"fmt"
)

// ServerError is the code with which a server answers that the request was not carried out.
// It wraps the error of this package with the same meaning, or ErrRefused, for errors.Is. Its
// Fate is always NotApplied.
type ServerError struct{ Code int32 }

// Answer is the error for the code in a server's answer; nil for 0.
func Answer(code int32) error {
	if code == 0 {
		return nil
	}
	return ServerError{Code: code}
}

// Error describes the refusal, with ZooKeeper's own name for it.
func (e ServerError) Error() string {
	if name := e.Name(); name != "" {
		return fmt.Sprintf("%v (%s, code %d)", e.Unwrap(), name, e.Code)
	}
	return fmt.Sprintf("%v (code %d, which ZooKeeper 3.9 does not have)", e.Unwrap(), e.Code)
}

// Name is ZooKeeper's own name for the code, such as QuotaExceeded; empty for a code that
// ZooKeeper 3.9 does not have.
func (e ServerError) Name() string { return serverCodes[e.Code].name }

// Unwrap returns the error of this package with the same meaning.
func (e ServerError) Unwrap() error {
	if known := serverCodes[e.Code].is; known != nil {
		return known
	}
	return ErrRefused
}

// EndsSession reports whether the answer says that the session is over for this
// client: the server does not know it any more, or talks only to clients that have
// shown other credentials.
func (e ServerError) EndsSession() bool {
	return errors.Is(e, ErrSessionEnded) || errors.Is(e, ErrAuthFailed)
}

// serverCode is one row of the table below. If is is nil, the error is ErrRefused.
type serverCode struct {
	name string
	is   error
}

// serverCodes are the codes of org.apache.zookeeper.KeeperException of ZooKeeper 3.9,
// and of its C client. Why each means that nothing was applied:
//
// A server decides on a write before it proposes it (PrepRequestProcessor). If it
// refuses the write, it proposes an error in the write's place, or nothing at all. A
// write that was proposed is answered by code 0. The codes that no server of ZooKeeper
// sends are those with which a client library tells its own caller that it does not
// know (ConnectionLoss, OperationTimeout, RequestTimeout, Closing). If they come over
// the wire all the same, they are an answer like any other. The one server that is known
// to send two of them (-4 and -7, ClickHouse Keeper, when its own quorum is late) may
// still carry out the write: that server is not one of ZooKeeper's, and this port
// makes no promise on it.
var serverCodes = map[int32]serverCode{
	// Not sent by servers: it marks the range of the codes below.
	-1: {"SystemError", nil},
	// Of a part of a multi that stands behind the part that was refused: not tried.
	-2: {"RuntimeInconsistency", nil},
	// Not sent by servers.
	-3: {"DataInconsistency", nil},
	// Not sent by servers; see above.
	-4: {"ConnectionLoss", nil},
	// The request could not be read or prepared: an error is proposed instead. A follower
	// also sends it in place of a code of its leader that the follower is too old to know.
	-5: {"MarshallingError", nil},
	// The server has no such request, or it is turned off: never prepared.
	-6: {"Unimplemented", ErrUnsupported},
	// Not sent by servers; see above.
	-7: {"OperationTimeout", nil},
	// Found when the request is prepared.
	-8: {"BadArguments", ErrBadArguments},
	// Of the C client: not sent by servers.
	-9: {"InvalidState", nil},
	// A server that stands alone does not know the session any more: checked first.
	-12: {"UnknownSession", ErrSessionEnded},
	// Of reconfig: checked before it is proposed.
	-13: {"NewConfigNoQuorum", nil},
	-14: {"ReconfigInProgress", nil},
	// Of the C client: not sent by servers.
	-15: {"SSLConnectionError", nil},
	// Not sent by servers: it marks the range of the codes below.
	-100: {"APIError", nil},
	// The state of the tree: checked when the request is prepared.
	-101: {"NoNode", ErrNoNode},
	-102: {"NoAuth", ErrNoAuth},
	-103: {"BadVersion", ErrBadVersion},
	-108: {"NoChildrenForEphemerals", ErrEphemeral},
	-110: {"NodeExists", ErrNodeExists},
	-111: {"NotEmpty", ErrNotEmpty},
	// The session is checked before anything else.
	-112: {"SessionExpired", ErrSessionEnded},
	// Not sent by servers.
	-113: {"InvalidCallback", nil},
	// Checked when the request is prepared.
	-114: {"InvalidACL", ErrInvalidACL},
	// Of a request that shows credentials: it is no write.
	-115: {"AuthFailed", ErrAuthFailed},
	// Of the C client: not sent by servers.
	-116: {"Closing", nil},
	-117: {"Nothing", nil},
	// The session is on another connection, so that the request is ignored: checked
	// before anything else.
	-118: {"SessionMoved", nil},
	// The server has no leader: it passes no write on.
	-119: {"NotReadOnly", ErrReadOnly},
	// Checked when the request is prepared. The servers' configuration has local
	// sessions, and does not upgrade them.
	-120: {"EphemeralOnLocalSession", ErrUnsupported},
	// Of a request to remove watches: it is no write.
	-121: {"NoWatcher", nil},
	// Not sent by servers; see above.
	-122: {"RequestTimeout", nil},
	// Checked before anything is proposed.
	-123: {"ReconfigDisabled", ErrUnsupported},
	// The server asks for credentials of another scheme (enforce.auth.schemes) before
	// it looks at a request. It closes the connection each time.
	-124: {"SessionClosedRequireSaslAuth", ErrAuthFailed},
	// Checked when the request is prepared.
	-125: {"QuotaExceeded", ErrQuota},
	// The server was too busy to take the request up, in ZooKeeper's own words: "not
	// executed at all".
	-127: {"ThrottledOp", ErrThrottled},
}

// The classes of refusals. An error in neither class is an answer about the state of the
// tree, or no refusal.
var (
	permanent = []error{ErrNoAuth, ErrInvalidACL, ErrAuthFailed, ErrUntrusted, ErrNotZooKeeper, ErrBadArguments, ErrInvalidPath, ErrUnsupported, ErrIncompatible}
	curable   = []error{ErrRefused, ErrQuota, ErrReadOnly, ErrThrottled}
)

// ErrIncompatible means that this build is too old for the data in the tree. A newer build is
// needed.
var ErrIncompatible = errors.New("this build is too old")

// Permanent reports whether err is a refusal that trying again cannot cure: missing
// permission, wrong identities or credentials, no trust, a peer that is no ZooKeeper, or a
// request that the server cannot carry out. The caller returns it, or quarantines the subject
// of the request.
func Permanent(err error) bool { return isOneOf(err, permanent) }

// Curable reports whether err is a refusal that may end without any change of the
// request: a quota, a server that is too busy or cannot write, or a code that has no
// meaning here. The caller tries again with growing pauses, visibly, and not for ever.
func Curable(err error) bool { return !Permanent(err) && isOneOf(err, curable) }

// Refused reports whether err is a refusal, Permanent or Curable. Answers about the
// state of the tree (ErrNoNode, ErrNodeExists, ErrBadVersion, ErrNotEmpty, ErrEphemeral)
// are none, nor is the end of the session.
func Refused(err error) bool { return Permanent(err) || Curable(err) }

func isOneOf(err error, of []error) bool {
	for _, one := range of {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
