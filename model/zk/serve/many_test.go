package serve_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// memory is how many bytes the heap and the stacks take.
func memory() uint64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc + now.StackInuse
}

// TestServe_TenThousandConnections has as many sessions, each with a watch on one znode. The
// event of a single write comes to all of them.
func TestServe_TenThousandConnections(t *testing.T) {
	const connections, most = 10_000, 32 << 10 // bytes for each, the pipe of the test included
	e := serve.New(serve.Options{})
	defer e.Close()
	before := memory()
	all := make([]rawConn, connections)
	for i := range all {
		all[i] = raw(t, e.Members()[0])
		if _, id, _ := all[i].greet(40*time.Second, 0, nil); id == 0 {
			t.Fatalf("connection %d has no session", i)
		}
		if code, _ := all[i].call(1, 3, func(to *jute.Encoder) { to.String("/e"); to.Bool(true) }); code != -101 {
			t.Fatalf("exists: %d", code)
		}
	}
	if each := (memory() - before) / connections; each > most {
		t.Errorf("a connection takes %d bytes, more than %d", each, most)
	}
	all[0].send(func(to *jute.Encoder) { to.Int32(2); to.Int32(1); ephemeral("/e")(to) })
	for i, c := range all {
		if xid := c.receive().Int32(); xid != -1 {
			t.Fatalf("connection %d got a message with the xid %d in place of the event", i, xid)
		}
	}
	if xid := all[0].receive().Int32(); xid != 2 {
		t.Errorf("the answer to the write has the xid %d", xid)
	}
}
