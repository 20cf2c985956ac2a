package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// fakeServer answers as much of ZooKeeper's protocol as one command asks for. The tree
// never changes: creates succeed and leave nothing.
type fakeServer struct {
	nodes    map[string]string    // path to data
	children map[string]int32     // path to the number of children
	refuse   map[zkapi.Kind]int32 // kinds of requests that get that code
	locked   map[string]bool      // znodes that the server shows to no identity
	auth     int32                // code for credentials
	cut      map[zkapi.Kind]bool  // kinds of requests at which the connection ends, and no other begins
	deaf     bool                 // no connection gets an answer
	mute     bool                 // every session is granted, and no request gets an answer
	conf     func(net.Conn)       // answers the four-letter word; nil: it is switched off
	accepted chan struct{}        // has one for each connection
	granted  chan struct{}        // has one for each session
	asked    chan struct{}        // is closed when a session that is mute was asked for something
	once     sync.Once
	down     atomic.Bool
}

// ZooKeeper's codes for a znode that is not there, and for one that is locked.
const (
	noNode = -101
	noAuth = -102
)

// start listens, and returns the address.
func (s *fakeServer) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s.accepted, s.granted, s.asked = make(chan struct{}, 1000), make(chan struct{}, 1000), make(chan struct{})
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.accepted <- struct{}{}
			go func() {
				defer c.Close()
				s.serve(c)
			}()
		}
	}()
	return listener.Addr().String()
}

// serve answers one connection.
func (s *fakeServer) serve(c net.Conn) {
	if s.down.Load() {
		return
	}
	var heard wire.Conversation
	for {
		body, err := frame(c)
		if asked, ok := errors.AsType[word](err); ok {
			s.says(c, asked)
		}
		if err != nil {
			return
		}
		if s.deaf {
			continue
		}
		request, asked := heard.Sent(body)
		if !asked {
			timeout := uint32(10_000)
			if wished := body[12:16]; binary.BigEndian.Uint32(wished) == 1 { // a probe for the shortest timeout
				timeout = leastGranted
			} else {
				s.granted <- struct{}{}
			}
			session := binary.BigEndian.AppendUint32(make([]byte, 4), timeout)
			session = binary.BigEndian.AppendUint64(session, 7)
			_, _ = c.Write(wire.Frame(append(append(session, 0, 0, 0, 16), make([]byte, 16)...)))
			continue
		}
		if s.mute {
			s.once.Do(func() { close(s.asked) })
			continue
		}
		if s.cut[request.Op.Kind] && request.Op.Kind.Writes() {
			s.down.Store(true)
			return
		}
		code, answer := s.answer(request)
		header := binary.BigEndian.AppendUint32(nil, uint32(request.Xid))
		header = binary.BigEndian.AppendUint64(header, 7)
		header = binary.BigEndian.AppendUint32(header, uint32(code))
		_, _ = c.Write(wire.Frame(append(header, answer...)))
	}
}

// leastGranted is the shortest timeout that is granted, in milliseconds.
const leastGranted = 6_000

// says answers a four-letter word as ZooKeeper does as it is shipped.
func (s *fakeServer) says(c net.Conn, asked word) {
	switch {
	case asked == conf && s.conf != nil:
		s.conf(c)
	case asked == srvr:
		_, _ = io.WriteString(c, "Zookeeper version: 3.9.3\nMode: follower\nNode count: 5\n")
	default:
		fmt.Fprintf(c, "%s is not executed because it is not in the whitelist.\n", asked)
	}
}

// answer is the code and the body for a request.
func (s *fakeServer) answer(r wire.Request) (code int32, body []byte) {
	op := r.Op
	data, found := s.nodes[op.Path]
	switch {
	case r.Opcode == wire.OpAuth:
		return s.auth, nil
	case r.Opcode == wire.OpPing || r.Ends():
		return 0, nil
	case s.refuse[op.Kind] != 0:
		return s.refuse[op.Kind], nil
	case s.locked[op.Path] && op.Kind != zkapi.KindExists:
		return noAuth, nil
	case op.Kind == zkapi.KindCreate || op.Kind == zkapi.KindSync:
		return 0, text(op.Path)
	case !found || op.Kind == zkapi.KindMulti:
		return noNode, nil
	case op.Kind == zkapi.KindGet:
		body = text(data)
	case op.Kind == zkapi.KindChildren:
		body = s.below(op.Path)
	}
	stat := make([]byte, 68)
	binary.BigEndian.PutUint32(stat[32:], 1) // version
	binary.BigEndian.PutUint32(stat[52:], uint32(len(data)))
	binary.BigEndian.PutUint32(stat[56:], uint32(s.children[op.Path]))
	return 0, append(body, stat...)
}

// below are the names of the znodes right below a path.
func (s *fakeServer) below(parent string) []byte {
	var names []byte
	count := uint32(0)
	for p := range s.nodes {
		if path.Dir(p) == parent {
			names = append(names, text(path.Base(p))...)
			count++
		}
	}
	return append(binary.BigEndian.AppendUint32(nil, count), names...)
}

// text is a string, or bytes, on the wire.
func text(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
}

// word is a four-letter word in the place of a frame.
type word string

const (
	conf word = "conf"
	srvr word = "srvr"
)

func (w word) Error() string { return string(w) }

// frame reads the next frame.
func frame(c net.Conn) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	if w := word(size[:]); w == conf || w == srvr {
		return nil, w
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(c, body)
	return body, err
}
