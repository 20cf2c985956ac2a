package exact

import (
	"context"
	"errors"
	"path"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// receiptPrefix begins the names of receipts.
const receiptPrefix = "receipt-"

// IsReceipt reports whether a child is a receipt and nothing else.
func IsReceipt(name string) bool {
	return len(name) > len(receiptPrefix) && name[:len(receiptPrefix)] == receiptPrefix
}

// receipts are the receipts of a process that it needs no more.
type receipts struct {
	of    int64    // the session that has made them
	spent []string // are there
	maybe []string // may be there, because the fate of their write is not known
}

// write is one call of Write.
type write struct {
	p   *Process
	dir string
	ops []zkapi.Op

	session *Session // that has sent the last attempt
	receipt string   // of that attempt
	old     string   // the spent receipt that it deletes; empty for none
}

// Write applies all of ops, or none, and no more than once.
//
// In the same multi it makes a receipt: an ephemeral below dir, with a name that is used once. If
// the answer is lost, the receipt says whether the multi was applied. The next write deletes it, so
// a process has no more receipts than writes at a time. They go with the session.
//
// The errors are those of Once. zkapi.FailedIndex counts the ops.
func (p *Process) Write(ctx context.Context, dir string, ops ...zkapi.Op) error {
	if p == nil {
		return errZero
	}
	w := &write{p: p, dir: dir, ops: ops}
	err := p.Once(ctx, "write", w, w.step)
	if zkapi.FateOf(err) == zkapi.Unknown && w.session != nil {
		p.keep(w.session.ID(), nil, []string{w.receipt, w.old})
	}
	return err
}

// step makes one attempt, or finds out what became of the last one.
func (w *write) step(s *Session) error {
	if s.InDoubt() {
		seen, err := s.Now("look for the receipt", fence.Exists(w.receipt), w)
		if err != nil {
			return err
		}
		s.Settled()
		if seen.Found {
			w.p.keep(s.ID(), []string{w.receipt}, nil)
			return nil
		}
		w.p.keep(s.ID(), []string{w.old}, nil)
	}
	if err := w.tidy(s); err != nil {
		return err
	}
	for {
		err := w.send(s)
		if w.old != "" && errors.Is(err, zkapi.ErrNoNode) && zkapi.FailedIndex(err) == len(w.ops)+1 {
			continue // hands have deleted the spent receipt
		}
		return err
	}
}

// send sends the multi.
func (w *write) send(s *Session) error {
	w.session, w.receipt, w.old = s, path.Join(w.dir, receiptPrefix+w.p.Env.Unique()), w.p.takeSpent(s.ID())
	ops := append(slices.Clone(w.ops), zkapi.Create(w.receipt, nil, zkapi.Ephemeral).WithACL(w.p.acl))
	if w.old != "" {
		ops = append(ops, zkapi.Delete(w.old, zkapi.AnyVersion))
	}
	_, err := s.Send("write", zkapi.Multi(ops...), w)
	switch {
	case err == nil:
		w.p.keep(s.ID(), []string{w.receipt}, nil)
	case !s.InDoubt() && zkapi.FailedIndex(err) <= len(w.ops):
		w.p.keep(s.ID(), []string{w.old}, nil)
	}
	return err
}

// tidy deletes the receipts of writes whose fate was never told. These writes were sent before, so
// they are not applied later.
func (w *write) tidy(s *Session) error {
	for {
		name := w.p.firstMaybe(s.ID())
		if name == "" {
			return nil
		}
		s.at("delete a receipt", []any{w, name})
		if _, err := s.session.Do(s.ctx, zkapi.Delete(name, zkapi.AnyVersion)); err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			return err
		}
		w.p.forgetMaybe(s.ID(), name)
	}
}

// keep notes receipts that a session has made. Those of the session before went with it.
func (p *Process) keep(session int64, spent, maybe []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.receiptsOf(session)
	named := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	}
	r.spent, r.maybe = append(r.spent, named(spent)...), append(r.maybe, named(maybe)...)
}

// takeSpent returns a spent receipt to delete, or nothing.
func (p *Process) takeSpent(session int64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.receiptsOf(session)
	if len(r.spent) == 0 {
		return ""
	}
	name := r.spent[0]
	r.spent = r.spent[1:]
	return name
}

func (p *Process) firstMaybe(session int64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.receiptsOf(session); len(r.maybe) > 0 {
		return r.maybe[0]
	}
	return ""
}

func (p *Process) forgetMaybe(session int64, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.receiptsOf(session)
	r.maybe = slices.DeleteFunc(r.maybe, func(other string) bool { return other == name })
}

// receiptsOf are those of a session; p is locked.
func (p *Process) receiptsOf(session int64) *receipts {
	if p.receipts.of != session {
		p.receipts = receipts{of: session}
	}
	return &p.receipts
}
