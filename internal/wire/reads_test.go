package wire

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func text(s string) []byte { return append(be32(int32(len(s))), s...) }

// end is the header behind the last part.
var end = append(be32(-1), 1, 0xff, 0xff, 0xff, 0xff)

func joined(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// readPart is a part of a request.
func readPart(opcode int32, path string) []byte {
	return joined(header(opcode), text(path), []byte{0})
}

// conversation has had its handshake, and a request.
func conversation(t *testing.T, body []byte) (*Conversation, Request) {
	t.Helper()
	var c Conversation
	c.Sent(nil)
	c.Received(nil)
	r, ok := c.Sent(body)
	if !ok {
		t.Fatal("the request is not read")
	}
	return &c, r
}

// TestConversation_ReadsAMultiRead: it has several reads, each with its answer or its refusal,
// and it is no write.
func TestConversation_ReadsAMultiRead(t *testing.T) {
	stat := make([]byte, 68)
	binary.BigEndian.PutUint32(stat[32:], 7) // the version
	c, r := conversation(t, joined(be32(5, OpMultiRead), readPart(OpGet, "/a"), readPart(OpGet, "/gone"), readPart(OpChildren, "/c"), end))
	if r.Writes() || r.Op.Kind != 0 || len(r.Reads) != 3 || r.Reads[1].Path != "/gone" || r.Reads[2].Kind != zkapi.KindChildren {
		t.Fatalf("it is %+v", r)
	}
	head := append(be32(5), make([]byte, 12)...)
	reply, ok := c.Received(joined(head, header(OpGet), text("data"), stat, header(opError), be32(codeNoNode), header(OpChildren), be32(2), text("y"), text("x"), end))
	got := reply.Outcomes()
	if !ok || len(got) != 3 {
		t.Fatalf("%d outcomes", len(got))
	}
	if got[0].Err != nil || string(got[0].Data) != "data" {
		t.Errorf("the first is %+v", got[0])
	}
	if e, is := errors.AsType[*zkapi.Error](got[1].Err); !is || !errors.Is(e, zkapi.ErrNoNode) || e.Path != "/gone" || e.Fate != zkapi.NotApplied {
		t.Errorf("the second is %v", got[1].Err)
	}
	if got[2].Err != nil || len(got[2].Children) != 2 || got[2].Children[0] != "x" {
		t.Errorf("the third is %+v", got[2])
	}
}

// TestConversation_OfARefusedMultiRead: a server that lacks it refuses it as a whole.
func TestConversation_OfARefusedMultiRead(t *testing.T) {
	c, _ := conversation(t, joined(be32(5, OpMultiRead), readPart(OpGet, "/a"), readPart(OpChildren, "/b"), end))
	reply, _ := c.Received(be32(5, 0, 0, -6))
	for i, r := range reply.Outcomes() {
		if !errors.Is(r.Err, zkapi.ErrUnsupported) {
			t.Errorf("%d: %v", i, r.Err)
		}
	}
	if n := len(reply.Outcomes()); n != 2 {
		t.Errorf("%d outcomes", n)
	}
}

// TestConversation_AnImpossibleMultiReadHasNoReads: only gets and children can be in it.
func TestConversation_AnImpossibleMultiReadHasNoReads(t *testing.T) {
	_, r := conversation(t, joined(be32(5, OpMultiRead), readPart(OpGet, "/a"), header(OpDelete), text("/b"), be32(1), end))
	if len(r.Reads) > 0 {
		t.Errorf("it has %v", r.Reads)
	}
}

// TestConversation_ReadsRequestsAboutWatches: they have a path, and are neither writes nor
// operations of the port.
func TestConversation_ReadsRequestsAboutWatches(t *testing.T) {
	for _, opcode := range []int32{OpAddWatch, OpRemoveWatches} {
		c, r := conversation(t, joined(be32(5, opcode), text("/list"), be32(1)))
		if r.Path != "/list" || r.Op.Kind != 0 || r.Writes() {
			t.Errorf("it is %+v", r)
		}
		if reply, ok := c.Received(be32(5, 0, 0, 0, 0)); !ok || reply.Request.Path != "/list" {
			t.Errorf("the answer is %+v", reply)
		}
		if _, r := conversation(t, joined(be32(5, opcode), text("/list"))); r.Path != "" {
			t.Errorf("a request that is cut off has the path %s", r.Path)
		}
	}
}

// TestReply_HasNoOutcomeThatIsCutOff: what the answer does not have is not made up.
func TestReply_HasNoOutcomeThatIsCutOff(t *testing.T) {
	c, _ := conversation(t, joined(be32(5, OpMultiRead), readPart(OpGet, "/a"), readPart(OpGet, "/b"), end))
	reply, _ := c.Received(joined(be32(5), make([]byte, 12), header(OpGet), text("data"), make([]byte, 68), header(OpGet), be32(4)))
	if got := reply.Outcomes(); len(got) != 1 || string(got[0].Data) != "data" {
		t.Errorf("%+v", got)
	}
}
