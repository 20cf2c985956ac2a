package integration

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestKazoo_Queue: kazoo's LockingQueue and ours share a queue. None of them gets an item that the other
// holds, and each reads what the other puts.
func TestKazoo_Queue(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name())
	}
	otherClient{name: "kazoo_queue", needs: kazoo}.installed(t)
	servers := zktest.Start(t).String()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	theirs := func(words ...string) string {
		t.Helper()
		command := python("kazoo_queue")(ctx, t)
		command.Args = append(command.Args, words...)
		command.Env = append(command.Environ(), "ZK_SERVERS="+servers)
		out, err := command.Output()
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%v: %s", words, failed.Stderr)
		}
		return strings.Join(strings.Split(strings.TrimSpace(string(out)), "\n"), ", ")
	}
	driver, err := zkclient.New(zkclient.Config{Servers: []string{servers}, SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.New(driver, "/queues/mail", queue.Config{Name: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close(context.WithoutCancel(ctx)) }()

	theirs("put:100:second", "put:100:third", "put:5:first")
	taken, err := q.TryTake(ctx)
	if err != nil || string(taken.Payload()) != "first" {
		t.Fatalf("ours: %v, %v", taken, err)
	}
	if got := theirs("get", "release", "get", "consume"); got != "got second, released True, got second, consumed True" {
		t.Errorf("theirs: %s", got)
	}
	if err := taken.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Put(ctx, []byte("ours"), queue.Priority(1)); err != nil {
		t.Fatal(err)
	}
	if got := theirs("get", "consume", "get", "consume", "get", "consume", "get"); got != "got ours, consumed True, got first, consumed True, got third, consumed True, got nothing" {
		t.Errorf("theirs: %s", got)
	}
	if _, err := q.TryTake(ctx); !errors.Is(err, queue.ErrEmpty) {
		t.Errorf("ours: %v", err)
	}
}
