package explore

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestTurns_ThreadsMeetAtALockInAnyOrder: when the process is asked to leave, three threads want
// one lock. Without turns the order is always the same. The last two steps are one, because
// there is no choice any more.
func TestTurns_ThreadsMeetAtALockInAnyOrder(t *testing.T) {
	program := func(ctx context.Context, host Host) {
		var shared struct {
			mu   sync.Mutex
			text string
		}
		zkapi.DependsOn(host, &shared)
		for _, name := range []string{"a", "b", "c"} {
			host.Spawn(name, func() {
				zkapi.DependsOn(host, &shared)
				zkapi.Checkpoint(host, "wait")
				_, _ = host.Wait(ctx, host.Leave())
				shared.mu.Lock()
				shared.text += name
				host.Note("said", shared.text)
				shared.mu.Unlock()
			})
		}
		zkapi.Checkpoint(host, "rest")
		_, _ = host.Wait(ctx, host.Signal())
	}
	for turns, want := range map[bool][]string{
		false: {"abc "},
		true:  {"a ", "abc ", "acb ", "b ", "bac ", "bca ", "c ", "cab ", "cba "},
	} {
		w := lone(1, Bounds{Leaves: 1}, program)
		w.Turns, w.Processes[0].Leaves = turns, true
		if got := said(t, w); !slices.Equal(got, want) {
			t.Errorf("turns %v: %q, want %q", turns, got, want)
		}
	}
}

// TestTurns_ARefusedThreadLetsOthersGo: a thread asks an ended session again and again, until
// another thread has ended its context.
func TestTurns_ARefusedThreadLetsOthersGo(t *testing.T) {
	w := lone(1, Bounds{Expiries: 1}, func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		inner, cancel := context.WithCancel(ctx)
		zkapi.DependsOn(host, session)
		asking := host.Spawn("ask", func() {
			for inner.Err() == nil {
				zkapi.Checkpoint(host, "ask", session)
				if _, err := session.Do(inner, zkapi.Exists("/x")); err == nil {
					return
				}
			}
			host.Note("said", "ended")
		})
		host.Spawn("guard", func() {
			zkapi.Checkpoint(host, "guard", session)
			_, _ = host.Wait(ctx, session.Done(), asking)
			cancel()
		})
		zkapi.Checkpoint(host, "rest", session)
		_, _ = host.Wait(ctx, asking)
	})
	w.Turns = true
	if got := said(t, w); !slices.Contains(got, "ended ") {
		t.Errorf("the thread does not end: %q", got)
	}
}
