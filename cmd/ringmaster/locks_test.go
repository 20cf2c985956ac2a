package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// holds is a command that holds a lock until its input ends.
type holds struct {
	*background
	input io.Closer
}

// holding starts ringmaster lock with these words and cat as its command, and waits until that has
// the lock.
func (p *terminal) holding(words ...string) holds {
	p.t.Helper()
	b := &background{Cmd: p.command(append(append([]string{"lock"}, words...), "--", "sh", "-c", "echo has it; exec cat")...), exited: make(chan struct{})}
	input, err := b.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	b.Stdout, b.Stderr = b, b
	if err := b.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { defer close(b.exited); _ = b.Wait() }()
	p.within(patience, "it has the lock", func() bool { return strings.Contains(b.String(), "has it") })
	return holds{b, input}
}

// TestLock_RunsACommandThatKnowsItsToken, ends as it ends, and leaves the lock free.
func TestLock_RunsACommandThatKnowsItsToken(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String() + "/app"}
	for _, c := range []struct {
		name, out string
	}{{"a", "/app/locks/a 1\n"}, {"a", "/app/locks/a 2\n"}, {"/own/path", "/app/own/path 1\n"}} {
		code, out, problem := person.types("", "lock", c.name, "--", "sh", "-c", "echo $RINGMASTER_LOCK $RINGMASTER_TOKEN; exit 7")
		if code != 7 || out != c.out || problem != "" {
			t.Errorf("lock %s: %d, %q, %s", c.name, code, out, problem)
		}
	}
	if code, out, _ := person.types("", "locks", "a"); code != 0 || out != "the lock is free\n" {
		t.Errorf("locks a: %d, %q", code, out)
	}
	if code, out, _ := person.types("", "locks"); code != 0 || out != "no lock is held\n" {
		t.Errorf("locks: %d, %q", code, out)
	}
}

// TestLock_WaitsAndSaysForWhom: others try, give up in time, share or wait; and locks shows them.
func TestLock_WaitsAndSaysForWhom(t *testing.T) {
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	first := person.holding("a", "--name", "first")
	for words, says := range map[string]string{
		"a --timeout 0 -- true": "lock: /locks/a: the lock is held", "a --timeout 1s -- true": "lock: /locks/a: the lock was not free in time", "a --shared --timeout 0 -- true": "the lock is held",
	} {
		if code, _, problem := person.types("", append([]string{"lock"}, strings.Fields(words)...)...); code != 10 || !strings.Contains(problem, says) {
			t.Errorf("%s: %d, %s", words, code, problem)
		}
	}
	second := person.startsWith("", "lock", "a", "--name", "second", "--", "echo", "second has it")
	person.within(patience, "it says for whom it waits", func() bool { return strings.Contains(second.String(), "held_by=first waiting=1") })
	_, out, _ := person.types("", "locks", "--json")
	var shown []map[string]any
	for line := range strings.Lines(out) {
		one := map[string]any{}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, one)
	}
	if len(shown) != 2 || shown[0]["name"] != "first" || shown[0]["holds"] != true || shown[1]["name"] != "second" || shown[1]["holds"] != false || shown[1]["wants"] != "exclusive" {
		t.Errorf("locks --json: %s", out)
	}
	if _, out, _ := person.types("", "locks", "a"); !strings.Contains(out, "holds  exclusive  1      first") || !strings.Contains(out, "waits  exclusive         second") {
		t.Errorf("locks a: %s", out)
	}
	_ = first.input.Close()
	<-first.exited
	<-second.exited
	if first.ProcessState.ExitCode() != 0 || second.ProcessState.ExitCode() != 0 || !strings.Contains(second.String(), "second has it") {
		t.Errorf("first: %v, second: %v, %s", first.ProcessState, second.ProcessState, second)
	}
}

// TestLock_LostLockEndsItsCommand: the command is told to end, and the exit code says why.
func TestLock_LostLockEndsItsCommand(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	held := person.holding("a", "--session-timeout", "4s")
	session := client(t, server.String())
	line, err := session.Do(t.Context(), zkapi.Children("/locks/a"))
	if err != nil || len(line.Children) != 1 {
		t.Fatal(line.Children, err)
	}
	if _, err := session.Do(t.Context(), zkapi.Delete("/locks/a/"+line.Children[0], zkapi.AnyVersion)); err != nil {
		t.Fatal(err)
	}
	<-held.exited
	if code := held.ProcessState.ExitCode(); code != 11 || !strings.Contains(held.String(), "the lock is lost") || !strings.Contains(held.String(), "the command was ended") {
		t.Errorf("%d: %s", code, held)
	}
}

// TestLock_EndsTheCommandBeforeAnotherHoldsIt: no answer comes any more. The command gets SIGTERM
// while the lock lasts, and it is dead when another process holds the lock.
func TestLock_EndsTheCommandBeforeAnotherHoldsIt(t *testing.T) {
	server := zktest.Start(t)
	person := &terminal{t: t, servers: server.String()}
	told, pid := filepath.Join(t.TempDir(), "told"), filepath.Join(t.TempDir(), "pid")
	endless := `echo $$ >` + pid + `; trap 'echo told >>` + told + `' TERM; while :; do sleep 0.02; done`
	first := person.startsWith("", "lock", "a", "--session-timeout", "2s", "--", "sh", "-c", endless)
	person.within(patience, "it has the lock", func() bool { text, _ := os.ReadFile(pid); return len(text) > 0 })
	faults, err := serve.ParseFaults("cut a session for 8s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Inject(faults[0]); err != nil {
		t.Fatal(err)
	}
	code, out, problem := person.types("", "lock", "a", "--", "sh", "-c", "kill -0 $(cat "+pid+") && echo overlap; cat "+told)
	if code != 0 || out != "told\n" || !strings.Contains(problem, "No such process") {
		t.Errorf("the second ended with %d, %q\n%s", code, out, problem)
	}
	if code := person.ends(first); code != 11 || !strings.Contains(first.String(), "the command gets SIGTERM before the lock ends") {
		t.Errorf("the first ended with %d:\n%s", code, first)
	}
}

// TestLock_KilledKillsItsCommand: when the process that holds the lock is killed, its command ends.
// So another process cannot hold the lock while that command still runs.
func TestLock_KilledKillsItsCommand(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux binds a process to its parent")
	}
	person := &terminal{t: t, servers: zktest.Start(t).String()}
	file := filepath.Join(t.TempDir(), "pid")
	cmd := person.command("lock", "a", "--", "sh", "-c", "echo $$ > "+file+"; exec sleep 1000")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	person.within(patience, "the command runs", func() bool {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	person.within(patience, "the command is gone", func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) })
}

// zombie reports whether a process has ended, and its parent has not read its exit status yet.
func zombie(pid int) bool {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && bytes.Contains(status, []byte(") Z "))
}

// TestLock_NamesWrongUse.
func TestLock_NamesWrongUse(t *testing.T) {
	person := &terminal{t: t, servers: "127.0.0.1:1"}
	for words, says := range map[string]string{
		"a": "the command behind -- is missing", "a b -- c": "give one NAME in front of --", "-- c": "give one NAME in front of --", "a b": "put -- in front of the command",
		"a --shared --delay 1s -- c": "leave out --shared or --delay", "a --timeout -1s -- c": "--timeout -1s: give a time", "/a/ -- c": "a path ends without /", "a/b -- c": "is not the name of a lock",
	} {
		if code, _, problem := person.types("", append([]string{"lock"}, strings.Fields(words)...)...); code != 6 || !strings.Contains(problem, says) {
			t.Errorf("%s: %d, %s", words, code, problem)
		}
	}
	if code, _, problem := person.types("", "lock", "a", "--connect-timeout", "1s", "--", "true"); code != 4 || !strings.Contains(problem, "no answer from 127.0.0.1:1 within 1s") {
		t.Errorf("without servers: %d, %s", code, problem)
	}
	person.servers = zktest.Start(t).String()
	if code, _, problem := person.types("", "lock", "a", "--", "/no/such/command"); code != 127 || !strings.Contains(problem, "/no/such/command") {
		t.Errorf("no command: %d, %s", code, problem)
	}
}

// client is a session of another program.
func client(t *testing.T, servers string) zkapi.Session {
	t.Helper()
	driver, err := zkclient.New(zkclient.Config{Servers: []string{servers}, SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	session, err := driver.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close(context.WithoutCancel(t.Context())) })
	return session
}
