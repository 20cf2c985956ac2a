package zkclient

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// How a server of FuzzAnswers uses what it is given.
const (
	insteadOfTheHandshake = iota
	insteadOfAnAnswer
	asTheResult // of a request that was carried out
	modes
)

// FuzzAnswers has a server send anything, to the real library, in place of the handshake,
// of an answer, or of the result in an answer. Nothing may take the process down, memory
// stays within what was sent, and an error never claims more than is known.
//
//	go test -fuzz FuzzAnswers ./zkclient
func FuzzAnswers(f *testing.F) {
	if testing.Short() {
		f.Skip("skipped FuzzAnswers: make test runs it, make quick does not")
	}
	for _, stranger := range strangers {
		f.Add(byte(insteadOfTheHandshake), byte(0), []byte(stranger.answer))
		f.Add(byte(insteadOfAnAnswer), byte(0), []byte(stranger.answer))
	}
	for _, bad := range badAnswers {
		f.Add(byte(insteadOfAnAnswer), byte(0), bad.say(asked{xid: 1}))
		for kind, op := range kindsOfRequest {
			if op.Kind == bad.op.Kind {
				f.Add(byte(asTheResult), byte(kind), bad.say(asked{xid: 1})[min(prefixBytes+headBytes, len(bad.say(asked{xid: 1}))):])
			}
		}
	}
	f.Fuzz(func(t *testing.T, mode, kind byte, sent []byte) {
		op := kindsOfRequest[int(kind)%len(kindsOfRequest)]
		var err error
		const free, share = 16 << 20, 64
		spent := allocated(func() { err = fuzzed(t, mode%modes, op, sent) })
		if most := uint64(free + share*len(sent)); spent > most {
			t.Errorf("%d bytes were allocated for %d bytes of answers", spent, len(sent))
		}
		if fate := zkapi.FateOf(err); mode%modes == asTheResult && op.Kind != zkapi.KindMulti && fate == zkapi.NotApplied {
			t.Errorf("the server says that it has carried the request out, and the error that it has not: %v", err)
		}
	})
}

// fuzzed asks a server for op that uses sent once, and is a good one from then on.
func fuzzed(t *testing.T, mode byte, op zkapi.Op, sent []byte) error {
	var used atomic.Bool
	d, err := New(Config{Servers: []string{"a:1", "b:1", "c:1"}, SessionTimeout: 4 * time.Second, Dial: inMemory(func(c net.Conn) {
		if mode == insteadOfTheHandshake && !used.Swap(true) {
			_, _ = readPacket(c)
			_, _ = c.Write(sent)
			return
		}
		if !greet(c, 0xA, 4000) {
			return
		}
		serve(c, func(a asked) []byte {
			if a.opcode == opcodePing || a.opcode == opcodeQuit || used.Swap(true) {
				return a.usual()
			}
			if mode == insteadOfAnAnswer {
				_, _ = c.Write(sent)
				return nil
			}
			return a.coded(codeNoErr, sent...)
		})
	})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := d.Open(ctx)
	if err != nil {
		return err // the session that sent has granted is not that of the good server
	}
	defer s.Close(ctx)
	_, err = s.Do(ctx, op)
	return err
}

// inMemory is a dialer whose connections are served by serve.
func inMemory(serve func(net.Conn)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		mine, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return mine, nil
	}
}
