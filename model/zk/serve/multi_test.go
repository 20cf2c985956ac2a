package serve_test

import (
	"fmt"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestServe_CreatesInAMulti has the request and the flags of a create. A container is one by
// its request or by its flags, and flags that a create cannot have spoil the whole multi.
func TestServe_CreatesInAMulti(t *testing.T) {
	e := serve.New(serve.Options{})
	defer e.Close()
	c := greeted(t, e)
	for i, at := range []struct {
		opcode, flags int32
		code, answer  int32 // of the multi, and of its part
		owner         zkapi.Owner
	}{
		{1, 0, 0, 1, zkapi.OwnerNone}, {1, 1, 0, 1, zkapi.OwnerSession}, {15, 0, 0, 15, zkapi.OwnerNone},
		{1, 4, 0, 15, zkapi.OwnerContainer}, {15, 4, 0, 15, zkapi.OwnerContainer}, {19, 0, 0, 15, zkapi.OwnerContainer}, {19, 1, 0, 15, zkapi.OwnerContainer},
		{21, 5, 0, 15, zkapi.OwnerTTL}, {1, 5, -5, 0, 0}, {19, 6, -5, 0, 0}, {1, 9, -5, 0, 0},
	} {
		path := fmt.Sprintf("/%d", i)
		part := func(to *jute.Encoder, opcode int32, done bool) { to.Int32(opcode); to.Bool(done); to.Int32(-1) }
		code, d := c.call(1, 14, func(to *jute.Encoder) {
			part(to, at.opcode, false)
			ephemeral(path)(to)
			to.Bytes[len(to.Bytes)-1] = byte(at.flags)
			if at.opcode == 21 {
				to.Int64(1_000_000)
			}
			part(to, -1, true)
		})
		if code != at.code || code == 0 && d.Int32() != at.answer {
			t.Errorf("request %d with the flags %d: the code is %d, and the answer is another one than %d", at.opcode, at.flags, code, at.answer)
		}
		node, err := e.Tree().Node(path)
		if (err == nil) != (code == 0) || err == nil && node.Stat.Owner() != at.owner {
			t.Errorf("request %d with the flags %d: the owner is %v, want %v, %v", at.opcode, at.flags, node.Stat.Owner(), at.owner, err)
		}
	}
}
