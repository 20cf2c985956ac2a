package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// dev starts the command dev on a free port, and is a person at a second terminal.
func dev(t *testing.T, args ...string) (*background, *terminal) {
	t.Helper()
	p := &terminal{t: t}
	b := p.startsWith("", append([]string{"dev", "--listen", "127.0.0.1:0"}, args...)...)
	p.within(time.Minute, "dev prints where its servers are", func() bool {
		_, p.servers, _ = strings.Cut(b.String(), "export RINGMASTER_SERVERS=")
		line := strings.IndexByte(p.servers, '\n')
		p.servers = p.servers[:max(0, line)]
		return p.servers != ""
	})
	return b, p
}

// TestDev_IsTheFirstMinuteOfTheReadme has the two terminals of the README.
func TestDev_IsTheFirstMinuteOfTheReadme(t *testing.T) {
	b, p := dev(t, "--exec", "tr a-z A-Z")
	if code, out, problem := p.types("", "submit", "--wait", "hello"); code != 0 || out != "HELLO" {
		t.Errorf("submit: %d, %q, %s", code, out, problem)
	}
	if code := p.leaves(b); code != 0 {
		t.Errorf("dev ended with %d:\n%s", code, b)
	}
	if log := b.String(); !strings.Contains(log, "a session ends") || !strings.Contains(log, "a session begins") {
		t.Errorf("the log says nothing of sessions:\n%s", log)
	}
}

func TestDev_ServesOnEveryMember(t *testing.T) {
	b, p := dev(t, "--members", "3", "--master")
	servers := strings.Split(p.servers, ",")
	if len(servers) != 3 {
		t.Fatalf("%q, want three servers", servers)
	}
	for _, p.servers = range servers {
		p.within(time.Minute, "the master leads, by "+p.servers, func() bool { master := p.status().Master; return master != nil && master.Name == "m1" })
	}
	if code := p.leaves(b); code != 0 {
		t.Errorf("dev ended with %d:\n%s", code, b)
	}
}

// TestDev_EndsAsItsCommand runs commands that find the servers in their environment.
func TestDev_EndsAsItsCommand(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, script string
		code         int
		out          string
	}{
		{"its exit code", "exit 7", 7, ""},
		{"a signal", "kill -9 $$", 137, ""},
		{"both variables", `[ "$ZK_SERVERS" = "$RINGMASTER_SERVERS" ] && echo same`, 0, "same\n"},
		{"a client", self + " submit hello >/dev/null && " + self + " tasks list | grep -c pending", 0, "1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &terminal{t, "refused.invalid"}
			if code, out, problem := p.types("", "dev", "--log-level", "error", "--", "sh", "-c", c.script); code != c.code || out != c.out {
				t.Errorf("%d, %q, want %d, %q\n%s", code, out, c.code, c.out, problem)
			}
		})
	}
}

// TestDev_InjectsFaults loses the answer to the first create below /fault. The command says
// what the client saw, and the log says that the fault took effect.
func TestDev_InjectsFaults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{t, "refused.invalid"}
	code, out, problem := p.types("", "dev", "--faults", "lose the first answer to create below /fault", "--seed", "7",
		"--", "sh", "-c", self+" submit --namespace /fault --id one hello --log-level error 2>&1; "+self+" tasks list --namespace /fault --log-level error | grep -c pending")
	if code != 0 || !strings.HasSuffix(out, "1\n") || !strings.Contains(problem, "seed=7") || !strings.Contains(problem, "lose") {
		t.Errorf("%d, %q\n%s", code, out, problem)
	}
}

func TestDev_NamesWrongInput(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := &terminal{t, ""}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"true"}, `"true": put -- in front of the command`},
		{[]string{"--listen", "x"}, `--listen "x": give an address and a port`},
		{[]string{"--listen", "127.0.0.1:65535", "--members", "2"}, "--listen"},
		{[]string{"--listen", taken.Addr().String()}, "give another port with --listen"},
		{[]string{"--seed", "7"}, "give --faults, too"},
		{[]string{"--faults", "explode"}, `--faults: fault 1, "explode"`},
		{[]string{"--faults", "lag member 2 by 1s", "--listen", "127.0.0.1:0"}, "--faults"},
		{[]string{"--faults", "stop an observer", "--listen", "127.0.0.1:0"}, "--observers"},
		{[]string{"--"}, "the command behind -- is missing"},
		{[]string{"--servers", "x"}, "choose its address with --listen"},
		{[]string{"--namespace", "x"}, "give --exec or --master"},
		{[]string{"--namespace", "x", "--exec", "cat", "--listen", "127.0.0.1:0"}, `namespace "x"`},
		{[]string{"--exec", " "}, "--exec"},
		{[]string{"--capacity", "5"}, "give --exec, too"},
		{[]string{"--capacity", "-1", "--exec", "cat", "--listen", "127.0.0.1:0"}, "--capacity"},
		{[]string{"--capacity", "-1", "--exec", "cat", "--", "sleep", "100"}, "--capacity"},
		{[]string{"--auth-file", "/nowhere", "--master", "--listen", "127.0.0.1:0"}, "--auth-file"},
		{[]string{"--listen", "192.0.2.1:2181"}, "give an address of this machine"},
		{[]string{"--members", "0"}, "--members 0: give 1 or more"},
		{[]string{"--", "no-such-command"}, "the command cannot be run"},
	} {
		if code, _, problem := p.types("", append([]string{"dev"}, c.args...)...); code != int(exit.WrongUse) || !strings.Contains(problem, c.want) {
			t.Errorf("dev %q: %d, %q, want %d and %q", c.args, code, problem, exit.WrongUse, c.want)
		}
	}
}

// TestDev_PassesSignalsOn sends a signal to dev while its command runs: the command may clean up,
// and its exit code counts. What it has started in the background ends with it.
func TestDev_PassesSignalsOn(t *testing.T) {
	for _, c := range []struct {
		name, script string
		signal       syscall.Signal
		code         int
	}{
		{"a command that cleans up", "trap 'echo cleaned; exit 7' INT; echo begun $$; while :; do sleep 0.05; done", syscall.SIGINT, 7},
		{"one that ends well", "trap 'echo cleaned; exit 0' TERM; echo begun $$; while :; do sleep 0.05; done", syscall.SIGTERM, 0},
		{"one that leaves a process", "sleep 1000 & echo begun $!; trap 'echo cleaned; exit 3' TERM; while :; do sleep 0.05; done", syscall.SIGTERM, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &terminal{t: t}
			b := p.startsWith("", "dev", "--", "sh", "-c", c.script)
			var pid int
			p.within(time.Minute, "the command begins", func() bool {
				_, line, _ := strings.Cut(b.String(), "begun ")
				_, err := fmt.Sscan(line, &pid)
				return err == nil
			})
			if err := b.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			<-b.exited
			if code := b.ProcessState.ExitCode(); code != c.code || !strings.Contains(b.String(), "cleaned") || !strings.Contains(b.String(), "waiting until the command ends") {
				t.Errorf("dev ended with %d, want %d:\n%s", code, c.code, b)
			}
			p.within(time.Minute, "nothing is left", func() bool { return syscall.Kill(pid, 0) != nil })
		})
	}
}

// TestDev_DoesNotWaitForTasks has a worker in the middle of a long task when the command ends.
func TestDev_DoesNotWaitForTasks(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	began := filepath.Join(t.TempDir(), "began")
	p := &terminal{t, "refused.invalid"}
	code, _, problem := p.types("", "dev", "--exec", "touch "+began+"; sleep 1000", "--", "sh", "-c", self+" submit a && until [ -e "+began+" ]; do sleep 0.05; done; exit 5")
	if code != 5 || strings.Contains(problem, "a second signal") {
		t.Errorf("%d, %s", code, problem)
	}
}

func TestDev_SaysAnAddressThatCanBeReached(t *testing.T) {
	p := &terminal{t, "refused.invalid"}
	if code, out, problem := p.types("", "dev", "--listen", "0.0.0.0:0", "--", "sh", "-c", "echo $ZK_SERVERS"); code != 0 || !strings.HasPrefix(out, "127.0.0.1:") {
		t.Errorf("%d, %q, %s", code, out, problem)
	}
}
