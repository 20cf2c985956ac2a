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

func newFake(t *testing.T, script func(number int, c net.Conn)) *fakeServer {
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

func writePacket(c net.Conn, body []byte) {
	_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
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
	body := binary.BigEndian.AppendUint32(nil, 0)
	body = binary.BigEndian.AppendUint32(body, timeoutMs)
	body = binary.BigEndian.AppendUint64(body, uint64(session))
	body = binary.BigEndian.AppendUint32(body, 16)
	writePacket(c, append(body, make([]byte, 16)...))
}

const (
	opCreate  = 1
	opPing    = 11
	codeNoErr = 0
	noNode    = -101
)

// reply answers one request; path is what a create returns.
func reply(c net.Conn, xid int32, code int32, path string) {
	body := binary.BigEndian.AppendUint32(nil, uint32(xid))
	body = binary.BigEndian.AppendUint64(body, 7)
	body = binary.BigEndian.AppendUint32(body, uint32(code))
	if path != "" {
		body = binary.BigEndian.AppendUint32(body, uint32(len(path)))
		body = append(body, path...)
	}
	writePacket(c, body)
}

// answer serves requests until the connection ends: creates succeed, everything
// else finds no znode. It tells seen about each request that is not a ping.
func answer(c net.Conn, seen func(opcode int32)) {
	for {
		b, err := readPacket(c)
		if err != nil {
			return
		}
		xid, opcode := int32(binary.BigEndian.Uint32(b[:4])), int32(binary.BigEndian.Uint32(b[4:8]))
		if opcode != opPing {
			seen(opcode)
		}
		switch opcode {
		case opPing:
			reply(c, xidPing, codeNoErr, "")
		case opCreate:
			reply(c, xid, codeNoErr, "/made")
		case opcodeQuit:
			reply(c, xid, codeNoErr, "")
		default:
			reply(c, xid, noNode, "")
		}
	}
}
