package zkapi

import (
	"errors"
	"strings"
	"testing"
)

// TestAnswer_ClassOfEachCode holds the codes of ZooKeeper 3.9, as KeeperException.java
// has them, against what a caller may conclude.
func TestAnswer_ClassOfEachCode(t *testing.T) {
	const tree, lasting, passing, over = "about the tree", "permanent", "curable", "the session's end"
	for _, c := range []struct {
		code  int32
		name  string
		is    error
		class string
	}{
		{-1, "SystemError", ErrRefused, passing},
		{-2, "RuntimeInconsistency", ErrRefused, passing},
		{-3, "DataInconsistency", ErrRefused, passing},
		{-4, "ConnectionLoss", ErrRefused, passing},
		{-5, "MarshallingError", ErrRefused, passing},
		{-6, "Unimplemented", ErrUnsupported, lasting},
		{-7, "OperationTimeout", ErrRefused, passing},
		{-8, "BadArguments", ErrBadArguments, lasting},
		{-9, "InvalidState", ErrRefused, passing},
		{-10, "", ErrRefused, passing},
		{-12, "UnknownSession", ErrSessionEnded, over},
		{-13, "NewConfigNoQuorum", ErrRefused, passing},
		{-14, "ReconfigInProgress", ErrRefused, passing},
		{-15, "SSLConnectionError", ErrRefused, passing},
		{-100, "APIError", ErrRefused, passing},
		{-101, "NoNode", ErrNoNode, tree},
		{-102, "NoAuth", ErrNoAuth, lasting},
		{-103, "BadVersion", ErrBadVersion, tree},
		{-108, "NoChildrenForEphemerals", ErrEphemeral, tree},
		{-110, "NodeExists", ErrNodeExists, tree},
		{-111, "NotEmpty", ErrNotEmpty, tree},
		{-112, "SessionExpired", ErrSessionEnded, over},
		{-113, "InvalidCallback", ErrRefused, passing},
		{-114, "InvalidACL", ErrInvalidACL, lasting},
		{-115, "AuthFailed", ErrAuthFailed, lasting},
		{-116, "Closing", ErrRefused, passing},
		{-117, "Nothing", ErrRefused, passing},
		{-118, "SessionMoved", ErrRefused, passing},
		{-119, "NotReadOnly", ErrReadOnly, passing},
		{-120, "EphemeralOnLocalSession", ErrUnsupported, lasting},
		{-121, "NoWatcher", ErrRefused, passing},
		{-122, "RequestTimeout", ErrRefused, passing},
		{-123, "ReconfigDisabled", ErrUnsupported, lasting},
		{-124, "SessionClosedRequireSaslAuth", ErrAuthFailed, lasting},
		{-125, "QuotaExceeded", ErrQuota, passing},
		{-127, "ThrottledOp", ErrThrottled, passing},
		{-4711, "", ErrRefused, passing},
		{4711, "", ErrRefused, passing},
	} {
		err := error(&Error{Kind: KindSet, Path: "/x", Index: -1, Fate: NotApplied, Err: Answer(c.code)})
		answer, ok := errors.AsType[ServerError](err)
		if !ok || answer.Code != c.code || answer.Name() != c.name || !errors.Is(err, c.is) {
			t.Errorf("%d: %v, named %q", c.code, err, answer.Name())
		}
		if text := err.Error(); !strings.Contains(text, c.name) || !strings.Contains(text, c.is.Error()) {
			t.Errorf("%d: the message %q has not the server's word", c.code, text)
		}
		if got := [...]bool{Permanent(err), Curable(err), Refused(err)}; got != [...]bool{c.class == lasting, c.class == passing, c.class == lasting || c.class == passing} {
			t.Errorf("%d is %s: permanent, curable, refused are %v", c.code, c.class, got)
		}
		if ends := c.class == over || c.is == ErrAuthFailed; answer.EndsSession() != ends {
			t.Errorf("%d: the session ends is %v", c.code, !ends)
		}
	}
	if Answer(0) != nil {
		t.Error("code 0 is an error")
	}
}

// TestRefused_NotWithoutAnAnswer: what no server has refused is neither permanent nor curable.
func TestRefused_NotWithoutAnAnswer(t *testing.T) {
	for _, err := range []error{nil, ErrConnectionLoss, ErrNotSent, ErrSessionEnded, ErrTooLarge, ErrProbablyTooLarge, ErrNoNode, errors.New("x")} {
		if Permanent(err) || Curable(err) || Refused(err) {
			t.Errorf("%v is a refusal", err)
		}
		if TooLarge(err) != (err == ErrTooLarge || err == ErrProbablyTooLarge) {
			t.Errorf("%v is too large: %v", err, TooLarge(err))
		}
	}
}
