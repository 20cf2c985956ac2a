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
	asTheFirstReads
	asLaterReads // of a multiRead that was carried out, on a connection whose server knows it
	modes
)

// FuzzAnswers has a server send anything, to the real library, in place of the handshake,
// of an answer, of the result in an answer, or of the results of many reads. Nothing may take the process down, memory
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
	for _, bad := range badReads {
		result := bad(asked{xid: 1, body: newBundle(manyReads).frame(1)[prefixBytes+8:]})[prefixBytes+headBytes:]
		f.Add(byte(asTheFirstReads), byte(0), result)
		f.Add(byte(asLaterReads), byte(0), result)
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

// manyReads are asked for by multiReads.
var manyReads = []zkapi.Op{zkapi.Get("/x"), zkapi.Get("/y"), zkapi.Children("/x"), zkapi.Children("/y")}

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
		many := 0
		serve(c, func(a asked) []byte {
			if a.opcode == opcodeMultiRead {
				if many++; many == 1 && mode == asTheFirstReads || many == 2 && mode == asLaterReads {
					return a.coded(codeNoErr, sent...)
				}
			}
			if mode == asTheFirstReads || mode == asLaterReads {
				return a.knowing()
			}
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
	if mode == asTheFirstReads || mode == asLaterReads {
		for range 2 {
			for i, r := range s.DoAll(ctx, manyReads) {
				if r.Err == nil && mode == asTheFirstReads && manyReads[i].Kind == zkapi.KindGet && len(r.Data) > len(sent)+len(manyReads[i].Path) {
					t.Errorf("%d bytes of data came from nowhere", len(r.Data))
				}
			}
		}
		return nil
	}
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
