package bench

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRole_RefusesWhatItDoesNotKnow(t *testing.T) {
	for config, says := range map[string]string{
		"":                        "configuration of a role",
		"{":                       "configuration of a role",
		`{"role":"client"}`:       `role "client": use master or worker`,
		`{"role":"worker","x":1}`: `unknown field "x"`,
		`{"role":"worker"}`:       "no servers",
		`{"role":"worker","servers":["127.0.0.1:1"],"session_timeout":1}`: "session timeout",
	} {
		if err := Role(t.Context(), config, strings.NewReader(""), new(strings.Builder)); err == nil || !strings.Contains(strings.ToLower(err.Error()), says) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestStatusBytes(t *testing.T) {
	const status = "Name:\tbench\nVmHWM:\t    2048 kB\nVmRSS:\t  1000 kB\nVmSwap:\tnone kB\nThreads:\t5\n"
	for field, want := range map[string]int64{"VmRSS": 1000 << 10, "VmHWM": 2 << 20, "VmSwap": 0, "Threads": 0, "Vm": 0} {
		if got := statusBytes(status, field); got != want {
			t.Errorf("%s: %d", field, got)
		}
	}
	if m := measureMemory(); m.Heap <= 0 || m.Before <= 0 || m.Resident < 0 || m.Peak < m.Resident {
		t.Errorf("%+v", m)
	}
}

// TestChild_AnswersAndEnds: a process of its own says its memory, is killed, and does not answer
// any more; another one leaves when it is let go.
func TestChild_AnswersAndEnds(t *testing.T) {
	b, _ := bedIn(t, "kill", Config{})
	master, err := b.child(roleMaster, "master", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	m, err := master.ask(t.Context())
	if err != nil || m.Heap <= 0 {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := os.Stat("/proc/self/status"); err == nil && (m.Resident <= m.Heap || m.Peak < m.Resident) {
		t.Errorf("%+v", m)
	}
	if _, err := master.kill(); err != nil {
		t.Error(err)
	}
	if _, err := master.ask(t.Context()); err == nil {
		t.Error("it answers after its end")
	}
	if _, err := master.kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("%v", err)
	}
	worker, err := b.child(roleWorker, "worker", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	worker.stop()
	if code := worker.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
