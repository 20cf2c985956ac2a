package bubble

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// programs are what this test's own binary does when it is told to.
var programs = map[string]func(){
	"waits": func() { <-time.After(10 * time.Hour) },
	"spins": func() {
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

// TestMainEnds: what waits is over in no time, and what never waits is ended.
func TestMainEnds(t *testing.T) {
	for program, want := range map[string]string{"waits": "", "spins": "virtual time has stood still at about 7s for 1s"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "BUBBLE_PROGRAM="+program)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		if err := cmd.Run(); (err == nil) != (want == "") || !strings.Contains(complaint.String(), want) {
			t.Errorf("%s: %v, %s", program, err, complaint.String())
		}
	}
}
