package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/workload"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestMain lets this program be a role in a process of its own, as torture is.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != RoleCommand {
		os.Exit(m.Run())
	}
	config, _ := strings.CutPrefix(os.Args[len(os.Args)-1], "--config=")
	if err := Role(context.Background(), config, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bedIn is a bed on the ZooKeeper in memory.
func bedIn(t *testing.T, suite string, config Config) (*bed, *bytes.Buffer) {
	t.Helper()
	server := zktest.Start(t, serve.Options{TickTime: 50 * time.Millisecond, MaxSessionTimeout: 10 * time.Second})
	connect := func(timeout time.Duration) (*zkclient.Driver, error) {
		return zkclient.New(zkclient.Config{Servers: server.Addresses(), SessionTimeout: timeout})
	}
	driver, err := connect(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := plainDriver(server.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	srvr := func(context.Context) ([]string, error) {
		conn, err := net.Dial("tcp", server.Addresses()[0])
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("srvr")); err != nil {
			return nil, err
		}
		text, err := io.ReadAll(conn)
		return []string{string(text)}, err
	}
	var out bytes.Buffer
	b := &bed{config: config, driver: driver, plain: plain, servers: server.Addresses(), idle: []int{20, 100}, lone: 30, connect: connect, srvr: srvr, out: &out, suite: suite, watchFor: time.Second}
	b.contend = contention{pairs: 5, crowds: []int{1, 3}, adders: []int{1, 2}, consumers: []int{1, 2}, window: time.Second, handovers: 3, warmUp: 10}
	measured := int64(0)
	b.footprint = func(context.Context) (f ensemble.Footprint, err error) { // of no Java
		measured++
		f.Heap, f.Snapshot = measured*4096, measured*1024
		return f, nil
	}
	b.reload = func(context.Context) (time.Duration, error) { return time.Second, nil }
	return b, &out
}

// TestSuites_Measure runs each suite with few tasks, on the ZooKeeper in memory. How fast
// something is, no test says.
func TestSuites_Measure(t *testing.T) {
	for _, suite := range Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			t.Parallel()
			b, out := bedIn(t, suite.Name, Config{Tasks: 200, Workers: 3, Larger: 300, Kills: 2, Timeout: 400 * time.Millisecond})
			if err := suite.run(t.Context(), b); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			read := readFigures(out.String(), []string{suite.Name})
			if len(b.rows) == 0 || len(read) != len(b.rows) {
				t.Errorf("%d rows, and %d can be read:\n%s", len(b.rows), len(read), out)
			}
			for _, r := range b.rows {
				if r.suite != suite.Name || r.what == "" || r.figure == "" || (r.baseline == "") != (r.ratio == 0) {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// TestCheck_NamesTheSuites: an unknown name is an error that lists the known ones.
func TestCheck_NamesTheSuites(t *testing.T) {
	if err := Check([]string{"drain", "idle"}); err != nil {
		t.Error(err)
	}
	err := Check([]string{"drain", "drian"})
	if err == nil || !strings.Contains(err.Error(), "drian") || !strings.Contains(err.Error(), "neighbour") {
		t.Errorf("%v", err)
	}
}

// TestWarm_CountsNothing: the warm-up makes what it says, in a namespace of its own, and no row.
func TestWarm_CountsNothing(t *testing.T) {
	b, out := bedIn(t, "drain", Config{WarmUp: 30, Workers: 2})
	if err := b.warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.rows) != 0 || len(readFigures(out.String(), []string{"drain"})) != 0 || !strings.Contains(out.String(), "30 creates, 30 in multis and 30 tasks") {
		t.Errorf("%+v\n%s", b.rows, out)
	}
	if err := b.with(t.Context(), func(s zkapi.Session) error {
		open, err := workload.Open(t.Context(), below{s, warmNamespace})
		if open.Items != 0 || open.Moves != 30 {
			t.Errorf("%+v", open)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	b.config.WarmUp = 0
	out.Reset()
	if err := b.warm(t.Context()); err != nil || out.Len() != 0 {
		t.Errorf("%v %s", err, out)
	}
}

// TestWarmed_NamesSuites: a suite that is renamed keeps its warm-up.
func TestWarmed_NamesSuites(t *testing.T) {
	if err := Check(warmed); err != nil {
		t.Error(err)
	}
}
