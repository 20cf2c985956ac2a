package zkclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Do implements zkapi.Session.
func (s *session) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if op.Follow && op.Kind == zkapi.KindChildren {
		return s.follow(ctx, op)
	}
	if err := s.admit(ctx, op); err != nil {
		return zkapi.Result{}, err
	}
	replies := make(chan zkapi.Reply, 1)
	if !s.begin(func() { // ends with the answer, or with the session
		result, err := s.perform(op)
		replies <- zkapi.Reply{Result: result, Err: err}
	}) {
		return zkapi.Result{}, failure(op, zkapi.NotApplied, s.Cause())
	}
	select {
	case r := <-replies:
		return r.Result, r.Err
	case <-ctx.Done():
		return zkapi.Result{}, failure(op, zkapi.Unknown, s.explain(context.Cause(ctx)))
	}
}

// explain adds to an error why there is no connection, if there is none.
func (s *session) explain(err error) error {
	if why := s.Unreachable(); why != nil {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// admit waits until op may be sent, or says why it must not be.
func (s *session) admit(ctx context.Context, op zkapi.Op) error {
	if size := op.Size(); size > s.config.MaxRequest {
		return failure(op, zkapi.NotApplied, fmt.Errorf("%w: %d bytes, at most %d", zkapi.ErrTooLarge, size, s.config.MaxRequest))
	}
	for {
		_, up, next := s.Connection()
		switch {
		case s.isOver():
			return failure(op, zkapi.NotApplied, s.Cause())
		case ctx.Err() != nil:
			return failure(op, zkapi.NotApplied, fmt.Errorf("%w: %w", zkapi.ErrNotSent, s.explain(context.Cause(ctx))))
		case up:
			return nil
		}
		select {
		case <-next.(*latch).c:
		case <-s.done.c:
		case <-ctx.Done():
		}
	}
}

func failure(op zkapi.Op, fate zkapi.Fate, err error) error {
	return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: fate, Err: err}
}

// perform carries op out. It blocks until the server answers, the connection breaks,
// or the session is closed.
func (s *session) perform(op zkapi.Op) (zkapi.Result, error) {
	change, _, _ := s.Connection()
	result, err := s.call(op)
	return result, s.settle(op, change, err)
}

// settle returns the error of a request that was sent at that change of the connection. If the
// server has refused the session since, the request was not applied: the library may lose an
// answer when it is closed.
func (s *session) settle(op zkapi.Op, change int, err error) error {
	if err != nil && zkapi.FateOf(err) == zkapi.Unknown && s.deniedSince(change) {
		return failure(op, zkapi.NotApplied, s.Cause())
	}
	return err
}

// call makes the library's call for op.
func (s *session) call(op zkapi.Op) (result zkapi.Result, err error) {
	switch op.Kind {
	case zkapi.KindCreate:
		result.Path, err = s.conn.Create(op.Path, op.Data, flags(op.Mode), acl(op.ACL))
	case zkapi.KindDelete:
		err = s.conn.Delete(op.Path, op.Version)
	case zkapi.KindSet:
		var stat *zk.Stat
		stat, err = s.conn.Set(op.Path, op.Data, op.Version)
		result.Stat = statOf(stat, err)
	case zkapi.KindSync:
		_, err = s.conn.Sync(op.Path)
	case zkapi.KindMulti:
		return s.multi(op)
	default:
		return s.read(op)
	}
	return result, s.translate(op, err)
}

// read answers a read, with a watch if it is asked for. An earlier watch on the
// same path that has not fired, on the same connection, serves again: the library
// cannot give up a watch, and one more for each read would pile up.
func (s *session) read(op zkapi.Op) (zkapi.Result, error) {
	if !op.Watch {
		return s.readOnce(op)
	}
	key := watchKey{op.Path, op.Kind}
	kept := s.kept(key)
	if kept != nil {
		op.Watch = false
	}
	change, _, _ := s.Connection()
	result, err := s.readOnce(op)
	if err != nil {
		return result, err
	}
	if kept != nil {
		result.Watch = kept
	} else if w, ok := result.Watch.(*watch); ok {
		s.keep(key, keptWatch{w, change})
	}
	return result, nil
}

func (s *session) readOnce(op zkapi.Op) (result zkapi.Result, err error) {
	var (
		stat   *zk.Stat
		events <-chan zk.Event
	)
	switch {
	case op.Kind == zkapi.KindGet && op.Watch:
		result.Data, stat, events, err = s.conn.GetW(op.Path)
	case op.Kind == zkapi.KindGet:
		result.Data, stat, err = s.conn.Get(op.Path)
	case op.Kind == zkapi.KindExists && op.Watch:
		result.Found, stat, events, err = s.conn.ExistsW(op.Path)
	case op.Kind == zkapi.KindExists:
		result.Found, stat, err = s.conn.Exists(op.Path)
	case op.Kind == zkapi.KindChildren && op.Watch:
		result.Children, stat, events, err = s.conn.ChildrenW(op.Path)
	case op.Kind == zkapi.KindChildren:
		result.Children, stat, err = s.conn.Children(op.Path)
	default:
		err = zk.ErrBadArguments
	}
	if err != nil {
		return zkapi.Result{}, s.translate(op, err)
	}
	if result.Found || op.Kind != zkapi.KindExists {
		result.Stat = statOf(stat, nil)
	}
	slices.Sort(result.Children)
	if events != nil {
		result.Watch = &watch{c: events}
	}
	return result, nil
}

func (s *session) multi(op zkapi.Op) (zkapi.Result, error) {
	requests := make([]any, len(op.Ops))
	for i, sub := range op.Ops {
		switch sub.Kind {
		case zkapi.KindCreate:
			requests[i] = &zk.CreateRequest{Path: sub.Path, Data: sub.Data, Acl: acl(sub.ACL), Flags: flags(sub.Mode)}
		case zkapi.KindDelete:
			requests[i] = &zk.DeleteRequest{Path: sub.Path, Version: sub.Version}
		case zkapi.KindSet:
			requests[i] = &zk.SetDataRequest{Path: sub.Path, Data: sub.Data, Version: sub.Version}
		case zkapi.KindCheck:
			requests[i] = &zk.CheckVersionRequest{Path: sub.Path, Version: sub.Version}
		default:
			return zkapi.Result{}, failure(sub, zkapi.NotApplied, fmt.Errorf("%w: a %v cannot be part of a multi", zkapi.ErrBadArguments, sub.Kind))
		}
	}
	responses, err := s.conn.Multi(requests...)
	if at := refusedPart(responses); err != nil && at >= 0 {
		translated := s.translate(op, responses[at].Error).(*zkapi.Error)
		translated.Index, translated.Path, translated.Fate = at, op.Ops[at].Path, zkapi.NotApplied
		return zkapi.Result{}, translated
	}
	if err != nil {
		return zkapi.Result{}, s.translate(op, err)
	}
	result := zkapi.Result{Results: make([]zkapi.Result, len(responses))}
	for i, r := range responses {
		result.Results[i] = zkapi.Result{Path: r.String, Stat: statOf(r.Stat, nil)}
	}
	return result, nil
}

// refusedPart is the part of a multi that was refused, or -1. Of the parts behind it
// the server says that they were not tried.
func refusedPart(responses []zk.MultiResponse) int {
	const notTried = -2
	first := -1
	for i, r := range responses {
		if r.Error == nil {
			continue
		}
		if code, ok := codeOf(r.Error); !ok || code != notTried {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// named maps the library's errors to the codes that it names. The library also uses
// ErrClosing when it is closed: see translate.
var named = map[error]int32{
	zk.ErrBadArguments: -8, zk.ErrAPIError: -100, zk.ErrNoNode: -101, zk.ErrNoAuth: -102, zk.ErrBadVersion: -103,
	zk.ErrNoChildrenForEphemerals: -108, zk.ErrNodeExists: -110, zk.ErrNotEmpty: -111, zk.ErrSessionExpired: -112,
	zk.ErrInvalidACL: -114, zk.ErrAuthFailed: -115, zk.ErrClosing: -116, zk.ErrNothing: -117, zk.ErrSessionMoved: -118,
	zk.ErrReconfigDisabled: -123,
}

// codeOf returns the server's code behind an error of the library. If the library does not
// name the code, only the error's text has it.
func codeOf(err error) (code int32, ok bool) {
	for theirs, code := range named {
		if errors.Is(err, theirs) {
			return code, true
		}
	}
	text, ok := strings.CutPrefix(err.Error(), "unknown error: ")
	if !ok {
		return 0, false
	}
	n, failed := strconv.ParseInt(text, 10, 32)
	return int32(n), failed == nil
}

// translate returns the error with its fate. A server's code is an answer: the request was
// not carried out. The default is Unknown.
func (s *session) translate(op zkapi.Op, err error) error {
	code, answered := int32(0), false
	if err != nil {
		code, answered = codeOf(err)
	}
	switch {
	case err == nil:
		return nil
	case answered && (code != codeClosing || !s.isOver()):
		return refusal(op, code)
	case errors.Is(err, zk.ErrInvalidPath):
		return failure(op, zkapi.NotApplied, zkapi.ErrInvalidPath)
	case errors.Is(err, zk.ErrNoServer):
		return failure(op, zkapi.NotApplied, zkapi.ErrNotSent)
	case s.isOver():
		return failure(op, zkapi.Unknown, s.Cause())
	}
	return failure(op, zkapi.Unknown, s.connectionLoss(op, err))
}

// refusal is the error for a request that a server has answered with a code.
func refusal(op zkapi.Op, code int32) error {
	answer := error(zkapi.ServerError{Code: code})
	if errors.Is(answer, zkapi.ErrSessionEnded) {
		answer = fmt.Errorf("%w: %w", ErrExpired, answer)
	}
	return failure(op, zkapi.NotApplied, answer)
}

// codeClosing is the code that the library takes for its own end.
const codeClosing = -116

// acl is an ACL in the library's terms.
func acl(list []zkapi.ACL) []zk.ACL {
	if len(list) == 0 {
		return zk.WorldACL(zk.PermAll)
	}
	out := make([]zk.ACL, len(list))
	for i, a := range list {
		out[i] = zk.ACL{Perms: int32(a.Perms), Scheme: a.Scheme, ID: a.ID}
	}
	return out
}

func flags(mode zkapi.Mode) int32 {
	switch mode {
	case zkapi.Ephemeral:
		return zk.FlagEphemeral
	case zkapi.PersistentSequential:
		return zk.FlagSequence
	case zkapi.EphemeralSequential:
		return zk.FlagEphemeral | zk.FlagSequence
	}
	return 0
}

func statOf(stat *zk.Stat, err error) zkapi.Stat {
	if stat == nil || err != nil {
		return zkapi.Stat{}
	}
	return zkapi.Stat{
		Czxid: stat.Czxid, Mzxid: stat.Mzxid, Pzxid: stat.Pzxid,
		Version: stat.Version, Cversion: stat.Cversion, EphemeralOwner: stat.EphemeralOwner,
		NumChildren: stat.NumChildren, DataLength: stat.DataLength,
	}
}
