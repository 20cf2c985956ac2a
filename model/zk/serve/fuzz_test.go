package serve_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// script is a connection whose client sends certain bytes and leaves. It counts the answer.
type script struct {
	io.Reader
	answered int
}

func (s *script) Write(b []byte) (int, error) {
	s.answered += len(b)
	return len(b), nil
}
func (*script) Close() error                     { return nil }
func (*script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// framed is a frame with its length in front.
func framed(fill func(*jute.Encoder)) []byte {
	frame := jute.Encoder{Bytes: make([]byte, 4)}
	fill(&frame)
	binary.BigEndian.PutUint32(frame.Bytes, uint32(len(frame.Bytes)-4))
	return frame.Bytes
}

func greeting(to *jute.Encoder) {
	to.Int32(0)
	to.Int64(0)
	to.Int32(10_000)
	to.Int64(0)
	to.Buffer(make([]byte, 16))
	to.Bool(false)
}

// requestsOfAllKinds is a frame for each form of a request's body.
func requestsOfAllKinds() [][]byte {
	request := func(opcode int32, fill func(*jute.Encoder)) []byte {
		return framed(func(to *jute.Encoder) { to.Int32(1); to.Int32(opcode); fill(to) })
	}
	path := func(to *jute.Encoder) { to.String("/e") }
	pathAndFlag := func(to *jute.Encoder) { to.String("/e"); to.Bool(true) }
	pathAndInt := func(to *jute.Encoder) { to.String("/e"); to.Int32(1) }
	lists := func(n int) func(*jute.Encoder) {
		return func(to *jute.Encoder) {
			to.Int64(0)
			for range n {
				to.Strings([]string{"/e"})
			}
		}
	}
	part := func(to *jute.Encoder, opcode int32, done bool) { to.Int32(opcode); to.Bool(done); to.Int32(-1) }
	multi := func(opcode int32, body func(*jute.Encoder)) func(*jute.Encoder) {
		return func(to *jute.Encoder) { part(to, opcode, false); body(to); part(to, -1, true) }
	}
	all := [][]byte{
		request(1, ephemeral("/e")), request(15, ephemeral("/f")), request(19, ephemeral("/g")), request(21, func(to *jute.Encoder) { ephemeral("/h")(to); to.Int64(1) }),
		request(5, func(to *jute.Encoder) { to.String("/e"); to.Buffer([]byte("x")); to.Int32(-1) }),
		request(7, func(to *jute.Encoder) {
			to.String("/e")
			to.Int32(1)
			to.Int32(31)
			to.String("ip")
			to.String("127.0.0.1/8")
			to.Int32(-1)
		}),
		request(14, multi(1, ephemeral("/i"))), request(14, multi(13, pathAndInt)), request(22, multi(4, pathAndFlag)), request(22, multi(2, pathAndInt)),
		request(100, func(to *jute.Encoder) { to.Int32(0); to.String("digest"); to.Buffer([]byte("u:p")) }),
		request(101, lists(3)), request(105, lists(5)), request(11, func(*jute.Encoder) {}), request(107, func(*jute.Encoder) {}),
		request(16, func(to *jute.Encoder) { to.Strings(nil); to.String("a"); to.String("b"); to.Int64(1) }),
	}
	for _, opcode := range []int32{6, 9, 103, 104} {
		all = append(all, request(opcode, path))
	}
	for _, opcode := range []int32{3, 4, 8, 12} {
		all = append(all, request(opcode, pathAndFlag))
	}
	for _, opcode := range []int32{2, 17, 18, 106} {
		all = append(all, request(opcode, pathAndInt))
	}
	return append(all, request(-11, func(*jute.Encoder) {}), request(13, pathAndInt))
}

// FuzzServeConn sends any bytes, as a whole connection or behind a handshake. Whatever they
// are, the connection ends when they do, the answer is not out of proportion, and the tree is
// sound.
func FuzzServeConn(f *testing.F) {
	for _, frame := range requestsOfAllKinds() {
		f.Add(true, frame)
	}
	f.Add(true, bytes.Join(requestsOfAllKinds(), nil))
	f.Add(false, framed(greeting))
	f.Add(false, []byte("srvr"))
	f.Add(false, []byte("\x00\x0f\xff\xff"))
	f.Add(true, []byte("\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, greets bool, stream []byte) {
		const longest = 16 << 10
		if len(stream) > longest {
			return
		}
		if greets {
			stream = append(framed(greeting), stream...)
		}
		e := serve.New(serve.Options{})
		defer e.Close()
		client := &script{Reader: bytes.NewReader(stream)}
		e.Members()[0].ServeConn(client)
		const some, each = 4 << 10, 2_000
		if client.answered > some+each*len(stream) {
			t.Errorf("%d bytes were answered with %d", len(stream), client.answered)
		}
		count := 0
		for path := range e.Tree().All() {
			if _, err := e.Tree().Node(path); err != nil {
				t.Errorf("%q is there, and is not found: %v", path, err)
			}
			count++
		}
		if count != e.Tree().Count() {
			t.Errorf("%d znodes, counted as %d", count, e.Tree().Count())
		}
	})
}

// TestServe_MemoryIsForBytesThatCame has frames that announce more than comes: a long frame,
// and long texts and lists in a short one.
func TestServe_MemoryIsForBytesThatCame(t *testing.T) {
	const most, some = 64 << 20, 1 << 20
	e := serve.New(serve.Options{MaxBuffer: most})
	defer e.Close()
	var length, huge jute.Encoder
	length.Int32(most)
	huge.Int32(most)
	for name, stream := range map[string][]byte{
		"a frame": append(length.Bytes, "a few bytes"...),
		"a text":  framed(func(to *jute.Encoder) { to.Int32(1); to.Int32(9); to.Bytes = append(to.Bytes, huge.Bytes...) }),
		"an ACL": framed(func(to *jute.Encoder) {
			to.Int32(1)
			to.Int32(7)
			to.String("/")
			to.Bytes = append(to.Bytes, huge.Bytes...)
		}),
		"watches": framed(func(to *jute.Encoder) {
			to.Int32(1)
			to.Int32(101)
			to.Int64(0)
			to.Bytes = append(to.Bytes, huge.Bytes...)
		}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e.Members()[0].ServeConn(&script{Reader: bytes.NewReader(append(framed(greeting), stream...))})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > some {
			t.Errorf("%s: %d bytes of memory for %d bytes", name, used, len(stream))
		}
	}
}

// TestServe_UnderstandsEachKindOfRequest: the corpus of the fuzz test would be worth little if
// the server did not get to the bottom of it.
func TestServe_UnderstandsEachKindOfRequest(t *testing.T) {
	e := serve.New(serve.Options{})
	defer e.Close()
	for i, frame := range requestsOfAllKinds() {
		answer := &recorded{script: script{Reader: bytes.NewReader(append(framed(greeting), frame...))}}
		e.Members()[0].ServeConn(answer)
		last := answer.frames[len(answer.frames)-1]
		d := &jute.Decoder{Rest: last}
		d.Take(4 + 8)
		if code := d.Int32(); code == -5 != (i == 9) { // the reads of a multiRead are no writes
			t.Errorf("request %d, %x: code %d", i, frame, code)
		}
	}
}

// recorded keeps the frames of the answer.
type recorded struct {
	script
	rest   []byte
	frames [][]byte
}

func (r *recorded) Write(b []byte) (int, error) {
	r.rest = append(r.rest, b...)
	for len(r.rest) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(r.rest))
		if len(r.rest) < n {
			break
		}
		r.frames, r.rest = append(r.frames, r.rest[4:n]), r.rest[n:]
	}
	return len(b), nil
}
