package zkclient

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// fakeServer speaks as much of ZooKeeper's wire protocol as the cures need. Each
// connection is handled by script, which gets its number, counted from 1.
type fakeServer struct {
	listener net.Listener
	accepted atomic.Int32
}

func newFake(t testing.TB, script func(number int, c net.Conn)) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			number := int(s.accepted.Add(1))
			go func() {
				defer c.Close()
				script(number, c)
			}()
		}
	}()
	return s
}

func (s *fakeServer) address() string { return s.listener.Addr().String() }

func readPacket(c net.Conn) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(c, prefix[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(prefix[:]))
	_, err := io.ReadFull(c, body)
	return body, err
}

func writePacket(c net.Conn, body []byte) { _, _ = c.Write(framed(body)) }

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// greet reads the connect request and answers with a session; 0 means expired.
func greet(c net.Conn, session int64, timeoutMs uint32) bool {
	if _, err := readPacket(c); err != nil {
		return false
	}
	welcome(c, session, timeoutMs)
	return true
}

// welcome answers a connect request.
func welcome(c net.Conn, session int64, timeoutMs uint32) {
	writePacket(c, connectResponseOf(session, timeoutMs, make([]byte, passwordBytes)))
}

func connectResponseOf(session int64, timeoutMs uint32, password []byte) []byte {
	body := binary.BigEndian.AppendUint32(nil, 0)
	body = binary.BigEndian.AppendUint32(body, timeoutMs)
	body = binary.BigEndian.AppendUint64(body, uint64(session))
	body = binary.BigEndian.AppendUint32(body, uint32(len(password)))
	return append(body, password...)
}

// refuseHandshake ends a connection whose client asks for a session, as a server does that
// lacks what the session has seen. It answers srvr.
func refuseHandshake(c net.Conn) {
	word := make([]byte, 4)
	if _, err := io.ReadFull(c, word); err == nil && string(word) == "srvr" {
		_, _ = io.WriteString(c, "Zookeeper version: 3.9.3\nMode: leader\n")
	}
}

const (
	codeNoErr = 0
	noNode    = -101
)

// asked is a request that has reached the fake server.
type asked struct {
	xid, opcode int32
	size        int // without the length in front
	body        []byte
}

// serve answers requests until the connection ends, or respond returns nil.
func serve(c net.Conn, respond func(asked) []byte) {
	for {
		b, err := readPacket(c)
		if err != nil {
			return
		}
		r := asked{int32(binary.BigEndian.Uint32(b[:4])), int32(binary.BigEndian.Uint32(b[4:8])), len(b), b[8:]}
		answer := respond(r)
		if answer == nil {
			return
		}
		_, _ = c.Write(answer)
	}
}

// coded is an answer with that code, and what follows it.
func (a asked) coded(code int32, result ...byte) []byte {
	const zxid = 7
	body := binary.BigEndian.AppendUint32(nil, uint32(a.xid))
	body = binary.BigEndian.AppendUint64(body, zxid)
	body = binary.BigEndian.AppendUint32(body, uint32(code))
	return framed(append(body, result...))
}

// usual is an answer that satisfies the session: creates succeed, and so do requests
// that have no result; everything else finds no znode.
func (a asked) usual() []byte {
	const made = "/made"
	switch a.opcode {
	case opcodeCreate:
		return a.coded(codeNoErr, append(binary.BigEndian.AppendUint32(nil, uint32(len(made))), made...)...)
	case opcodePing, opcodeQuit, opcodeAuth, opcodeWatches:
		return a.coded(codeNoErr)
	}
	return a.coded(noNode)
}

// answer serves requests as usual until the connection ends. It tells seen about each
// that is not a ping.
func answer(c net.Conn, seen func(opcode int32)) {
	serve(c, func(a asked) []byte {
		if a.opcode != opcodePing {
			seen(a.opcode)
		}
		return a.usual()
	})
}
