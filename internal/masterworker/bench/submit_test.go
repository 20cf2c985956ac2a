package bench_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker/bench"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestSubmitMany_SubmitsThemAll: both of its figures are of as many znodes as it says. How fast
// that is, no test says.
func TestSubmitMany_SubmitsThemAll(t *testing.T) {
	server := zktest.Start(t)
	driver, err := zkclient.New(zkclient.Config{Servers: server.Addresses()})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ratio, err := bench.SubmitMany(t.Context(), driver, 1234, 2, &out)
	if err != nil || ratio <= 0 || strings.Count(out.String(), "1234 ") != 4 {
		t.Fatalf("%v, %v, %s", ratio, err, out.String())
	}
	raw, tasks := 0, 0
	for path := range server.Tree().Below("/bench-submit") {
		switch {
		case strings.HasPrefix(path, "/bench-submit/raw-") && strings.Contains(path, "/task-"):
			raw++
		case strings.HasPrefix(path, "/bench-submit/tasks-") && strings.Contains(path, "/tasks/task-"):
			tasks++
		}
	}
	if raw != 2*1234 || tasks != 2*(1234+1) {
		t.Errorf("%d znodes and %d tasks", raw, tasks)
	}
}
