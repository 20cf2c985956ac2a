package ensemble_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
)

// leaveBehind runs TestLeaveBehind in another process and kills it when its
// ensemble is up.
func leaveBehind(t *testing.T) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestLeaveBehind$", "-test.v")
	command.Env = append(os.Environ(), "RINGMASTER_LEAVE_BEHIND=1")
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
	}
	must(t, command.Process.Kill())
	_ = command.Wait()
}

// TestLeaveBehind is the other process.
func TestLeaveBehind(t *testing.T) {
	if os.Getenv("RINGMASTER_LEAVE_BEHIND") == "" {
		t.Skip("skipped TestLeaveBehind: it is the other process of TestRemoveLeftovers_OfDeadProcesses")
	}
	ensembletest.StartWith(t, ensemble.Config{Servers: 1, SmallLog: 8 << 20})
	fmt.Println("up")
	time.Sleep(time.Minute)
}
