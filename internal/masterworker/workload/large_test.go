package workload

import (
	"math/rand/v2"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestClient_LargeTasks: a few tasks have payloads or results of which not many fit into one
// request, and some a first result that fits into none.
func TestClient_LargeTasks(t *testing.T) {
	const most = 128 << 10
	rng := rand.New(rand.NewPCG(1, 2))
	payloads, results, tooLarge := 0, 0, 0
	for range 1000 {
		var p Payload
		p.enlarge(rng, most)
		first, second := record.Token{Attempt: 1}, record.Token{Attempt: 2}
		if n := len(p.result("x", first, most)); n > most {
			tooLarge++
		} else if n > 1 {
			results++
		}
		if n := len(p.result("x", second, most)); n > most*3/4 {
			t.Errorf("the second result has %d bytes", n)
		}
		if len(p.Padding) > most*5/8 {
			t.Errorf("a payload has %d bytes", len(p.Padding))
		}
		if p.Padding != "" {
			payloads++
		}
	}
	if payloads < 10 || results < 20 || tooLarge < 3 {
		t.Errorf("of 1000 tasks %d have large payloads, %d large results, and %d results that are too large", payloads, results, tooLarge)
	}
}
