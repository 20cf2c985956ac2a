package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

// dev starts the command dev on a free port, and is a person at a second terminal.
func dev(t *testing.T, args ...string) (*background, *terminal) {
	t.Helper()
	p := &terminal{t: t}
	b := p.starts(append([]string{"dev", "--listen", "127.0.0.1:0"}, args...)...)
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
		{[]string{"--members", "0"}, "--members 0: give 1 or more"},
		{[]string{"--", "no-such-command"}, "the command cannot be run"},
	} {
		if code, _, problem := p.types("", append([]string{"dev"}, c.args...)...); code != int(exit.WrongUse) || !strings.Contains(problem, c.want) {
			t.Errorf("dev %q: %d, %q, want %d and %q", c.args, code, problem, exit.WrongUse, c.want)
		}
	}
}
