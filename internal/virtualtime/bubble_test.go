package virtualtime

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// programs are the programs that this test's own binary can run.
var programs = map[string]func() error{
	"waits":  func() error { <-time.After(10 * time.Hour); return nil },
	"fails":  func() error { return errors.New("no room") },
	"panics": func() error { panic("boom") },
	"spins": func() error {
		<-time.After(7 * time.Second)
		for {
			runtime.Gosched()
		}
	},
}

func TestMain(m *testing.M) {
	if program := programs[os.Getenv("BUBBLE_PROGRAM")]; program != nil {
		Main(time.Second, program)
	}
	os.Exit(m.Run())
}

// TestMain_EndsWhenVirtualTimeStandsStill runs programs that wait, that never wait, that
// fail and that crash.
func TestMain_EndsWhenVirtualTimeStandsStill(t *testing.T) {
	for program, want := range map[string]struct {
		code exit.Code
		says string
	}{
		"waits":  {exit.Done, ""},
		"fails":  {exit.Failed, "no room"},
		"panics": {exit.Crashed, "panic: boom"},
		"spins":  {exit.Failed, "virtual time has stood still at about 7s for 1s"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "BUBBLE_PROGRAM="+program)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		_ = cmd.Run()
		if code := exit.Code(cmd.ProcessState.ExitCode()); code != want.code || !strings.Contains(complaint.String(), want.says) {
			t.Errorf("%s: exit code %d, want %d: %s", program, code, want.code, complaint.String())
		}
	}
}
