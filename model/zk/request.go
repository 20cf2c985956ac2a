package zk

import "github.com/ringmaster-zk/ringmaster/zkapi"

// serve carries out one request of a session that is connected; the server is
// locked.
func (s *Server) serve(session *Session, op zkapi.Op) (zkapi.Result, error) {
	if s.observe != nil {
		s.observe(session.id, op)
	}
	if s.most > 0 && op.Size() > s.most {
		defer session.reconnect()
		return failed(op, zkapi.Unknown, session.oversize(op.Size()))
	}
	if op.Size() >= session.large {
		session.closed = 0
	}
	loss := None
	if s.lose != nil {
		loss = s.lose(op)
	}
	if session.cutLoss != None && (session.cutOn == nil || session.cutOn(op)) {
		loss = session.cutLoss
		defer session.cut()
	} else if loss != None {
		defer session.reconnect()
	}
	if loss == RequestLost {
		return failed(op, zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	result, err := s.answer(session, op)
	if loss == None && err == nil && op.Kind.Writes() && session.trapped(Write{Session: session.id, Op: op, Zxid: s.tree.zxid, Result: result}) {
		loss = ReplyLost
		defer session.reconnect()
	}
	if loss == ReplyLost {
		return failed(op, zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	return result, err
}

func (s *Server) answer(session *Session, op zkapi.Op) (zkapi.Result, error) {
	if err := s.refused(session, op); err != nil {
		return zkapi.Result{}, err
	}
	if op.Kind == zkapi.KindSync {
		session.at.CatchUp()
		return zkapi.Result{}, nil
	}
	if op.Kind.Writes() {
		var result zkapi.Result
		var err error
		session.at.Prompt(func() { result, err = s.write(session, op) })
		return result, err
	}
	if op.Follow {
		return session.followed(op)
	}
	result, err := session.at.Tree().Read(op)
	if op.Watch && err == nil {
		result.Watch = s.watch(session, op, result.Found)
	}
	return result, err
}

func (s *Server) write(session *Session, op zkapi.Op) (zkapi.Result, error) {
	next, result, changes, err := s.tree.Write(op, session.id)
	if s.record != nil {
		s.record(Write{Session: session.id, Op: op, Zxid: next.zxid, Result: result, Err: err})
	}
	s.commit(Step{Tree: next, Changes: changes})
	return result, err
}

// refused is the answer to a request that is refused (Refuse), or nil.
func (s *Server) refused(session *Session, op zkapi.Op) error {
	if s.refuse == nil {
		return nil
	}
	if op.Kind != zkapi.KindMulti {
		if why := s.refuse(session.id, op); why != nil {
			return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: why}
		}
		return nil
	}
	for i, sub := range op.Ops {
		if _, _, _, err := s.tree.Write(zkapi.Multi(op.Ops[:i]...), session.id); err != nil {
			return nil // an operation before it fails, and the tree says how
		}
		if why := s.refuse(session.id, sub); why != nil {
			return &zkapi.Error{Kind: op.Kind, Path: sub.Path, Index: i, Fate: zkapi.NotApplied, Err: why}
		}
	}
	return nil
}

func failed(op zkapi.Op, fate zkapi.Fate, err error) (zkapi.Result, error) {
	return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: fate, Err: err}
}
