package zkclient

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// failedTry is why a connection to an address did not come about, or broke before the session
// was granted.
type failedTry struct {
	err     error
	refusal error // trying again cannot help
}

// broken notes a failure. When no address can be talked to, because none can be trusted, none
// trusts this client, or none is a ZooKeeper, there is no point in going on.
func (s *session) broken(t target, err error) {
	refusal := untrusted(err)
	if errors.Is(err, zkapi.ErrNotZooKeeper) {
		refusal = err
	}
	all := s.targets()
	s.mu.Lock()
	if s.cause != nil { // a try that ends with the session says nothing about the server
		s.mu.Unlock()
		return
	}
	s.failedAt, s.failed = t, fmt.Errorf("%s: %w", t, explainHandshake(err))
	if refusal != nil { // of this address: another may be there
		s.failed = fmt.Errorf("%s: %v", t, err)
	}
	s.failures[t] = failedTry{err, refusal}
	known := s.refused[t]
	s.refused[t] = known || refusal != nil
	granted := s.id != 0
	hopeless := !slices.ContainsFunc(all, func(t target) bool { return s.failures[t].refusal == nil })
	ask := endedByServer(err) && !s.asked && s.closing(all)
	s.asked = s.asked || ask
	s.mu.Unlock()
	if refusal != nil && !known {
		s.config.Logger.Warn("a server cannot be used", "server", t.String(), "error", refusal)
	}
	switch {
	case refusal != nil && hopeless && !granted:
		s.finish(fmt.Errorf("%s: %w", t, refusal))
	case ask:
		go s.diagnose(t)
	}
}

// targets are the known addresses of the servers.
func (s *session) targets() []target {
	if s.route == nil { // the test of a part
		return nil
	}
	return s.route.names.all(s.config.Servers...)
}

// closing reports whether every server that can be reached ends its connections in the
// handshake. s.mu is held.
func (s *session) closing(all []target) bool {
	return !slices.ContainsFunc(all, func(t target) bool {
		err := s.failures[t].err
		return err == nil || !endedByServer(err) && !unreachable(err)
	})
}

// unreachable reports whether the error is that there was no connection at all.
func unreachable(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	_, nameless := errors.AsType[*net.DNSError](err)
	return ok && operation.Op == "dial" || nameless
}

// endedByServer reports whether the error is that the other side ended the connection. A server
// that has too many may end it before, or after, this side knows that it is there.
func endedByServer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// explainHandshake explains the end of a connection before a session was granted on it.
func explainHandshake(err error) error {
	if endedByServer(err) {
		return fmt.Errorf("the server ended the connection in the handshake; it may be starting, have no leader, want TLS, or have too many connections from here (maxClientCnxns): %w", err)
	}
	return err
}

// lastFailure returns why there is no connection: the last error, and as text those of the
// other addresses, because one of them may still be reachable. If every server ends its
// connections, it returns the probable cause of that.
func (s *session) lastFailure() error {
	all := s.targets()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil && s.ended.err != nil {
		return fmt.Errorf("%s: the connection has ended: %w", s.ended.target, s.ended.err)
	}
	if s.failed == nil {
		return nil
	}
	if err := s.failures[s.diagnosis.target].err; s.diagnosis.text != "" && endedByServer(err) {
		return fmt.Errorf("%s: %w", s.diagnosis, err)
	}
	const most = 8
	err, more := s.failed, 0
	for _, t := range all {
		f := s.failures[t]
		switch {
		case f.err == nil || t == s.failedAt:
		case more == most:
			return fmt.Errorf("%w; and others", err)
		default:
			more++
			err = fmt.Errorf("%w; %s: %v", err, t, f.err)
		}
	}
	return err
}
