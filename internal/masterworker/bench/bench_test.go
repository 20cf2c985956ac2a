package bench

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// bedIn is a bed on the ZooKeeper in memory.
func bedIn(t *testing.T, suite string, config Config) (*bed, *bytes.Buffer) {
	t.Helper()
	server := zktest.Start(t)
	connect := func(timeout time.Duration) (*zkclient.Driver, error) {
		return zkclient.New(zkclient.Config{Servers: server.Addresses(), SessionTimeout: timeout})
	}
	driver, err := connect(10 * time.Second)
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
	b := &bed{config: config, driver: driver, connect: connect, srvr: srvr, out: &out, suite: suite, watchFor: time.Second}
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
			b, out := bedIn(t, suite.Name, Config{Tasks: 200, Workers: 2})
			if err := suite.run(t.Context(), b); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if len(b.rows) == 0 || strings.Count(out.String(), "\n") != len(b.rows) {
				t.Errorf("%d rows:\n%s", len(b.rows), out)
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
