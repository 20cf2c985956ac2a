package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	lib "github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// inFlight is how many requests are under way on one connection.
const inFlight = 64

// target is the server that is measured: one of this package or, with ZK_SERVERS set, a real
// one, for a comparison.
func target(b *testing.B) []string {
	if servers := os.Getenv("ZK_SERVERS"); servers != "" {
		return strings.Split(servers, ",")
	}
	_, address := start(b, serve.Options{})
	return []string{address}
}

// bench connects to the server that is measured, and makes room that is empty.
func bench(b *testing.B) (*lib.Conn, string) {
	c, _, err := lib.Connect(target(b), 30*time.Second, lib.WithLogger(quiet{}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	room, err := c.Create("/bench-", nil, lib.FlagSequence, lib.WorldACL(lib.PermAll))
	if err != nil {
		b.Fatal(err)
	}
	return c, room
}

// together calls do for 0 to n-1, so many at a time, and returns calls a second.
func together(b *testing.B, n, atATime int, do func(i int) error) float64 {
	next := make(chan int)
	var running sync.WaitGroup
	begin := time.Now()
	for range atATime {
		running.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	running.Wait()
	return float64(n) / time.Since(begin).Seconds()
}

// echo is the baseline: round trips a second of messages of 150 bytes through a connection of
// this machine, as many under way as in the measurement.
func echo(b *testing.B, atATime int) float64 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(c, c) // until the client closes it
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	const n, size = 20_000, 150
	under, failed := make(chan bool, atATime), make(chan error, 1)
	begin := time.Now()
	go func() {
		for range n {
			under <- true
			if _, err := c.Write(make([]byte, size)); err != nil {
				failed <- err
				return
			}
		}
	}()
	from, message := bufio.NewReader(c), make([]byte, size)
	for range n {
		if _, err := io.ReadFull(from, message); err != nil {
			b.Fatal(err)
		}
		<-under
	}
	return n / time.Since(begin).Seconds()
}

// report prints a rate, and its ratio to echoes with as many under way in the same run.
func report(b *testing.B, rate float64, atATime int) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "requests/s")
	b.ReportMetric(rate/echo(b, atATime), "of-an-echo")
}

// BenchmarkServe measures requests of 100 bytes. Each sub-benchmark is meant for one iteration:
//
//	go test -run '^$' -bench Serve -benchtime 1x ./model/zk/serve
//	ZK_SERVERS=127.0.0.1:2181 go test -run '^$' -bench Serve -benchtime 1x ./model/zk/serve
func BenchmarkServe(b *testing.B) {
	data := make([]byte, 100)
	create := func(c *lib.Conn, path string) error {
		_, err := c.Create(path, data, 0, lib.WorldACL(lib.PermAll))
		return err
	}
	spread := func(b *testing.B, c *lib.Conn, room string, n int) float64 {
		for i := range 100 {
			if err := create(c, fmt.Sprintf("%s/%d", room, i)); err != nil {
				b.Fatal(err)
			}
		}
		return together(b, n, inFlight, func(i int) error { return create(c, fmt.Sprintf("%s/%d/%d", room, i%100, i)) })
	}
	b.Run("create in 100 directories", func(b *testing.B) {
		c, room := bench(b)
		report(b, spread(b, c, room, 20_000), inFlight)
	})
	b.Run("get", func(b *testing.B) {
		c, room := bench(b)
		spread(b, c, room, 20_000)
		report(b, together(b, 20_000, inFlight, func(i int) error {
			_, _, err := c.Get(fmt.Sprintf("%s/%d/%d", room, i%100, i))
			return err
		}), inFlight)
	})
	for _, n := range []int{20_000, 50_000} {
		b.Run(fmt.Sprintf("create %d in one directory", n), func(b *testing.B) {
			c, room := bench(b)
			report(b, together(b, n, inFlight, func(i int) error { return create(c, fmt.Sprintf("%s/%d", room, i)) }), inFlight)
		})
	}
	b.Run("create one at a time", func(b *testing.B) {
		c, room := bench(b)
		report(b, together(b, 5_000, 1, func(i int) error { return create(c, fmt.Sprintf("%s/%d", room, i)) }), 1)
	})
	b.Run("a session beside 100,000 znodes", func(b *testing.B) {
		c, room := bench(b)
		spread(b, c, room, 100_000)
		servers := []string{c.Server()}
		report(b, together(b, 200, 1, func(int) error {
			session, events, err := lib.Connect(servers, 30*time.Second, lib.WithLogger(quiet{}))
			if err != nil {
				return err
			}
			for event := range events {
				if event.State == lib.StateHasSession {
					break
				}
			}
			session.Close()
			return nil
		}), 1)
	})
}

// BenchmarkServe_Data measures creates of 100 bytes at a server that keeps its state in a
// directory, against a file in the same place that grows by as many bytes and is synced after
// each. The two take turns, as the disk may have other work. It is meant for one iteration:
//
//	go test -run '^$' -bench Serve_Data -benchtime 1x ./model/zk/serve
//
// TMPDIR says on which disk the directory is.
func BenchmarkServe_Data(b *testing.B) {
	const rounds, syncs = 20, 100
	for _, c := range []struct{ n, atATime int }{{100, 1}, {2_000, inFlight}} {
		b.Run(fmt.Sprintf("create, %d in flight", c.atATime), func(b *testing.B) {
			dir := b.TempDir()
			e, err := serve.Open(dir, serve.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(e.Close)
			client := dial(b, listen(b, e))
			baseline, err := os.Create(filepath.Join(b.TempDir(), "baseline"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = baseline.Close() })
			var requests, fsyncs, each float64 // seconds for one
			for round := range rounds {
				before := size(b, dir)
				requests += 1 / together(b, c.n, c.atATime, func(i int) error {
					_, err := client.Create(fmt.Sprintf("/%d-%d", round, i), make([]byte, 100), 0, lib.WorldACL(lib.PermAll))
					return err
				}) / rounds
				each = float64(size(b, dir)-before) / float64(c.n)
				fsyncs += 1 / synced(b, baseline, syncs, int(each)) / rounds
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(1/requests, "requests/s")
			b.ReportMetric(each, "bytes/request")
			b.ReportMetric(fsyncs/requests, "of-fsyncs")
		})
	}
}

// listen lets the only server of an ensemble serve, and returns its address.
func listen(b *testing.B, e *serve.Ensemble) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = e.Members()[0].Serve(l) }() // ends with the ensemble
	return l.Addr().String()
}

// size is how many bytes the files of a directory have.
func size(b *testing.B, dir string) (bytes int64) {
	files, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			b.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}

// synced is the baseline: how many of n writes of so many bytes, each with an fsync, a file takes
// in a second.
func synced(b *testing.B, f *os.File, n, bytes int) float64 {
	begin := time.Now()
	for range n {
		if _, err := f.Write(make([]byte, bytes)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

// BenchmarkServe_Start measures how long it takes from nothing to the first session.
func BenchmarkServe_Start(b *testing.B) {
	for range b.N {
		e := serve.New(serve.Options{})
		c, events, err := lib.Connect([]string{listen(b, e)}, 10*time.Second, lib.WithLogger(quiet{}))
		if err != nil {
			b.Fatal(err)
		}
		for event := range events {
			if event.State == lib.StateHasSession {
				break
			}
		}
		b.StopTimer()
		c.Close()
		e.Close()
		b.StartTimer()
	}
}

// BenchmarkServe_Heap measures the heap that a znode of 100 bytes takes, its data with it.
func BenchmarkServe_Heap(b *testing.B) {
	const n = 100_000
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	e, address := start(b, serve.Options{})
	c := dial(b, address)
	before := heap()
	together(b, n, inFlight, func(i int) error {
		_, err := c.Create(fmt.Sprintf("/%d", i), make([]byte, 100), 0, lib.WorldACL(lib.PermAll))
		return err
	})
	b.ReportMetric(0, "ns/op")
	b.ReportMetric((heap()-before)/n, "bytes/znode")
	runtime.KeepAlive(e)
}
