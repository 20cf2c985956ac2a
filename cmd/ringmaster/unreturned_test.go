package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// owners is a command that owns a resident task and heeds no SIGTERM. It has a child that
// has left its process group. Their ids are in files of a folder.
type owners struct {
	t   *testing.T
	dir string
}

func (o owners) command(worker string) string {
	return fmt.Sprintf(`trap '' TERM; setsid sh -c 'trap "" TERM; echo $$ >%[1]s/%[2]s.child; while :; do sleep 0.1; done' & echo $$ >%[1]s/%[2]s.owner; while :; do sleep 0.1; done`, o.dir, worker)
}

// living lists what runs of the command of a worker.
func (o owners) living(worker string) (names []string) {
	o.t.Helper()
	for _, name := range []string{"owner", "child"} {
		text, err := os.ReadFile(filepath.Join(o.dir, worker+"."+name))
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && syscall.Kill(pid, 0) == nil {
			names = append(names, name)
		}
	}
	return names
}

// TestUnreturned_EachPolicy owns a resident task by a command that does not end when it is
// told to, with each policy.
func TestUnreturned_EachPolicy(t *testing.T) {
	p := &terminal{t, zktest.Start(t).String()}
	p.starts("master", "--name", "m1")
	owned := func(t *testing.T, role, policy string, options ...string) (o owners, owner *background, task string) {
		t.Helper()
		o = owners{t, t.TempDir()}
		p := &terminal{t, p.servers}
		p.within(time.Minute, "the sessions of earlier workers have ended", func() bool { return len(p.status().Workers) == 0 })
		owner = p.starts(role, "--name", "w1", "--exec", o.command("w1"), "--drain", "0s", "--unreturned", policy)
		task = "task-" + strings.ReplaceAll(filepath.Base(t.Name()), "_", "-")
		if code, _, problem := p.types("", append(options, "submit", "--resident", "--id", strings.TrimPrefix(task, "task-"))...); code != 0 {
			t.Fatalf("submit: %d, %s", code, problem)
		}
		p.within(time.Minute, "it is owned", func() bool { return len(o.living("w1")) == 2 })
		p.starts("worker", "--name", "w2", "--exec", o.command("w2"))
		p.within(time.Minute, "there are two workers", func() bool { return len(p.status().Workers) == 2 })
		return o, owner, task
	}
	begins := func(t *testing.T, o owners) {
		(&terminal{t, p.servers}).within(20*time.Second, "the next owner begins", func() bool { return len(o.living("w2")) == 2 })
	}
	cancelled := func(t *testing.T, task string) {
		if code, _, problem := p.types("", "cancel", task); code != 0 {
			t.Errorf("cancel: %d, %s", code, problem)
		}
	}
	t.Run("wait", func(t *testing.T) {
		o, owner, task := owned(t, "worker", "wait")
		if code := p.leaves(owner); code != 0 || len(o.living("w1")) > 0 {
			t.Errorf("it left with %d; %v", code, o.living("w1"))
		}
		begins(t, o)
		if hanging := p.status().Hanging; len(hanging) > 0 {
			t.Errorf("status has %+v", hanging)
		}
		cancelled(t, task)
	})
	t.Run("abandon", func(t *testing.T) {
		o, _, task := owned(t, "worker", "abandon:500ms", "--heartbeat-timeout", "3s") // it shows no progress
		begins(t, o)
		if len(o.living("w1")) != 2 {
			t.Errorf("of the first owner there is %v, so nothing is tested here", o.living("w1"))
		}
		if hanging := p.status().Hanging; len(hanging) != 1 || hanging[0].Task != task || hanging[0].Worker != "w1" || hanging[0].Abandoned.IsZero() {
			t.Errorf("status has %+v", hanging)
		}
		for _, args := range [][]string{{"status"}, {"tasks", "show", task}} {
			if _, out, _ := p.types("", args...); !strings.Contains(out, "abandoned") || !strings.Contains(out, "may still run") {
				t.Errorf("%q:\n%s", args, out)
			}
		}
		(&terminal{t, p.servers}).within(10*time.Second, "it is killed", func() bool { return len(o.living("w1")) == 0 })
		cancelled(t, task)
	})
	t.Run("killed", func(t *testing.T) {
		o, owner, task := owned(t, "worker", "wait")
		if err := owner.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-owner.exited
		(&terminal{t, p.servers}).within(time.Second, "its commands end with it", func() bool { return len(o.living("w1")) == 0 })
		begins(t, o)
		cancelled(t, task)
	})
	for _, role := range []string{"worker", "node"} {
		t.Run("end of a "+role, func(t *testing.T) {
			o, owner, task := owned(t, role, "end:500ms")
			cancelled(t, task)
			(&terminal{t, p.servers}).within(10*time.Second, "the process ends", func() bool {
				select {
				case <-owner.exited:
					return true
				default:
					return false
				}
			})
			if code := exit.Code(owner.ProcessState.ExitCode()); code != exit.Failed || !strings.Contains(owner.String(), "this process ends itself: recipe: task "+task) {
				t.Errorf("exit code %d:\n%s", code, owner)
			}
			if left := o.living("w1"); len(left) > 0 {
				t.Errorf("the process has ended, and %v goes on", left)
			}
		})
	}
}
