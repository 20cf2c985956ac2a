package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// everything gives each kind of request the same code.
func everything(code int32) map[zkapi.Kind]int32 {
	all := map[zkapi.Kind]int32{}
	for _, k := range []zkapi.Kind{zkapi.KindCreate, zkapi.KindDelete, zkapi.KindSet, zkapi.KindExists, zkapi.KindGet, zkapi.KindChildren, zkapi.KindSync, zkapi.KindMulti} {
		all[k] = code
	}
	return all
}

// TestExitCode_OfEachCase brings the command into every case that has a code of its own.
// Crash and interruption have tests of their own below.
func TestExitCode_OfEachCase(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestExitCode_OfEachCase: make test runs it, make quick does not")
	}
	t.Parallel()
	auth := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(auth, []byte("one:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	const (
		nodeExists = -110
		noAuth     = -102
		apiError   = -100
		quota      = -125
		throttled  = -127
		unheardOf  = -999
		badAuth    = -115
	)
	create, multi := map[zkapi.Kind]bool{zkapi.KindCreate: true}, map[zkapi.Kind]bool{zkapi.KindMulti: true}
	failed := map[string]string{"/tasks": "", "/tasks/task-a": "", "/tasks/task-a/status": `{"state":"failed","reason":"no good"}`}
	running := map[string]string{"/tasks": "", "/tasks/task-a": ""}
	queued := map[string]string{"/queues/q/entries": "", "/queues/q/taken": "", "/queues/q/delayed": ""}
	seen := map[exit.Code]bool{exit.Crashed: true, exit.Interrupted: true}
	for _, c := range []struct {
		want   exit.Code
		says   string
		server *fakeServer
		args   string
	}{
		{exit.Done, "no master leads", &fakeServer{}, "status"},
		{exit.Done, "task-a", &fakeServer{}, "submit --id a x"},
		{exit.Done, "one:", &fakeServer{}, "identity --auth-file " + auth},
		{exit.Done, "one:", &fakeServer{}, "identity --algorithm sha256 --auth-file " + auth},
		{exit.WrongUse, `--algorithm: digest algorithm "rot13"`, &fakeServer{}, "identity --algorithm rot13 --auth-file " + auth},
		{exit.Failed, "address already in use", &fakeServer{}, "master --metrics " + taken.Addr().String()},
		{exit.Refused, "access denied", &fakeServer{refuse: everything(noAuth)}, "tasks show task-a"},
		{exit.Refused, "access denied", &fakeServer{refuse: everything(noAuth)}, "submit x"},
		{exit.Refused, "credentials were refused", &fakeServer{auth: badAuth}, "status --auth-file " + auth},
		{exit.Refused, "credentials were refused", &fakeServer{auth: badAuth}, "worker --exec cat --auth-file " + auth},
		{exit.RefusedForNow, "refused", &fakeServer{refuse: everything(apiError)}, "tasks show task-a"},
		{exit.RefusedForNow, "refused", &fakeServer{refuse: map[zkapi.Kind]int32{zkapi.KindCreate: apiError}}, "submit x --connect-timeout 5s"},
		{exit.RefusedForNow, "QuotaExceeded, code -125", &fakeServer{refuse: map[zkapi.Kind]int32{zkapi.KindCreate: quota}}, "submit --id a x --connect-timeout 5s"},
		{exit.RefusedForNow, "QuotaExceeded, code -125", &fakeServer{nodes: failed, refuse: map[zkapi.Kind]int32{zkapi.KindMulti: quota}}, "collect task-a --connect-timeout 5s"},
		{exit.RefusedForNow, "QuotaExceeded, code -125", &fakeServer{nodes: running, refuse: map[zkapi.Kind]int32{zkapi.KindMulti: quota}}, "cancel task-a --connect-timeout 5s"},
		{exit.RefusedForNow, "ThrottledOp, code -127", &fakeServer{refuse: everything(throttled)}, "tasks show task-a --connect-timeout 6s"},
		{exit.RefusedForNow, "code -999", &fakeServer{refuse: everything(unheardOf)}, "status --connect-timeout 5s"},
		{exit.RefusedForNow, "code -999", &fakeServer{refuse: map[zkapi.Kind]int32{zkapi.KindCreate: unheardOf}}, "submit --wait x --connect-timeout 5s"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "tasks show task-a --connect-timeout 1s"},
		{exit.Unreachable, "no answer from", &fakeServer{mute: true}, "status --connect-timeout 1s"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "submit x --connect-timeout 1s"},
		{exit.Unreachable, "127.0.0.1:1: connect: connection refused", nil, "status --servers 127.0.0.1:1 --connect-timeout 500ms --log-level error"},
		{exit.InDoubt, "may or may not have been accepted", &fakeServer{cut: create}, "submit x --connect-timeout 10s"},
		{exit.InDoubt, "not known whether", &fakeServer{cut: multi}, "cancel task-a --connect-timeout 10s"},
		{exit.InDoubt, "not known whether", &fakeServer{nodes: failed, cut: multi}, "collect task-a --connect-timeout 10s"},
		{exit.WrongUse, "unknown command", nil, "nonsense"},
		{exit.WrongUse, "unknown command", nil, "tasks nonsense"},
		{exit.WrongUse, `unknown command "nonsense"`, nil, "help nonsense"},
		{exit.WrongUse, `unknown command "nonsense"`, nil, "completion nonsense"},
		{exit.Done, "Submit a task", nil, "help submit"},
		{exit.WrongUse, `--state "nonsense"`, nil, "tasks list --state nonsense"},
		{exit.WrongUse, "is not the name of a task", nil, "cancel a/b"},
		{exit.WrongUse, "--connect-timeout -1s", nil, "status --connect-timeout=-1s"},
		{exit.WrongUse, "--drain -1s", nil, "worker --exec cat --drain=-1s"},
		{exit.WrongUse, "write wait, abandon:TIME or end:TIME", nil, "worker --exec cat --unreturned never"},
		{exit.WrongUse, "write wait, abandon:TIME or end:TIME", nil, "worker --exec cat --unreturned wait:3s"},
		{exit.WrongUse, "write wait, abandon:TIME or end:TIME", nil, "worker --exec cat --unreturned abandon"},
		{exit.WrongUse, "write wait, abandon:TIME or end:TIME", nil, "node --exec cat --unreturned end:0s"},
		{exit.WrongUse, "write wait, abandon:TIME or end:TIME", nil, "node --exec cat --unreturned=end:-1s"},
		{exit.WrongUse, "--wait, too", nil, "submit --collect x"},
		{exit.WrongUse, "unknown flag: --nonsense", nil, "submit --nonsense"},
		{exit.WrongUse, "give TASK; the number of arguments was 0", nil, "tasks show"},
		{exit.WrongUse, `--max-attempts "x": give a whole number; see`, nil, "submit --max-attempts x y"},
		{exit.WrongUse, `--max-handovers "x": give a whole number; see`, nil, "master --max-handovers=x"},
		{exit.WrongUse, `--max-attempts "99999999999999999999": the number is too large; see`, nil, "master --max-attempts 99999999999999999999"},
		{exit.WrongUse, `--drain "5": give a time such as 500ms, 30s or 1h30m; see`, nil, "worker --exec cat --drain 5"},
		{exit.WrongUse, `--access "x": give NAME=VALUE,...; see`, nil, "status --access x"},
		{exit.WrongUse, `--watch "maybe": give true or false; see`, nil, "status --watch=maybe"},
		{exit.WrongUse, "not/valid", &fakeServer{}, "submit --id not/valid x"},
		{exit.WrongUse, "--exec is missing", nil, "worker"},
		{exit.WrongUse, "/nowhere", nil, "status --auth-file /nowhere"},
		{exit.WrongUse, "--metrics nonsense", nil, "master --metrics nonsense"},
		{exit.NotFound, "no such task: task-a", &fakeServer{}, "tasks show task-a"},
		{exit.NotFound, "no dead letter has this id", &fakeServer{}, "queue requeue q entry-100-0000000001"},
		{exit.InDoubt, "not known whether", &fakeServer{cut: multi}, "queue put q x --connect-timeout 5s"},
		{exit.Refused, "access denied", &fakeServer{refuse: everything(noAuth)}, "queue put q x"},
		{exit.RefusedForNow, "QuotaExceeded, code -125", &fakeServer{refuse: map[zkapi.Kind]int32{zkapi.KindMulti: quota}}, "queue put q x --connect-timeout 5s"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "queue take q --connect-timeout 1s -- true"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "lead e --connect-timeout 1s -- true"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "lock l --connect-timeout 1s -- true"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "barrier b wait --connect-timeout 1s"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "barrier b --of 2 --connect-timeout 1s -- true"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "leader e --watch --connect-timeout 1s"},
		{exit.Unreachable, "no answer from", &fakeServer{deaf: true}, "counter c --connect-timeout 1s"},
		{exit.NotAsAsked, "the queue has no free item", &fakeServer{nodes: queued}, "queue take q --timeout 0 -- true"},
		{exit.BacklogFull, "the queue is full", &fakeServer{nodes: queued, children: map[string]int32{"/queues/q/entries": 5}}, "queue put q x --bound 5"},
		{exit.NotFound, "no such task: task-a", &fakeServer{}, "cancel task-a"},
		{exit.NotFound, "no such task or worker: w1", &fakeServer{}, "explain w1"},
		{exit.BacklogFull, "backlog is full", &fakeServer{nodes: map[string]string{"/backlog": `{"epoch":1,"limit":5}`, "/assign": "", "/tasks": ""}, children: map[string]int32{"/tasks": 5}}, "submit --fail-when-full x"},
		{exit.NotAsAsked, "task-a is failed: no good", &fakeServer{nodes: failed}, "submit --wait --id a x"},
		{exit.NotAsAsked, "not finished", &fakeServer{nodes: running}, "collect task-a"},
		{exit.NotAsAsked, "failed", &fakeServer{nodes: failed, refuse: map[zkapi.Kind]int32{zkapi.KindMulti: nodeExists}}, "cancel task-a"},
	} {
		seen[c.want] = true
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			p := &terminal{t: t}
			if c.server != nil {
				p.servers = c.server.start(t)
			}
			code, out, problem := p.types("", strings.Fields(c.args)...)
			if exit.Code(code) != c.want || !strings.Contains(out+problem, c.says) {
				t.Errorf("exit code %d, want %d; printed %q and %q, want %q", code, c.want, out, problem, c.says)
			}
		})
	}
	seen[exit.Lost] = true // by TestLead_EndsTheCommandBeforeAnotherLeads
	for _, m := range exit.Table {
		if m.By != exit.Torture && !seen[m.Code] {
			t.Errorf("nothing here ends with %d: %s", m.Code, m.Says)
		}
	}
}

// TestExitCode_OfACrash: the Go runtime ends a process that panics with 2, whatever the
// command was doing, and the stack is there to be read.
func TestExitCode_OfACrash(t *testing.T) {
	p := &terminal{t: t, servers: (&fakeServer{deaf: true}).start(t)}
	for _, args := range [][]string{{"master"}, {"worker", "--exec", "cat"}, {"submit", "x"}} {
		cmd := p.command(args...)
		cmd.Env = append(cmd.Env, panics+"=1")
		printed, _ := cmd.CombinedOutput()
		code := cmd.ProcessState.ExitCode()
		if exit.Code(code) != exit.Crashed || exit.Crash(code, string(printed)) != "crashed: panic: planted" {
			t.Errorf("%q: exit code %d:\n%s", args, code, printed)
		}
	}
}

// signalsUntilItEnds sends a signal ten times a second, and returns when it sent the first.
func (p *terminal) signalsUntilItEnds(b *background) time.Time {
	p.t.Helper()
	for began := time.Now(); ; {
		if err := b.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.t.Fatal(err)
		}
		select {
		case <-b.exited:
			return began
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestExitCode_OfASignal: of a client that waits, and the second one of a role that
// leaves, if it is not just the first one again. The first one of a role is no failure.
func TestExitCode_OfASignal(t *testing.T) {
	deaf := &fakeServer{deaf: true}
	p := &terminal{t: t, servers: deaf.start(t)}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		submitting := p.starts("submit", "x", "--connect-timeout", "0")
		<-deaf.accepted
		if err := submitting.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		<-submitting.exited
		if code := exit.Code(submitting.ProcessState.ExitCode()); code != exit.Interrupted {
			t.Errorf("%v: exit code %d:\n%s", s, code, submitting)
		}
		for len(deaf.accepted) > 0 {
			<-deaf.accepted
		}
	}
	mute := &fakeServer{mute: true}
	p.servers = mute.start(t)
	node := p.starts("node", "--exec", "cat")
	<-mute.asked // a session that was granted need not have arrived
	began := p.signalsUntilItEnds(node)
	if code := exit.Code(node.ProcessState.ExitCode()); code != exit.Interrupted || !strings.Contains(node.String(), "a second signal ends the process at once") {
		t.Errorf("exit code %d:\n%s", code, node)
	}
	// GNU timeout sends a signal to the process and another one to its group.
	if took := time.Since(began); took < time.Second {
		t.Errorf("a second signal within %v has ended it", took)
	}
	leaving := &terminal{t: t, servers: (&fakeServer{}).start(t)}
	master := leaving.starts("master")
	leaving.within(time.Minute, "it has a session", func() bool { return strings.Contains(master.String(), "session=") })
	if code := exit.Code(leaving.leaves(master)); code != exit.Done {
		t.Errorf("a master that is asked to leave: exit code %d:\n%s", code, master)
	}
}
