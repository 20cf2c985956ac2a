package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// leads starts a process that stands for election, with a session timeout of two seconds.
func (p *terminal) leads(args ...string) *background {
	p.t.Helper()
	return p.startsWith("", append([]string{"lead", "--session-timeout", "2s"}, args...)...)
}

// ends waits for the exit code of a command.
func (p *terminal) ends(b *background) int {
	p.t.Helper()
	select {
	case <-b.exited:
	case <-time.After(time.Minute):
		p.t.Fatalf("it does not end:\n%s", b)
	}
	return b.ProcessState.ExitCode()
}

// holder is the session that holds a znode of a server; 0 if there is none.
func holder(server *zktest.Server, path string) int64 {
	for p, at := range server.Tree().All() {
		if p == path {
			return at.Stat.EphemeralOwner
		}
	}
	return 0
}

// TestLead_RunsTheCommandWhileItLeads: a script that leads, one that waits, and one that asks.
func TestLead_RunsTheCommandWhileItLeads(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	p := &terminal{t, server.String() + "/app"}
	if code, out, _ := p.types("", "leader", "scheduler"); code != int(exit.NotFound) || out != "-\t-\tno leader\n" {
		t.Errorf("no leader: %d, %q", code, out)
	}
	watching := p.startsWith("", "leader", "scheduler", "--watch")
	p.within(time.Minute, "the watch has begun", func() bool { return watching.String() != "" })
	first := p.leads("scheduler", "--name", "a", "--data", "host:1", "--", "sh", "-c", `trap 'exit 7' TERM; echo epoch $RINGMASTER_EPOCH of $RINGMASTER_ELECTION; while :; do sleep 0.05; done`)
	p.within(time.Minute, "it leads", func() bool { return strings.Contains(first.String(), "epoch 1 of /app/elections/scheduler\n") })
	second := p.leads("scheduler", "--name", "b", "--queue", "--", "sh", "-c", "echo epoch $RINGMASTER_EPOCH; exit 3")
	p.within(time.Minute, "it waits", func() bool { return strings.Contains(second.String(), "another leader leads: standing by") })
	if code, out, _ := p.types("", "leader", "scheduler"); code != 0 || out != "a\t1\thost:1\n" {
		t.Errorf("who leads: %d, %q", code, out)
	}
	if code, out, _ := p.types("", "leader", "/elections/scheduler", "--json"); code != 0 || !strings.HasPrefix(out, `{"leads":true,"name":"a","epoch":1,"data":"host:1","session":"0x`) {
		t.Errorf("in JSON: %d, %q", code, out)
	}
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ends(first); code != 7 {
		t.Errorf("the first ended with %d:\n%s", code, first)
	}
	if code := p.ends(second); code != 3 || !strings.Contains(second.String(), "epoch 2\n") {
		t.Errorf("the second ended with %d:\n%s", code, second)
	}
	if holder(server, "/app/elections/scheduler/leader") != 0 {
		t.Error("there is a leader still")
	}
	p.within(time.Minute, "all changes are told", func() bool {
		return strings.HasSuffix(watching.String(), "-\t-\tno leader\n") && strings.Contains(watching.String(), "b\t2\tb\n")
	})
	if code := p.leaves(watching); code != 0 || !strings.HasPrefix(watching.String(), "-\t-\tno leader\na\t1\thost:1\n") {
		t.Errorf("leader --watch: %d\n%s", code, watching)
	}
}

// TestLead_EndsTheCommandBeforeAnotherLeads: no answer comes any more. The command gets SIGTERM, and
// it is dead when another process leads. With --again the first process then stands for election
// again.
func TestLead_EndsTheCommandBeforeAnotherLeads(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"once": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := zktest.Start(t)
			p := &terminal{t, server.String()}
			dir := t.TempDir()
			told, pids := filepath.Join(dir, "told"), filepath.Join(dir, "pids")
			endless := `echo $$ >>` + pids + `; [ $(wc -l <` + pids + `) -gt 1 ] && exit 5; trap 'echo told >>` + told + `' TERM; while :; do sleep 0.02; done`
			args := []string{"scheduler", "--name", "a"}
			if again {
				args = append(args, "--again")
			}
			first := p.leads(append(args, "--", "sh", "-c", endless)...)
			p.within(time.Minute, "it leads", func() bool { _, err := os.Stat(pids); return err == nil })
			faults, err := serve.ParseFaults("cut a session for 8s")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Inject(faults[0]); err != nil {
				t.Fatal(err)
			}
			code, out, problem := p.types("", "lead", "scheduler", "--name", "b", "--", "sh", "-c", "kill -0 $(head -1 "+pids+") && echo overlap; cat "+told)
			if code != 0 || out != "told\n" || !strings.Contains(problem, "No such process") {
				t.Errorf("the second ended with %d, %q\n%s", code, out, problem)
			}
			want := int(exit.Lost)
			if again {
				want = 5
			}
			if code := p.ends(first); code != want {
				t.Errorf("the first ended with %d:\n%s", code, first)
			}
			if !strings.Contains(first.String(), "the command gets SIGTERM before the leadership ends") {
				t.Errorf("the log does not say why:\n%s", first)
			}
		})
	}
}

// TestLead_EndsItsCommandIfItIsKilled: SIGKILL gives it no time to do so.
func TestLead_EndsItsCommandIfItIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux a command ends with its parent")
	}
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	pid := filepath.Join(t.TempDir(), "pid")
	b := p.leads("scheduler", "--", "sh", "-c", "echo $$ >"+pid+"; while :; do sleep 0.02; done")
	p.within(time.Minute, "it leads", func() bool { text, _ := os.ReadFile(pid); return len(text) > 0 })
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(pid)
	number, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	p.within(time.Minute, "the command is dead", func() bool { return syscall.Kill(number, 0) != nil })
}

// TestLead_RefusesWrongUse: the message says what to do.
func TestLead_RefusesWrongUse(t *testing.T) {
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	for words, says := range map[string]string{
		"lead":                               "lead: the name of the election is missing",
		"lead -- true":                       "lead: the name of the election is missing",
		"lead a true":                        `lead: "true": put -- in front of the command`,
		"lead a b -- true":                   `lead: "b": give one name, and then -- and the command`,
		"lead a":                             "lead: the command behind -- is missing",
		"lead a --":                          "lead: the command behind -- is missing",
		"lead a/b -- true":                   `"a/b" is not the name of an election`,
		"lead /a/ -- true":                   `Path "/a/"`,
		"lead a --epoch-at-least -1 -- true": "--epoch-at-least -1: use 0 to",
		"leader":                             "leader: give NAME; the number of arguments was 0",
		"leader a/b":                         `"a/b" is not the name of an election`,
	} {
		if code, out, problem := p.types("", strings.Split(words, " ")...); code != int(exit.WrongUse) || out != "" || !strings.Contains(problem, says) {
			t.Errorf("%s: %d, %q, %s", words, code, out, problem)
		}
	}
	if code, _, problem := p.types("", "lead", "scheduler", "--", "no-such-command-at-all"); code != 127 {
		t.Errorf("a command that is not there: %d, %s", code, problem)
	}
}
