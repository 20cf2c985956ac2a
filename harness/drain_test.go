package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/history"
	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// TestDrainsEnd: one that goes up and down for ever is given up, and one that goes down,
// however slowly and with ups in between, is not.
func TestDrainsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		waiting func(look int) int // clients that wait, the n-th time that somebody looks
		drained bool
	}{
		"for ever":      {func(look int) int { return 1 + look%2 }, false},
		"slow, but not": {func(look int) int { return max(0, 4-look+2*(look%2)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			looks, now := 0, time.Duration(0)
			r := &run{observer: &observer{driver: &zk.Env{Server: zk.NewServer(time.Minute)}}}
			r.now = func() time.Duration { now += drainPatience / 4; return now }
			evidence := &history.Evidence{Healed: true}
			r.awaitDrained(t.Context(), evidence, func() []string {
				looks++
				return make([]string, c.waiting(looks))
			})
			if evidence.Drained != c.drained || c.drained == strings.Contains(evidence.Problem, "nothing moved") {
				t.Errorf("drained is %v after %d looks: %q", evidence.Drained, looks, evidence.Problem)
			}
		})
	}
}
