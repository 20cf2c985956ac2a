package owner

import (
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestID_AliveAndDead(t *testing.T) {
	if !Self().Alive() {
		t.Error("this process is not alive")
	}
	if again, err := Parse(Self().String()); err != nil || again != Self() {
		t.Errorf("got %v, %v", again, err)
	}
	if (ID{PID: Self().PID, Start: "another", Where: Self().Where}).Alive() {
		t.Error("a dead process with this number counts as alive")
	}
	if !(ID{PID: 1 << 30, Start: "1", Where: "elsewhere"}).Alive() {
		t.Error("a process on another host counts as dead")
	}
	for _, bad := range []string{"", "17", "x_1"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestKillOrphans_LeavesOthersAlone ends the processes of a dead owner, a stopped one
// too, and no process of a living owner.
func TestKillOrphans_LeavesOthersAlone(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	start := func(flag string) *exec.Cmd {
		// What a participant looks like: the flag is among the arguments.
		c := exec.Command("sh", "-c", "while :; do sleep 1; done", "participant", flag)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		return c
	}
	orphan := start(Flag + ID{PID: dead.Process.Pid, Start: "1", Where: Self().Where}.String())
	mine := start(Flag + Self().String())
	var killed []int
	for deadline := time.Now().Add(10 * time.Second); len(killed) == 0 && time.Now().Before(deadline); {
		killed = KillOrphans()
	}
	// A child that the orphan's shell is just forking looks like the orphan.
	if !slices.Contains(killed, orphan.Process.Pid) || slices.Contains(killed, mine.Process.Pid) {
		t.Errorf("killed %v, want %d", killed, orphan.Process.Pid)
	}
	if _, alive := startOf(mine.Process.Pid); !alive {
		t.Error("a participant of a living owner was killed")
	}
}
