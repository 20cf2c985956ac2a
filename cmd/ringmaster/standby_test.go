package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// standsBy starts a member of the group billing. Its commands write to a file what they are told, and it
// returns what reads that file.
func (p *terminal) standsBy(name string, args ...string) (*background, func() string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), name)
	b := p.startsWith("", append([]string{
		"standby", "billing", "--session-timeout", "2s", "--name", name,
		"--on-active", "echo active $RINGMASTER_EPOCH of $RINGMASTER_STANDBY >>" + file,
		"--on-standby", "echo standby >>" + file,
		"--fence", "echo fence $RINGMASTER_OLD $(cat) $RINGMASTER_SAME $RINGMASTER_EPOCH >>" + file,
	}, args...)...)
	return b, func() string {
		text, _ := os.ReadFile(file) // it may not be there yet
		return strings.ReplaceAll(string(text), "\n", ";")
	}
}

// list is what failover --list prints.
func (p *terminal) list() string {
	_, out, _ := p.types("", "failover", "billing", "--list")
	return strings.ReplaceAll(strings.ReplaceAll(out, "\t", " "), "\n", ";")
}

// TestStandby_SwitchesInOrder: two processes and a person who asks for a failover. Then one is killed, and the
// other fences it.
func TestStandby_SwitchesInOrder(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	p := &terminal{t, server.String() + "/app"}
	if code, _, problem := p.types("", "failover", "billing"); code != int(exit.NotFound) {
		t.Errorf("without an active: %d, %s", code, problem)
	}
	a, seenA := p.standsBy("a", "--data", "hostA")
	p.within(time.Minute, "a is active", func() bool { return seenA() == "standby;active 1 of /app/standby/billing;" })
	if code, _, problem := p.types("", "failover", "billing", "--to", "b"); code != int(exit.NotFound) || !strings.Contains(problem, "no such candidate stands by") {
		t.Errorf("to one that is not there: %d, %s", code, problem)
	}
	b, seenB := p.standsBy("b")
	p.within(time.Minute, "b stands by", func() bool { return p.list() == "active a 1 hostA;standby b 0 ;" })
	if code, out, problem := p.types("", "failover", "billing", "--to", "b", "--timeout", "1m"); code != 0 || out != "active\tb\t3\tb\n" {
		t.Errorf("the failover: %d, %q, %s", code, out, problem)
	}
	p.within(time.Minute, "a stands by", func() bool { return p.list() == "active b 3 b;standby a 0 ;" })
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.within(time.Minute, "a is active again", func() bool {
		return strings.HasSuffix(seenA(), "of /app/standby/billing;standby;fence b b false 4;active 4 of /app/standby/billing;")
	})
	if got := seenB(); got != "standby;active 3 of /app/standby/billing;" {
		t.Errorf("b has run %q", got)
	}
	if err := a.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ends(a); code != 0 || !strings.HasSuffix(seenA(), ";standby;") {
		t.Errorf("a ended with %d after %q:\n%s", code, seenA(), a)
	}
	if holder(server, "/app/standby/billing/lock") != 0 || has(server, "/app/standby/billing/breadcrumb") {
		t.Error("the lock or the breadcrumb is left")
	}
}

// has reports whether a server has a znode.
func has(server *zktest.Server, path string) bool {
	for p := range server.Tree().All() {
		if p == path {
			return true
		}
	}
	return false
}

// TestStandby_FencesFirst: while --fence fails nothing becomes active, and --list says so.
func TestStandby_FencesFirst(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	env, err := zkclient.New(zkclient.Config{Servers: server.Addresses()})
	if err != nil {
		t.Fatal(err)
	}
	hand, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close(t.Context())
	for _, path := range []string{"/yarn-leader-election", "/yarn-leader-election/billing", "/yarn-leader-election/billing/ActiveBreadCrumb"} {
		if _, err := hand.Do(t.Context(), zkapi.Create(path, []byte("old"), zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
	}
	p := &terminal{t, server.String()}
	may := filepath.Join(t.TempDir(), "may")
	b, seen := p.standsBy("a", "--layout", "yarn", "--fence", "test -e "+may, "--fence-attempts", "100")
	p.within(time.Minute, "it fences", func() bool {
		_, out, _ := p.types("", "failover", "billing", "--layout", "yarn", "--list")
		return out == "fencing\ta\t1\ta\nunfenced\t-\t0\told\n"
	})
	if got := seen(); got != "standby;" {
		t.Errorf("it has run %q", got)
	}
	if err := os.WriteFile(may, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.within(time.Minute, "it is active", func() bool { return strings.HasSuffix(seen(), "active 1 of /yarn-leader-election/billing;") })
	if code := p.leaves(b); code != 0 {
		t.Errorf("it ended with %d:\n%s", code, b)
	}
}

// TestStandby_LeavesIfItIsNotHealthy: the other one fences it, and the exit code says that it did not become
// standby when it could not.
func TestStandby_LeavesIfItIsNotHealthy(t *testing.T) {
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	healthy, may := filepath.Join(t.TempDir(), "healthy"), filepath.Join(t.TempDir(), "may")
	for _, file := range []string{healthy, may} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, seenA := p.standsBy("a", "--health", "test -e "+healthy, "--health-interval", "50ms")
	p.within(time.Minute, "a is active", func() bool { return strings.Contains(seenA(), "active 1") })
	b, seenB := p.standsBy("b", "--on-standby", "test -e "+may, "--standby-timeout", "10s")
	p.within(time.Minute, "b stands by", func() bool { return strings.Contains(p.list(), "standby b") })
	if err := os.Remove(healthy); err != nil {
		t.Fatal(err)
	}
	p.within(time.Minute, "b is active", func() bool { return strings.HasPrefix(seenB(), "fence a a false 3;active 3") })
	if err := os.Remove(may); err != nil {
		t.Fatal(err)
	}
	if code := p.leaves(b); code != int(exit.Failed) || !strings.Contains(b.String(), "the process has not become standby") {
		t.Errorf("b ended with %d:\n%s", code, b)
	}
	if got := p.list(); got != "unfenced - 0 b;" {
		t.Errorf("left is %q", got)
	}
}

// TestStandby_RefusesWrongUse: the message says what to do.
func TestStandby_RefusesWrongUse(t *testing.T) {
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	for words, says := range map[string]string{
		"standby":   "standby: give NAME; the number of arguments was 0",
		"standby a": "is missing: give a command; true is one that does nothing",
		"standby a/b --on-active true --on-standby true --fence true":                   `"a/b" is not the name of a group`,
		"standby a --on-active true --on-standby true --fence true --layout zk":         `--layout "zk": use one of path, yarn, hdfs`,
		"standby /a --on-active true --on-standby true --fence true --layout hdfs":      "NAME is that of the cluster",
		"standby a --on-active true --on-standby true --fence true --grace -1s":         "Grace -1s: use a time that is not negative",
		"standby a --on-active true --on-standby true --fence true --fence-attempts -1": "FenceAttempts -1",
		"failover":                 "failover: give NAME; the number of arguments was 0",
		"failover a --timeout -1s": "failover: --timeout -1s: give a time that is not negative",
	} {
		if code, out, problem := p.types("", strings.Split(words, " ")...); code != int(exit.WrongUse) || out != "" || !strings.Contains(problem, says) {
			t.Errorf("%s: %d, %q, %s", words, code, out, problem)
		}
	}
}
