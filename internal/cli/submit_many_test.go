package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// group is a server, and a master and a worker on it when they are started.
type group struct {
	*zktest.Server
	t    *testing.T
	env  *zkclient.Driver
	ctx  context.Context
	work sync.WaitGroup
}

func newGroup(t *testing.T) *group {
	g := &group{t: t, Server: zktest.Start(t)}
	var err error
	if g.env, err = zkclient.New(zkclient.Config{Servers: g.Addresses()}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	g.ctx = ctx
	t.Cleanup(func() { stop(); g.work.Wait() })
	return g
}

func (g *group) master(config recipe.MasterConfig) {
	config.Name = "m1"
	m, err := recipe.NewMaster(g.env, config)
	if err != nil {
		g.t.Fatal(err)
	}
	g.work.Go(func() { _ = m.Run(g.ctx) })
}

func (g *group) worker() {
	w, err := recipe.NewWorker(g.env, recipe.WorkerConfig{
		Name: "w1", Concurrency: 64, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result(strings.ToUpper(string(task.Payload))), nil
		},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.work.Go(func() { _ = w.Run(g.ctx) })
}

func (g *group) options() *Options {
	return &Options{Servers: g.Addresses(), SessionTimeout: 10 * time.Second, ConnectTimeout: 10 * time.Second, LogLevel: "error"}
}

// TestSubmit_ManyLines: each result is printed once, in the order of the lines, and then its
// task is collected.
func TestSubmit_ManyLines(t *testing.T) {
	g := newGroup(t)
	g.master(recipe.MasterConfig{})
	g.worker()
	const n = 1500
	var in, out, problems bytes.Buffer
	for i := range n {
		fmt.Fprintf(&in, "id.%04d\tpayload %d\n", i, i)
	}
	s := Submission{Lines: true, IDs: true, Numbers: true, Wait: true, Collect: true}
	if err := s.Run(t.Context(), g.options(), Streams{&in, &out, &problems}, nil); err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	i := 0
	for line := range strings.Lines(out.String()) {
		if want := fmt.Sprintf("%d\ttask-id.%04d\tdone\tPAYLOAD %d\n", i+1, i, i); line != want {
			t.Fatalf("%q, want %q", line, want)
		}
		i++
	}
	tasks, err := g.Tree().Node("/tasks")
	if err != nil || len(tasks.Children()) != 0 || i != n {
		t.Errorf("%d results; %v, %v are left", i, err, tasks.Children())
	}
}

// TestSubmit_LinesAreAStream: the result of a line is there before the next line has come.
func TestSubmit_LinesAreAStream(t *testing.T) {
	g := newGroup(t)
	g.master(recipe.MasterConfig{})
	g.worker()
	in, type1 := io.Pipe()
	read, out := io.Pipe()
	var problems bytes.Buffer
	s := Submission{Lines: true, Wait: true}
	g.work.Go(func() {
		err := s.Run(t.Context(), g.options(), Streams{in, out, &problems}, nil)
		_ = out.CloseWithError(err)
	})
	results := bufio.NewReader(read)
	for i := range 5 {
		fmt.Fprintf(type1, "line %d\n", i)
		if line, err := results.ReadString('\n'); err != nil || !strings.HasSuffix(line, fmt.Sprintf("\tdone\tLINE %d\n", i)) {
			t.Fatalf("%q, %v, %s", line, err, problems.String())
		}
	}
	_ = type1.Close()
	if rest, err := io.ReadAll(results); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestSubmit_LinesWaitForRoom in the backlog for as long as it takes, and none is lost or
// submitted twice.
func TestSubmit_LinesWaitForRoom(t *testing.T) {
	g := newGroup(t)
	g.master(recipe.MasterConfig{MaxBacklog: 5})
	for record := ""; record == ""; {
		if node, err := g.Tree().Node("/backlog"); err == nil {
			record = string(node.Data)
		}
	}
	full := time.AfterFunc(3*time.Second, g.worker)
	defer full.Stop()
	o := g.options()
	o.ConnectTimeout = time.Second
	var out, problems bytes.Buffer
	s := Submission{Lines: true, Wait: true}
	in := strings.NewReader(strings.Repeat("x\n", 40))
	if err := s.Run(t.Context(), o, Streams{in, &out, &problems}, nil); err != nil {
		t.Errorf("%v: %s", err, problems.String())
	}
	tasks, err := g.Tree().Node("/tasks")
	if got := strings.Count(out.String(), "\tdone\tX\n"); got != 40 || err != nil || len(tasks.Children()) != 40 {
		t.Errorf("%d results; %v, %d tasks", got, err, len(tasks.Children()))
	}
}

// TestSubmit_LinesWithoutAnAnswer: each line is told, with its number.
func TestSubmit_LinesWithoutAnAnswer(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	o := &Options{Servers: []string{deaf.Addr().String()}, SessionTimeout: 10 * time.Second, ConnectTimeout: 200 * time.Millisecond, LogLevel: "error"}
	var out, problems bytes.Buffer
	s := Submission{Lines: true}
	err = s.Run(t.Context(), o, Streams{strings.NewReader("a\nb\nc\n"), &out, &problems}, nil)
	if ExitCode(err) != exit.Unreachable || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	for n, payload := range []string{"a", "b", "c"} {
		if want := fmt.Sprintf("line %d %q: no answer from", n+1, payload); !strings.Contains(problems.String(), want) {
			t.Errorf("%q is missing in %s", want, problems.String())
		}
	}
}
