package harness

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestDrain_Ends: one that goes up and down for ever is given up, and one that goes down,
// however slowly and with ups in between, is not; nor is one in which a task is handed in
// whenever one is collected, unless that takes many times as long as the load.
func TestDrain_Ends(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestDrain_Ends: make test runs it, make quick does not")
	}
	for name, c := range map[string]struct {
		waiting func(look int) int // clients that wait, the n-th time that somebody looks
		handsIn bool
		problem string // that it ends with; none when it is drained
	}{
		"for ever":       {func(look int) int { return 1 + look%2 }, false, "no progress for"},
		"slow, but not":  {func(look int) int { return max(0, 4-look+2*(look%2)) }, false, ""},
		"a full backlog": {func(look int) int { return min(1, max(0, 20-look)) }, true, ""},
		"and without":    {func(look int) int { return min(1, max(0, 20-look)) }, false, "no progress for"},
		"drop by drop":   {func(look int) int { return min(1, max(0, 60-look)) }, true, "work is still open after"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looks, now := 0, time.Duration(0)
			env := &zk.Env{Server: zk.NewServer(time.Minute)}
			session, err := env.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			do := func(ops ...zkapi.Op) {
				for _, reply := range session.DoAll(t.Context(), ops) {
					if reply.Err != nil {
						t.Fatal(reply.Err)
					}
				}
			}
			do(zkapi.Create("/tasks", nil, zkapi.Persistent), zkapi.Create("/assign", nil, zkapi.Persistent))
			var out bytes.Buffer
			r := &run{observer: &observer{driver: env, work: defaults().Subject.Workload}, config: Setup{Config: Config{Time: 5 * drainPatience}}, out: &out}
			r.now = func() time.Duration { now += drainPatience / 4; return now }
			evidence := &record.Evidence{Healed: true}
			r.awaitDrained(t.Context(), evidence, func() []string {
				looks++
				if c.handsIn {
					do(zkapi.Create("/tasks/one", nil, zkapi.Persistent), zkapi.Delete("/tasks/one", zkapi.AnyVersion))
				}
				return make([]string, c.waiting(looks))
			})
			if evidence.Drained != (c.problem == "") || !strings.Contains(evidence.Problem, c.problem) {
				t.Errorf("drained is %v after %d looks: %q", evidence.Drained, looks, evidence.Problem)
			}
			if (len(evidence.Undone) > 0) == evidence.Drained {
				t.Errorf("drained is %v, and undone is %q", evidence.Drained, evidence.Undone)
			}
			if want := "drain waits for: 0 tasks without a status, 0 assignments left, waiting clients:"; !strings.Contains(out.String(), want) {
				t.Errorf("it waits in silence: %q", out.String())
			}
		})
	}
}
