package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// asRingmaster makes the test binary behave as the command itself, so that the
// tests run what a person runs.
const asRingmaster = "RINGMASTER_TEST_AS_RINGMASTER"

// panics makes the command panic while it runs.
const panics = "RINGMASTER_TEST_PANICS"

func TestMain(m *testing.M) {
	if os.Getenv(asRingmaster) == "1" {
		if os.Getenv(panics) == "1" {
			go panic("planted")
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// terminal is a person at a shell.
type terminal struct {
	t       *testing.T
	servers string
}

func (p *terminal) command(args ...string) *exec.Cmd {
	p.t.Helper()
	executable, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), executable, args...)
	cmd.Env = append(os.Environ(), asRingmaster+"=1", "RINGMASTER_SERVERS="+p.servers)
	return cmd
}

// types runs a command to its end.
func (p *terminal) types(in string, args ...string) (code int, out, problem string) {
	p.t.Helper()
	cmd := p.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// background is a command that runs until it is stopped.
type background struct {
	*exec.Cmd
	mu     sync.Mutex
	log    bytes.Buffer
	exited chan struct{}
}

func (b *background) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *background) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func (p *terminal) starts(args ...string) *background {
	p.t.Helper()
	return p.startsWith("4s", args...)
}

// startsWith starts a role that asks for that session timeout, or a command without that option.
func (p *terminal) startsWith(timeout string, args ...string) *background {
	p.t.Helper()
	if timeout != "" {
		args = append(args, "--session-timeout", timeout)
	}
	b := &background{Cmd: p.command(args...), exited: make(chan struct{})}
	b.Stdout, b.Stderr = b, b
	if err := b.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { defer close(b.exited); _ = b.Wait() }()
	p.t.Cleanup(func() { _ = b.Process.Kill(); <-b.exited })
	return b
}

// leaves asks a command to leave and waits for its exit code.
func (p *terminal) leaves(b *background) int {
	p.t.Helper()
	if err := b.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-b.exited:
	case <-time.After(time.Minute):
		p.t.Fatalf("it does not leave:\n%s", b)
	}
	return b.ProcessState.ExitCode()
}

func (p *terminal) status() cli.Overview {
	p.t.Helper()
	code, out, problem := p.types("", "status", "--json")
	var v cli.Overview
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil {
		p.t.Fatalf("status: %d, %v\n%s%s", code, err, out, problem)
	}
	return v
}

func (p *terminal) within(limit time.Duration, what string, condition func() bool) {
	p.t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// TestRingmaster_SurvivesAKilledMaster is what the README tells a newcomer to do, with a
// worker more: two masters, three workers, a thousand tasks, and the active master killed in
// the middle. The servers are those in memory, as there. On real ones make torture does the
// same, with judges.
func TestRingmaster_SurvivesAKilledMaster(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestRingmaster_SurvivesAKilledMaster: make test runs it, make quick does not")
	}
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	masters := map[string]*background{"m1": p.starts("master", "--name", "m1"), "m2": p.starts("master", "--name", "m2")}
	for _, name := range []string{"w1", "w2", "w3"} {
		p.starts("worker", "--name", name, "--exec", "sleep 0.3; tr a-z A-Z")
	}
	p.within(time.Minute, "a master and three workers", func() bool { v := p.status(); return v.Master != nil && len(v.Workers) == 3 })

	const tasks = 1000
	var lines strings.Builder
	for n := range tasks {
		fmt.Fprintf(&lines, "task number %d\n", n)
	}
	submitting := p.command("submit", "--lines", "--wait")
	var results bytes.Buffer
	submitting.Stdin, submitting.Stdout, submitting.Stderr = strings.NewReader(lines.String()), &results, os.Stderr
	if err := submitting.Start(); err != nil {
		t.Fatal(err)
	}
	p.within(time.Minute, "some are done", func() bool { return p.status().Tasks.Done > 50 })
	before := p.status()
	if before.Tasks.Done == tasks {
		t.Fatal("all were done before the master could be killed")
	}
	if err := masters[before.Master.Name].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := submitting.Wait(); err != nil {
		t.Fatalf("submit: %v", err)
	}
	for n := range tasks {
		if want := fmt.Sprintf("\tdone\tTASK NUMBER %d\n", n); !strings.Contains(results.String(), want) {
			t.Fatalf("no %q among the results", want)
		}
	}
	after := p.status()
	if after.Tasks.Done != tasks || after.Backlog != 0 || after.Master == nil || after.Master.Name == before.Master.Name || after.Master.Epoch != before.Master.Epoch+1 {
		t.Errorf("after: %+v, master %+v; before %+v", after, after.Master, before.Master)
	}
	if code := p.leaves(masters[after.Master.Name]); code != 0 {
		t.Errorf("the master left with %d:\n%s", code, masters[after.Master.Name])
	}
	if v := p.status(); v.Master != nil {
		t.Errorf("%+v still leads", v.Master)
	}
}

// TestRingmaster_EveryCommand goes through every command, on a real server and on the one in
// memory.
func TestRingmaster_EveryCommand(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { everyCommand(&terminal{t, zktest.Start(t).String()}) })
	t.Run("real", func(t *testing.T) {
		if testing.Short() {
			t.Skip("skipped TestRingmaster_EveryCommand on a real server: make test runs it, make quick does not")
		}
		everyCommand(&terminal{t, strings.Join(ensembletest.Start(t, 1).Addresses(), ",")})
	})
}

func everyCommand(p *terminal) {
	t := p.t
	expect := func(in string, code exit.Code, out string, args ...string) {
		t.Helper()
		got, stdout, problem := p.types(in, args...)
		if exit.Code(got) != code || !strings.Contains(stdout, out) || code != exit.Done && problem == "" {
			t.Errorf("%q: %d, want %d; printed %q and %q, want %q", args, got, code, stdout, problem, out)
		}
	}
	expect("", 0, "no master leads", "status")
	p.starts("node", "--name", "n1", "--exec", "cat", "--metrics", "127.0.0.1:0")
	node := p.starts("node", "--name", "n2", "--exec", `
		case $(cat) in
		fail) echo 'no good' >&2; exit 3;;
		long) echo half >&3; sleep 60;;
		*) echo "$RINGMASTER_TASK attempt $RINGMASTER_ATTEMPT";;
		esac`)
	p.within(time.Minute, "one leads, one works", func() bool { v := p.status(); return v.Master != nil && len(v.Workers) == 1 })
	if p.status().Master.Name == "n2" { // n2 is to work
		if code := p.leaves(node); code != 0 {
			t.Fatalf("n2 left with %d", code)
		}
		node = p.starts(node.Args[1:]...)
		p.within(time.Minute, "n1 leads, n2 works", func() bool {
			v := p.status()
			return v.Master != nil && v.Master.Name == "n1" && len(v.Workers) == 1 && v.Workers[0].Name == "n2"
		})
	}
	expect("", 0, "task-a attempt 1", "submit", "--wait", "--id", "a", "hello")
	expect("", 0, "task-a attempt 1", "submit", "--wait", "--id", "a", "again")
	expect("from a pipe", 0, "attempt 1", "submit", "--wait", "-")
	expect("", exit.NotAsAsked, "", "submit", "--wait", "--id", "bad", "--max-attempts", "2", "fail")
	expect("", 0, "no good", "tasks", "show", "task-bad")
	expect("", 0, `"reason":"exit status 3: no good"`, "tasks", "show", "--json", "task-bad")
	expect("", 0, "task-bad  failed", "tasks", "list", "--state", "failed")
	expect("", 0, "task-long", "submit", "--id", "long", "long")
	p.within(time.Minute, "it shows progress", func() bool {
		_, out, _ := p.types("", "tasks", "show", "task-long")
		return strings.Contains(out, "half")
	})
	expect("", 0, "cancelled", "cancel", "task-long")
	expect("", exit.NotAsAsked, "done", "cancel", "task-a")
	expect("", 0, "", "collect", "task-a", "task-long")
	expect("", 0, "2: 0 pending", "status")
	expect("", 0, "bash completion", "completion", "bash")

	expect("", exit.WrongUse, "", "nonsense")
	expect("", exit.WrongUse, "", "submit", "--lines", "x")
	expect("", exit.WrongUse, "", "submit", "--id", "not/valid", "x")
	expect("", exit.WrongUse, "", "submit", "--timeout", "1ms", "x")
	expect("", exit.WrongUse, "", "submit", "--not-before", "soon", "x")
	expect("", exit.WrongUse, "", "worker", "--name", "w")
	expect("", exit.WrongUse, "", "worker", "--name", "a/b", "--exec", "cat")
	expect("", exit.WrongUse, "", "master", "--strategy", "random")
	expect("", exit.WrongUse, "", "status", "--servers", "nonsense:port")
	expect("", exit.WrongUse, "", "status", "--auth-file", "/nowhere")
	expect("", exit.WrongUse, "", "status", "--tls-ca", "/nowhere")
	expect("", exit.WrongUse, "", "status", "--namespace", "relative")
	expect("", exit.NotFound, "", "tasks", "show", "nothing")
	expect("", exit.Unreachable, "", "collect", "nothing", "--servers", "127.0.0.1:1", "--connect-timeout", "2s")

	if code, _, problem := p.types("", "submit", "--max-request", "4096", strings.Repeat("x", 5000)); code == 0 || !strings.Contains(problem, "larger than the server accepts") {
		t.Errorf("a task of more than --max-request: %d, %s", code, problem)
	}

	dir := t.TempDir()
	for name, text := range map[string]string{"one": "one:secret\n", "two": "two:secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, id, _ := p.types("", "identity", "--auth-file", filepath.Join(dir, "one"))
	id = strings.TrimSpace(id)
	secured := []string{"--namespace", "/secured", "--access", fmt.Sprintf("master=%s,worker=%s,client=%s", id, id, id)}
	expect("", 0, "task-", append([]string{"submit", "x", "--auth-file", filepath.Join(dir, "one")}, secured...)...)
	expect("", exit.Refused, "", append([]string{"submit", "x", "--auth-file", filepath.Join(dir, "two")}, secured...)...)
	expect("", exit.Refused, "", append([]string{"status", "--auth-file", filepath.Join(dir, "two")}, secured...)...)
	expect("", exit.Refused, "", append([]string{"master", "--auth-file", filepath.Join(dir, "two")}, secured...)...)
	expect("", exit.Refused, "", "status", "--namespace", "/secured")

	if code := p.leaves(node); code != 0 {
		t.Errorf("n2 left with %d:\n%s", code, node)
	}
}

// TestRingmaster_NamesAnotherService gives the command the address of a web server.
func TestRingmaster_NamesAnotherService(t *testing.T) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	go func() {
		for {
			c, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_ = c.Close()
		}
	}()
	p := &terminal{t, web.Addr().String()}
	for _, args := range [][]string{{"status"}, {"submit", "x"}, {"master"}, {"worker", "--name", "w", "--exec", "cat"}} {
		code, _, problem := p.types("", args...)
		if exit.Code(code) != exit.Refused || !strings.Contains(problem, web.Addr().String()) || !strings.Contains(problem, "not a ZooKeeper server") || !strings.Contains(problem, "HTTP/1.1 400") {
			t.Errorf("%q: %d, %s", args, code, problem)
		}
	}
	for _, limit := range []string{"1", "-1", "100000000"} {
		if code, _, problem := p.types("", "status", "--max-request", limit); exit.Code(code) != exit.WrongUse || !strings.Contains(problem, limit) {
			t.Errorf("a limit of %s: %d, %s", limit, code, problem)
		}
	}
}

// TestStatus_WatchEndsWithASignal watches the status and presses Ctrl-C.
func TestStatus_WatchEndsWithASignal(t *testing.T) {
	p := &terminal{t, zktest.Start(t).String()}
	cmd := p.command("status", "--watch", "--json", "--every", "100ms")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(out)
	for range 3 {
		var v cli.Overview
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
