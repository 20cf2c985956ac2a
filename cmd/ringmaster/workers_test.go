package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
)

// TestWorkers_PruneRemovesNamesThatCanBeUsedAgain: on a server, by the command. A worker that runs keeps
// its name; one that has left loses it, and comes again under it.
func TestWorkers_PruneRemovesNamesThatCanBeUsedAgain(t *testing.T) {
	t.Parallel()
	p := &terminal{t, zktest.Start(t).String()}
	p.starts("master", "--name", "m1")
	registered := func(names ...string) func() bool {
		return func() bool {
			v := p.status()
			return v.Master != nil && len(v.Workers) == len(names)
		}
	}
	stays := p.starts("worker", "--name", "stays", "--exec", "cat")
	leaves := p.starts("worker", "--name", "leaves", "--exec", "cat")
	p.within(time.Minute, "both are registered", registered("stays", "leaves"))
	if code := p.leaves(leaves); code != 0 {
		t.Fatalf("it left with %d:\n%s", code, leaves)
	}
	p.within(time.Minute, "one is registered", registered("stays"))
	if code, out, problem := p.types("", "workers", "prune"); code != 0 || out != "leaves\tremoved\n" || problem != "" {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	if code, out, problem := p.types("", "workers", "prune", "--json", "leaves", "stays"); code != 0 ||
		out != `{"worker":"leaves","removed":false,"kept":"there is no such worker"}`+"\n"+`{"worker":"stays","removed":false,"kept":"it is alive"}`+"\n" {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
	p.starts("worker", "--name", "leaves", "--exec", "cat")
	p.within(time.Minute, "both are registered again", registered("stays", "leaves"))
	if code := p.leaves(stays); code != 0 {
		t.Fatalf("it left with %d:\n%s", code, stays)
	}
	if code, out, problem := p.types("", "submit", "--wait", "hello"); code != 0 || !strings.Contains(out, "hello") {
		t.Errorf("exit code %d\n%s%s", code, out, problem)
	}
}
