package zkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrForgotten is part of Session.Cause when the servers closed each connection in answer to
// the handshake until the lease ran out. A server does so if the client has seen a later zxid
// than the server, as after a restore from a backup. A server without a quorum does so to
// every client.
var ErrForgotten = errors.New("the servers close the connection in the handshake: they lack a write that this session has seen, or they have no quorum")

// zxidMemory is the highest zxid that the sessions of a Driver have seen, and how often an
// ensemble has forgotten that.
type zxidMemory struct {
	highest atomic.Int64

	mu    sync.Mutex
	times int
	last  error
}

// saw is called with the zxid of each answer.
func (p *zxidMemory) saw(zxid int64) {
	for {
		highest := p.highest.Load()
		if zxid <= highest || p.highest.CompareAndSwap(highest, zxid) {
			return
		}
	}
}

// forgotten notes that a new session is behind the zxid that was seen before it was opened:
// once, even if several sessions notice. The highest zxid counts from there.
func (p *zxidMemory) forgotten(before, shows int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.highest.CompareAndSwap(before, shows) {
		p.times++
		p.last = fmt.Errorf("the ensemble shows zxid 0x%x, but a session has seen 0x%x", shows, before)
	}
}

// compareZxid compares what a new session shows with what sessions before it have seen.
// The creation of a session is a write, so that its server has everything that was
// committed before. Where sessions are local, a sync brings the server up to date. What
// cannot be found out now is found out by a later session.
func (s *session) compareZxid(ctx context.Context, before int64) {
	if before == 0 {
		return
	}
	for _, op := range []zkapi.Op{zkapi.Exists("/"), zkapi.Sync("/"), zkapi.Exists("/")} {
		_, _ = s.Do(ctx, op) // a refusal shows the zxid as well
		if shows := s.lastZxid.Load(); shows == 0 || shows >= before || s.isOver() {
			return
		}
	}
	s.past.forgotten(before, s.lastZxid.Load())
}

var _ zkapi.Witness = (*session)(nil)

// WentBack implements zkapi.Witness.
func (s *session) WentBack() (times int, last error) {
	s.past.mu.Lock()
	defer s.past.mu.Unlock()
	return s.past.times, s.past.last
}

// leaseEnded is why the session ends when its lease has run out.
func (s *session) leaseEnded() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.up || !errors.Is(s.failed, io.EOF) && !errors.Is(s.failed, syscall.ECONNRESET):
		return ErrLeaseEnded
	case s.diagnosis.known:
		return fmt.Errorf("%w; %s", ErrLeaseEnded, s.diagnosis)
	}
	return fmt.Errorf("%w; %w (%w; this session has seen zxid 0x%x)", ErrLeaseEnded, ErrForgotten, s.failed, s.lastZxid.Load())
}
