package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// mine returns an error if this process may not read a znode that it has just made. Everybody
// whom Access names may read every znode of the namespace. So the servers know this process
// by another identity, and what it writes is of no use to anybody.
//
// Any other answer, and an answer that is lost, is no error.
func (l layout) mine(ctx context.Context, session fence.Session, path string) error {
	if l.hidden(ctx, session, path) {
		return &ownError{path, l.access.remedy()}
	}
	return nil
}

// ownError says that a znode refuses the process that has made it.
type ownError struct {
	path   string
	remedy string
}

// Error implements error.
func (e *ownError) Error() string {
	return fmt.Sprintf("%s is the znode of this process, which may not read it: the ACL is made of Access, and does not name the identity that the servers give to this process: %s; then remove the znode: %v",
		e.path, e.remedy, zkapi.ErrNoAuth)
}

// Unwrap is the refusal.
func (e *ownError) Unwrap() error { return zkapi.ErrNoAuth }

// shutOutError is the refusal of a process that may not even read a znode which Access lets
// everybody read whom it names.
type shutOutError struct {
	at      string
	remedy  string
	refusal error
}

// Error implements error.
func (e *shutOutError) Error() string {
	return fmt.Sprintf("this process may not read %s: the ACL does not name the identity that the servers give to this process: %s, and compare them with the ACL (getAcl): %v",
		e.at, e.remedy, e.refusal)
}

// Unwrap is the refusal.
func (e *shutOutError) Unwrap() error { return e.refusal }

// explained adds the remedy to a refusal, if this process may not even read the znode that
// decides about the request: its parent, or the namespace.
func (l layout) explained(ctx context.Context, session fence.Session, at string, refusal error) error {
	if _, done := errors.AsType[*shutOutError](refusal); !done && errors.Is(refusal, zkapi.ErrNoAuth) && l.hidden(ctx, session, at) {
		return &shutOutError{at, l.access.remedy(), refusal}
	}
	return refusal
}

// hidden reports whether an ACL hides a znode from this process, although Access lets
// everybody whom it names read it.
func (l layout) hidden(ctx context.Context, session fence.Session, path string) bool {
	if l.access.open() {
		return false
	}
	_, err := session.Do(ctx, fence.Get(path))
	return errors.Is(err, zkapi.ErrNoAuth)
}

// remedy says what to check if a znode refuses the process that has made it.
func (a Access) remedy() string {
	if a.scheme() != digest {
		return "check the credentials of this process and the identities in Access (--access)"
	}
	return "check the user and the password (--auth-file), and make the identities in Access (--access) with the digestAlg of the servers (ringmaster identity --algorithm)"
}
