package zkclient

import (
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// unpack gives a bundle its answer, and the library one that it understands: that there is no
// such znode. w.mu is held.
func (w *wire) unpack(r *request, head head, body []byte, fits bool) {
	w.frame = answerNoNode(head.xid)
	if r.bundle == nil || r.replaced {
		return
	}
	b := r.bundle
	switch {
	case r.skipped:
		b.outcome = bundleTooLong
	case head.code == 0 && fits:
		b.outcome, b.body = bundleAnswered, body
		if b.heard != nil {
			b.heard(w)
		}
	case head.code != 0 && (b.ability == everyServer || !meansLacking(head.code)):
		b.outcome, b.code = bundleRefused, head.code
		return // says nothing about the ability
	default:
		b.outcome = bundleNotSent
		w.unimplemented = head.code == codeUnimplemented
	}
	w.learn(r, head.code)
}

// learn takes over what an answer tells about an ability. w.mu is held.
func (w *wire) learn(r *request, code int32) {
	a := r.bundle.ability
	switch {
	case a == everyServer:
	case r.bundle.outcome != bundleNotSent:
		w.knows[a] = known
		w.session.lacks.of(a).answered(w.target)
	case r.first || w.unimplemented:
		w.knows[a] = lacking
		if !w.unimplemented && code != 0 {
			return
		}
		if a == addWatch && w.unimplemented && w.knows[multiRead] == unknown {
			w.session.lacks.of(multiRead).lacks(w.target) // both came with 3.6
		}
		if w.session.lacks.of(a).lacks(w.target) {
			w.session.config.Logger.Info(fmt.Sprintf("a server does not know %v: %s", a, without[a]), "server", w.target.String(), "code", code)
		}
	}
}

// without says what is done if a server lacks an ability.
var without = [abilities]string{multiRead: "reads are sent one by one", addWatch: "lists are read whole after each change"}

// meansLacking reports whether a server that gives this answer to a multiRead or addWatch makes no
// sense of it. One that knows it refuses it as a whole only for reasons that each request has.
func meansLacking(code int32) bool {
	answer := zkapi.ServerError{Code: code}
	return code != codeSessionMoved && !answer.EndsSession() && !errors.Is(answer, zkapi.ErrThrottled)
}

func answerNoNode(xid int32) []byte {
	const noNode = -101
	var e jute.Encoder
	e.Int32(xid)
	e.Int64(0)
	e.Int32(noNode)
	return prefixed(e.Bytes)
}
