package zkclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// kindsOfRequest is one of each that the port has.
var kindsOfRequest = []zkapi.Op{
	zkapi.Create("/x", nil, zkapi.Persistent), zkapi.Delete("/x", 1), zkapi.Set("/x", nil, 1),
	zkapi.Get("/x"), zkapi.Get("/x").Watched(), zkapi.Exists("/x"), zkapi.Exists("/x").Watched(),
	zkapi.Children("/x"), zkapi.Children("/x").Watched(), zkapi.Sync("/x"),
	zkapi.Multi(zkapi.Check("/x", 1), zkapi.Delete("/y", 1), zkapi.Delete("/z", 1)),
}

// codesOfServers are those of ZooKeeper 3.9 and some that it does not have, without
// those that end the session.
var codesOfServers = []int32{
	-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -13, -14, -15, -100, -101, -102, -103, -108, -110, -111, -113, -114, -116, -117,
	-119, -120, -121, -122, -123, -125, -126, -127, -128, -4711, -1 << 31, 1, 4711,
}

// TestDo_EachCodeIsAnAnswer has a server answer each kind of request with each code: the
// request was not applied, and the connection stays.
func TestDo_EachCodeIsAnAnswer(t *testing.T) {
	var code atomic.Int32
	var inParts atomic.Bool
	server := newFake(t, func(_ int, c net.Conn) {
		if !greet(c, 0xA, 30000) {
			return
		}
		serve(c, func(a asked) []byte {
			switch {
			case a.opcode == opcodePing || a.opcode == opcodeQuit:
				return a.usual()
			case a.opcode == opcodeMulti && inParts.Load():
				return a.coded(codeNoErr, refusedParts(codeNoErr, code.Load(), -2)...)
			}
			return a.coded(code.Load())
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 30 * time.Second})
	for _, c := range codesOfServers {
		code.Store(c)
		for _, op := range append(slices.Clone(kindsOfRequest), kindsOfRequest[len(kindsOfRequest)-1]) {
			_, err := s.Do(t.Context(), op)
			if op.Kind == zkapi.KindExists && c == noNode {
				if err != nil {
					t.Errorf("%v of nothing: %v", op.Kind, err)
				}
				continue
			}
			answer, ok := errors.AsType[zkapi.ServerError](err)
			if zkapi.FateOf(err) != zkapi.NotApplied || !ok || answer.Code != c {
				t.Errorf("code %d to a %v: %v", c, op.Kind, err)
			}
			if !strings.Contains(fmt.Sprint(err), answer.Name()) || !errors.Is(err, answer.Unwrap()) {
				t.Errorf("code %d to a %v: the server's word is not in %q", c, op.Kind, err)
			}
			if at := zkapi.FailedIndex(err); op.Kind == zkapi.KindMulti && inParts.Load() != (at == 1) {
				t.Errorf("code %d to a part: it is told of operation %d", c, at)
			}
			inParts.Store(op.Kind == zkapi.KindMulti && !inParts.Load())
		}
		inParts.Store(false)
	}
	if s.Cause() != nil || server.accepted.Load() != 1 {
		t.Errorf("after %d connections: %v", server.accepted.Load(), s.Cause())
	}
}

// TestSession_EndsWithSomeAnswers: a server that does not know the session, or wants other
// credentials, answers so each time, and closes the connection. To connect again would
// go on for ever, and each connection would prolong the lease.
func TestSession_EndsWithSomeAnswers(t *testing.T) {
	for _, c := range []struct {
		code int32
		is   error
	}{{-112, ErrExpired}, {-12, ErrExpired}, {-115, zkapi.ErrAuthFailed}, {-124, zkapi.ErrAuthFailed}} {
		for _, to := range []int32{opcodeDelete, opcodePing} {
			server := newFake(t, func(_ int, conn net.Conn) {
				if !greet(conn, 0xA, 1000) {
					return
				}
				last := false
				serve(conn, func(a asked) []byte {
					switch {
					case last:
						return nil
					case a.opcode == to:
						last = true
						return a.coded(c.code)
					}
					return a.usual()
				})
			})
			s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: time.Second})
			if to == opcodeDelete {
				_, err := s.Do(t.Context(), zkapi.Delete("/x", 1))
				if answer, ok := errors.AsType[zkapi.ServerError](err); !ok || answer.Code != c.code || zkapi.FateOf(err) != zkapi.NotApplied {
					t.Errorf("code %d: %v", c.code, err)
				}
			}
			await(t, fmt.Sprintf("the session ends by code %d to opcode %d", c.code, to), s.done.c)
			cause := s.Cause()
			if !errors.Is(cause, c.is) || !errors.Is(cause, zkapi.ErrSessionEnded) || zkapi.Permanent(cause) != errors.Is(c.is, zkapi.ErrAuthFailed) {
				t.Errorf("code %d to opcode %d: cause %v", c.code, to, cause)
			}
		}
	}
}

// TestSession_IsClaimedAgainAfterAMove: the server says that it takes another connection for
// the session's. The request was ignored, and the session connects again.
func TestSession_IsClaimedAgainAfterAMove(t *testing.T) {
	server := newFake(t, func(number int, c net.Conn) {
		if !greet(c, 0xA, 10000) {
			return
		}
		serve(c, func(a asked) []byte {
			if number == 1 && a.opcode != opcodePing {
				return a.coded(codeSessionMoved)
			}
			return a.usual()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	_, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent))
	if answer, ok := errors.AsType[zkapi.ServerError](err); !ok || answer.Code != codeSessionMoved || !zkapi.Curable(err) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("got %v", err)
	}
	down(t, s)
	if _, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
		t.Errorf("on the next connection: %v", err)
	}
	if s.Cause() != nil || server.accepted.Load() != 2 {
		t.Errorf("after %d connections: %v", server.accepted.Load(), s.Cause())
	}
}

// TestLease_OnlySomeAnswersProlongIt: a server that is too busy, cannot write,
// or says what has no meaning, has not asked its leader about the session.
func TestLease_OnlySomeAnswersProlongIt(t *testing.T) {
	for code, want := range map[int32]bool{
		0: true, noNode: true, -103: true, -110: true, -111: true, -108: true, -102: true, -125: true,
		-4: false, -7: false, -12: false, -112: false, codeSessionMoved: false, -119: false, -122: false, -124: false, -127: false, -4711: false,
	} {
		for _, xid := range []int32{5, xidPing} {
			s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch(), quit: newLatch()}
			w := &wire{session: s, sent: map[int32]*request{5: {at: elapsed(), opcode: opcodeDelete}}, pings: []time.Duration{elapsed()}, ready: true}
			if _, err := w.received(asked{xid: xid}.coded(code)[prefixBytes:]); err != nil {
				t.Errorf("code %d: %v", code, err)
			}
			if got := s.leaseStart != 0; got != want {
				t.Errorf("an answer of code %d to xid %d prolongs the lease: %v", code, xid, got)
			}
		}
	}
}

// TestSession_EndsWithRefusedCredentials: whatever the code is, because the library shows
// them again on each connection, and never gets further.
func TestSession_EndsWithRefusedCredentials(t *testing.T) {
	for _, code := range []int32{-115, -8, -4711} {
		server := newFake(t, func(_ int, c net.Conn) {
			if greet(c, 0xA, 10000) {
				serve(c, func(a asked) []byte {
					if a.opcode == opcodeAuth {
						return a.coded(code)
					}
					return a.usual()
				})
			}
		})
		d, err := New(Config{Servers: []string{server.address()}, Credentials: []Credential{Digest("me", "secret")}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err = d.Open(ctx)
		cancel()
		if answer, ok := errors.AsType[zkapi.ServerError](err); !ok || answer.Code != code || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "digest") {
			t.Errorf("code %d: %v", code, err)
		}
	}
}
