package serve_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// TestReapEvery_IsWhenEmptyContainersGo: a container that has had a child, and a znode with a
// TTL, are there until the ensemble looks for such znodes.
func TestReapEvery_IsWhenEmptyContainersGo(t *testing.T) {
	const opDelete, opContainer, opTTL = 2, 19, 21
	for _, c := range []struct{ option, every time.Duration }{{0, time.Minute}, {time.Second, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			e := serve.New(serve.Options{ReapEvery: c.option})
			defer e.Close()
			client := greeted(t, e)
			must := func(opcode int32, body func(*jute.Encoder)) {
				if code, _ := client.call(1, opcode, body); code != 0 {
					t.Fatalf("request %d: code %d", opcode, code)
				}
			}
			create := func(path string, flags byte, ttl bool) func(*jute.Encoder) {
				return func(to *jute.Encoder) {
					ephemeral(path)(to)
					to.Bytes[len(to.Bytes)-1] = flags
					if ttl {
						to.Int64(1)
					}
				}
			}
			must(opContainer, create("/container", 4, false))
			must(1, create("/container/child", 0, false))
			must(opDelete, func(to *jute.Encoder) { to.String("/container/child"); to.Int32(-1) })
			must(opTTL, create("/ttl", 5, true))
			there := func() (n int) {
				for _, path := range []string{"/container", "/ttl"} {
					if _, err := e.Tree().Node(path); err == nil {
						n++
					}
				}
				return n
			}
			time.Sleep(c.every - 10*time.Millisecond)
			if n := there(); n != 2 {
				t.Errorf("%v: %d of 2 are there before it is time", c.every, n)
			}
			time.Sleep(20 * time.Millisecond)
			if n := there(); n != 0 {
				t.Errorf("%v: %d of 2 are there after it was time", c.every, n)
			}
		})
	}
}
