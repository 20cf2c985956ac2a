package zkclient

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestElapsed_RunsInASleep runs this test in a time namespace in which the machine has
// slept for a million seconds, as far as it can be told from inside: CLOCK_BOOTTIME shows
// it, CLOCK_MONOTONIC and with it Go's own clock do not.
func TestElapsed_RunsInASleep(t *testing.T) {
	if os.Getenv("RINGMASTER_PRINT_ELAPSED") != "" {
		fmt.Printf("elapsed %d\n", elapsed())
		return
	}
	const slept = 1_000_000
	cmd := exec.CommandContext(t.Context(), "unshare", "--time", "--boottime", strconv.Itoa(slept), "--fork", os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "RINGMASTER_PRINT_ELAPSED=1")
	before := elapsed()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("skipped %s: no time namespace can be made here: %v: %s", t.Name(), err, out)
	}
	var there time.Duration
	_, text, _ := strings.Cut(string(out), "elapsed ")
	if _, err := fmt.Sscan(text, (*int64)(&there)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if shown := there - before; shown < slept*time.Second {
		t.Errorf("a sleep of %v shows as %v", slept*time.Second, shown)
	}
}
