package torture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/election"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/lock"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/internal/queue"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// asTorture makes the test binary behave as the command itself, so that the tests
// run what a person runs; the participants inherit it.
const asTorture = "RINGMASTER_TEST_AS_TORTURE"

// panics names a verb; the process that has it panics while it runs.
const panics = "RINGMASTER_TEST_PANICS"

// tested are the recipes of the command under test.
var tested = recipes{masterworker.Subject(), bare(), election.Subject(), lock.Subject(), queue.Subject()}

// bare is a recipe that is not explored, and has no words of its own.
func bare() subject.Subject {
	return subject.Subject{
		Name: "bare", Explain: "one role that does nothing",
		Workload: subject.Workload{
			Roles: []subject.Role{{Name: "idler", Explain: "those who do nothing", Count: 1, Most: 1}},
			Play: func(ctx context.Context, _ subject.Participant) error {
				<-ctx.Done()
				return nil
			},
		},
		Judge: checker.Judging{Judge: func(*checker.Case) checker.Judgement { return checker.Judgement{} }},
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(asTorture) == "1" {
		if len(os.Args) > 1 && os.Getenv(panics) == os.Args[1] {
			go panic("planted")
		}
		Main(tested...)
		return
	}
	os.Exit(m.Run())
}

func command(t testing.TB, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(executable, args...)
	cmd.Args[0] = "torture" // the name of the program
	cmd.Env = append(os.Environ(), asTorture+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// torture runs the command and returns its exit code and what it printed.
func torture(t *testing.T, args ...string) (exit.Code, string) {
	t.Helper()
	cmd, out := command(t, args...)
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return exit.Code(cmd.ProcessState.ExitCode()), out.String()
}

// onlyRun is the one folder of a run below out.
func onlyRun(t *testing.T, out string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(out, "2*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("runs below %s: %v, %v", out, found, err)
	}
	return found[0]
}

func verdictOf(t *testing.T, dir string) checker.Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, record.VerdictFile))
	if err != nil {
		t.Fatal(err)
	}
	var r checker.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRun_NamesBadInputAndLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		env    string
		docker bool
		want   []string
	}{
		{"unknown fault", []string{"--nemesis", "earthquake"}, "", false, []string{`"earthquake"`, "kill-master"}},
		{"four servers", []string{"--servers", "4"}, "", false, []string{"--servers 4", "1, 3 or 5"}},
		{"no workers", []string{"--workers", "0", "--nodes", "1"}, "", false, []string{"--workers 0"}},
		{"no time", []string{"--time", "1ms"}, "", false, []string{"--time 1ms"}},
		{"session timeout that the servers refuse", []string{"--session-timeout", "1h"}, "", false, []string{"--session-timeout 1h", "10s"}},
		{"server faults on one server", []string{"--servers", "1", "--nemesis", "kill-server"}, "", false, []string{"kill-server", "--servers 3"}},
		{"unknown ensemble", []string{"--ensemble", "moon"}, "", false, []string{`"moon"`, "docker, external or memory"}},
		{"external without address", []string{"--ensemble", "external", "--nemesis", "kill"}, "", false, []string{"--connect"}},
		{"server faults on an external ensemble", []string{"--ensemble", "external", "--connect", "127.0.0.1:1", "--nemesis", "pause-server"}, "", false, []string{"pause-server", "external"}},
		{"nobody answers", []string{"--ensemble", "external", "--connect", "127.0.0.1:1", "--nemesis", "kill"}, "", false, []string{"127.0.0.1:1", "--connect"}},
		{"a scheme in front of a server", []string{"--ensemble", "external", "--connect", "zk://127.0.0.1:1", "--nemesis", "kill"}, "", false, []string{"--connect: ", "write 127.0.0.1:1"}},
		{"faults twice", []string{"--schedule", "faults.json", "--nemesis", "kill"}, "", false, []string{"--schedule faults.json", "leave --nemesis out"}},
		{"an empty option", []string{"--image", "", "--nemesis", "kill"}, "", false, []string{"--image is empty"}},
		{"no engine", nil, "DOCKER_HOST=unix:///nowhere/docker.sock", false, []string{"no Docker engine answers", "DOCKER_HOST"}},
		{"no such image", []string{"--image", "ringmaster/no-such-image:1"}, "", true, []string{"ringmaster/no-such-image:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.docker {
				ensembletest.NeedDocker(t)
			}
			out := filepath.Join(t.TempDir(), "results")
			cmd, printed := command(t, append([]string{"run", "--out", out}, c.args...)...)
			if c.env != "" {
				cmd.Env = append(cmd.Env, c.env)
			}
			_ = cmd.Run()
			want := exit.WrongUse
			if slices.Contains([]string{"nobody answers", "no engine", "no such image"}, c.name) {
				want = exit.NotCarriedOut
			}
			if code := exit.Code(cmd.ProcessState.ExitCode()); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			for _, want := range c.want {
				if !strings.Contains(printed.String(), want) {
					t.Errorf("%q is not in:\n%s", want, printed)
				}
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a folder was left behind")
			}
		})
	}
	t.Run("folder that cannot be written", func(t *testing.T) {
		code, printed := torture(t, "run", "--out", "/dev/null/results")
		if code != exit.WrongUse || !strings.Contains(printed, "--out /dev/null/results") {
			t.Errorf("exit code %d:\n%s", code, printed)
		}
	})
	t.Run("not a run", func(t *testing.T) {
		for _, verb := range []string{"check", "replay"} {
			if code, printed := torture(t, verb, t.TempDir()); code != exit.WrongUse || !strings.Contains(printed, "not the folder of a run") {
				t.Errorf("%s: exit code %d:\n%s", verb, code, printed)
			}
		}
	})
}

// TestRun_ThenCheckThenReplay goes from a run to its verdict, judges it again offline, and
// runs it again.
func TestRun_ThenCheckThenReplay(t *testing.T) {
	ensembletest.NeedDocker(t)
	out := t.TempDir()
	code, printed := torture(t, "run", "--seed", "5", "--time", "15s", "--nemesis", "kill-worker,expire-master,cut-worker,pause-server", "--out", out)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, printed)
	}
	if !strings.HasPrefix(printed, "seed 5\n") || !strings.Contains(printed, "VALID") {
		t.Errorf("printed:\n%s", printed)
	}
	dir := onlyRun(t, out)
	for _, name := range []string{"config.json", "history.ndjson", "wire.ndjson", "committed.ndjson", "faults.json", "manifest.json", "verdict.json", "report.html", "linearizability.html", "logs", "logs/zk1/server.log"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if target, err := os.Readlink(filepath.Join(out, "latest")); err != nil || target != filepath.Base(dir) {
		t.Errorf("latest points to %q, %v", target, err)
	}
	wireAgainstHistory(t, dir)
	first := verdictOf(t, dir)
	if first.Counts["completed"] < 100 || first.Counts["faults_effective"] < 3 || first.Seed != 5 {
		t.Errorf("counts %v", first.Counts)
	}
	fromLogs(t, first, checker.Valid, "transaction logs of 3 servers")
	if first.Counts["still_unknown"] > 0 || first.Counts["resolved_by_tree"] > 0 {
		t.Errorf("not resolved by the logs: %v", first.Counts)
	}
	if code, printed := torture(t, "check", dir); code != 0 {
		t.Errorf("check: exit code %d:\n%s", code, printed)
	}
	if again := verdictOf(t, dir); !reflect.DeepEqual(first, again) {
		t.Errorf("judged again:\n%+v\nfirst:\n%+v", again, first)
	}
	planned, err := nemesis.Load(filepath.Join(dir, "faults.json"))
	if err != nil {
		t.Fatal(err)
	}
	repeat(t, dir, planned)
}

// fromLogs looks whether the properties that need the servers' logs were judged, and
// what the report says of the evidence.
func fromLogs(t *testing.T, r checker.Report, want checker.Verdict, says string) {
	t.Helper()
	for _, p := range r.Properties {
		if (p.Name == "WritesAccounted" || p.Name == "ServersAgree") && p.Verdict != want {
			t.Errorf("%s is %s, want %s: %s", p.Name, p.Verdict, want, p.Reason)
		}
	}
	if !strings.Contains(r.Evidence, says) {
		t.Errorf("%q is not in: %s", says, r.Evidence)
	}
}

// repeat replays a run and compares the schedules.
func repeat(t *testing.T, dir string, planned []nemesis.Record) {
	t.Helper()
	code, printed := torture(t, "replay", dir)
	if code != 0 {
		t.Fatalf("replay: exit code %d:\n%s", code, printed)
	}
	replayed, err := nemesis.Load(filepath.Join(filepath.Dir(dir), "latest", "faults.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(nemesis.Schedule(planned), nemesis.Schedule(replayed)) {
		t.Errorf("another schedule:\n%+v\nplanned:\n%+v", nemesis.Schedule(replayed), nemesis.Schedule(planned))
	}
}

// TestRun_HealsSavesAndCleansUpAfterASignal sends the signal of Ctrl-C during the load.
func TestRun_HealsSavesAndCleansUpAfterASignal(t *testing.T) {
	ensembletest.NeedDocker(t)
	out := t.TempDir()
	cmd, printed := command(t, "run", "--seed", "3", "--time", "10m", "--nemesis", "stop,cut,pause-server", "--out", out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	loading := func() bool {
		found, _ := filepath.Glob(filepath.Join(out, "2*", "journals", "client-1-1.ndjson"))
		return len(found) == 1
	}
	for !loading() {
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(4 * time.Second) // some tasks
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := exit.Code(cmd.ProcessState.ExitCode()); code != exit.Interrupted || !strings.Contains(printed.String(), "a signal ended the run early") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	dir := onlyRun(t, out)
	if code, printed := torture(t, "check", dir); code != exit.Done && code != exit.Unknown && code != exit.Vacuous {
		t.Errorf("what was saved cannot be judged, exit code %d:\n%s", code, printed)
	}
	if r := verdictOf(t, dir); r.Counts["completed"] == 0 {
		t.Errorf("nothing was saved: %v", r.Counts)
	}
	left, err := exec.Command("pgrep", "-f", fmt.Sprintf("participant --owner=%d_", cmd.Process.Pid)).Output()
	if err == nil {
		t.Errorf("participants are left: %s", left)
	}
	if n, err := ensemble.RemoveLeftovers(t.Context()); n > 0 || err != nil {
		t.Errorf("%d containers, networks and volumes were left, %v", n, err)
	}
}

// TestEnsemble_ServesUntilASignal runs servers for a person, uses them as
// the printed line says, and ends them.
func TestEnsemble_ServesUntilASignal(t *testing.T) {
	ensembletest.NeedDocker(t)
	cmd, _ := command(t, "ensemble")
	cmd.Stdout = nil
	printed, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	servers := ""
	for lines := bufio.NewScanner(printed); servers == "" && lines.Scan(); {
		_, servers, _ = strings.Cut(lines.Text(), "export RINGMASTER_SERVERS=")
	}
	env, err := zkclient.New(zkclient.Config{Servers: strings.Split(servers, ","), SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	session, err := env.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, printed)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if n, err := ensemble.RemoveLeftovers(t.Context()); n > 0 || err != nil {
		t.Errorf("%d containers, networks and volumes were left, %v", n, err)
	}
}

// TestRun_OnAnExternalEnsemble runs against an ensemble that the command did not start and
// must leave as it was.
func TestRun_OnAnExternalEnsemble(t *testing.T) {
	e := ensembletest.Start(t, 1)
	out := t.TempDir()
	code, printed := torture(t, "run", "--seed", "4", "--time", "10s", "--ensemble", "external",
		"--connect", strings.Join(e.Addresses(), ","), "--nemesis", "kill-worker,cut-worker,expire-worker", "--out", out)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, printed)
	}
	fromLogs(t, verdictOf(t, onlyRun(t, out)), checker.Skipped, "the weaker one: the ensemble is external")
	driver, err := zkclient.New(zkclient.Config{Servers: e.Addresses()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	session, err := driver.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(ctx)
	if root, err := session.Do(ctx, zkapi.Children("/")); err != nil || !reflect.DeepEqual(root.Children, []string{"zookeeper"}) {
		t.Errorf("left in the tree: %q, %v", root.Children, err)
	}
}

func TestFaults_ListsEachKindWithItsProof(t *testing.T) {
	code, printed := torture(t, "faults")
	printed = strings.Join(strings.Fields(printed), " ") // lines are wrapped
	for _, e := range nemesis.Catalogue {
		if !strings.Contains(printed, string(e.Kind)) || !strings.Contains(printed, e.Probe) {
			t.Errorf("torture faults does not explain %s", e.Kind)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}
