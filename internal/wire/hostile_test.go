package wire

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func be32(values ...int32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// allocated runs f and says how many bytes it has allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// header is that of a part of a multi.
func header(opcode int32) []byte { return append(be32(opcode), 0, 0xff, 0xff, 0xff, 0xff) }

// TestConversation_ReadsNoMultiWithinAMulti has multis that take nine bytes each, and
// would take a call of the decoder each.
func TestConversation_ReadsNoMultiWithinAMulti(t *testing.T) {
	var c Conversation
	c.Sent(nil)
	deep := bytes.Repeat(header(OpMulti), 5<<20)
	if r, ok := c.Sent(append(be32(1, OpMulti), deep...)); !ok || r.Op.Kind != 0 {
		t.Errorf("it was read as %v", r.Op.Kind)
	}
}

// TestConversation_ReadsNoMoreResultsThanParts has nine bytes for each of a million
// results, whose values would be much larger.
func TestConversation_ReadsNoMoreResultsThanParts(t *testing.T) {
	var c Conversation
	c.Sent(nil)
	c.Received(nil)
	one := append(append(header(OpCheck), append(be32(2), '/', 'x')...), be32(1)...)
	c.Sent(append(append(be32(1, OpMulti), one...), append(be32(-1), 1, 0xff, 0xff, 0xff, 0xff)...))
	reply, ok := c.Received(append(append(be32(1), make([]byte, 12)...), bytes.Repeat(header(OpCheck), 1<<20)...))
	if result, err := reply.Outcome(); !ok || err != nil || len(result.Results) != 1 {
		t.Errorf("%d results of one part, %v", len(result.Results), err)
	}
}

// TestFrames_CopiesALongFrameOnce feeds a long frame in small pieces.
func TestFrames_CopiesALongFrameOnce(t *testing.T) {
	const length, piece = 4 << 20, 1 << 10
	stream := Frame(make([]byte, length))
	var whole [][]byte
	spent := allocated(func() {
		var f Frames
		for left := stream; len(left) > 0; {
			n := min(piece, len(left))
			whole = append(whole, f.Feed(left[:n])...)
			left = left[n:]
		}
	})
	if len(whole) != 1 || len(whole[0]) != length || spent > 16*length {
		t.Errorf("%d frames, and %d bytes were allocated", len(whole), spent)
	}
}

// FuzzConversation listens to anything, in both directions.
//
//	go test -fuzz FuzzConversation ./internal/wire
func FuzzConversation(f *testing.F) {
	one := append(append(header(OpCheck), append(be32(2), '/', 'x')...), be32(1)...)
	f.Add(append(be32(1, OpGet, 2), "/x\x00"...), append(be32(1, 0, 0, 0, 1<<31-1), make([]byte, 68)...))
	f.Add(append(be32(1, OpChildren2, 2), "/x\x00"...), append(be32(1, 0, 0, 0, 1<<31-1), make([]byte, 68)...))
	f.Add(append(be32(1, OpCreate, 2), append([]byte("/x"), be32(-1, 1<<31-1)...)...), be32(1, 0, 0, 0, -1))
	f.Add(append(append(be32(1, OpMulti), one...), append(be32(-1), 1, 0, 0, 0, 0)...), append(be32(1, 0, 0, 0), header(opError)...))
	read := joined(be32(1, OpMultiRead), readPart(OpGet, "/x"), readPart(OpChildren, "/x"), end)
	f.Add(read, joined(be32(1, 0, 0, 0), header(OpGet), be32(-1), make([]byte, 68), header(opError), be32(-101), end))
	f.Add(joined(be32(1, OpMultiRead), bytes.Repeat(readPart(OpGet, ""), 1000), end), joined(be32(1, 0, 0, 0), bytes.Repeat(joined(header(opError), be32(-101)), 2000)))
	f.Add(bytes.Repeat(header(OpMulti), 100), be32(XidEvent, 0, 0, 0, 3, 3, -1))
	f.Fuzz(func(t *testing.T, sent, received []byte) {
		const free, share = 1 << 20, 64
		spent := allocated(func() {
			var c Conversation
			c.Sent(nil)
			c.Received(received)
			c.Sent(sent)
			if r, ok := c.Received(received); ok {
				result, err := r.Outcome()
				if err != nil && zkapi.FateOf(err) != zkapi.NotApplied {
					t.Errorf("an answer is %v", err)
				}
				if n := len(r.Request.Reads); len(r.Outcomes()) > n {
					t.Errorf("%d outcomes of %d reads", len(r.Outcomes()), n)
				}
				if n := len(r.Request.Op.Ops); len(result.Results) > n {
					t.Errorf("%d results of %d parts", len(result.Results), n)
				}
			}
		})
		if most := uint64(free + share*(len(sent)+len(received))); spent > most {
			t.Errorf("%d bytes were allocated for %d and %d", spent, len(sent), len(received))
		}
	})
}
