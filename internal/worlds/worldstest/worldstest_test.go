package worldstest

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// anything judges nothing.
type anything struct{}

func (anything) Write(explore.Write) []explore.Violation { return nil }
func (anything) State(explore.View) []explore.Violation  { return nil }
func (anything) Goal(explore.View) bool                  { return true }
func (anything) Seen(explore.Write) []string             { return nil }

// endless is a world in which a counter is increased for ever.
func endless() *explore.World {
	tree, _, _, _ := zk.NewStructuralTree().Write(zkapi.Create("/n", nil, zkapi.Persistent), 0)
	return &explore.World{Tree: tree, Judge: anything{}, Processes: []explore.Process{{Name: "counter", Program: func(ctx context.Context, host explore.Host) {
		session, err := host.Open(ctx)
		for n := 0; err == nil; n++ {
			zkapi.Checkpoint(host, "count", session, n)
			_, err = session.Do(ctx, zkapi.Set("/n", []byte(fmt.Sprint(n)), zkapi.AnyVersion))
		}
	}}}}
}

// failing is a test that keeps what it fails with.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestWithin_FailsTheTestOfAnEndlessWorld: a world without an end stops at the bound, and
// the test says which bound it was.
func TestWithin_FailsTheTestOfAnEndlessWorld(t *testing.T) {
	test := &failing{TB: t}
	over := make(chan struct{})
	go func() {
		defer close(over)
		Within(test, endless(), 500)
		t.Error("the test goes on after the bound")
	}()
	<-over
	if want := "the world is not complete: the limit of 500 states is reached"; test.said != want {
		t.Errorf("the test fails with %q, want %q", test.said, want)
	}
}
