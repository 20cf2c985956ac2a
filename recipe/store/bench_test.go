package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// benchRecords is how many records a load has.
const benchRecords = 100_000

// BenchmarkLoad has a new active load 100,000 records of 100 bytes, in one folder and with split ids. The baseline
// is the same znodes, listed and read by one DoAll of a plain session, the two in turn. Servers of others are named
// by ZK_SERVERS:
//
//	ZK_SERVERS=127.0.0.1:2181 go test -run '^$' -bench Load -benchtime 1x ./recipe/store
func BenchmarkLoad(b *testing.B) {
	servers := strings.Split(os.Getenv("ZK_SERVERS"), ",")
	if servers[0] == "" {
		servers = []string{zktest.Start(b).String()}
	}
	env, err := zkclient.New(zkclient.Config{Servers: servers, SessionTimeout: 30 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	for _, split := range []int{0, 2} {
		b.Run(fmt.Sprintf("split %d", split), func(b *testing.B) { benchLoad(b, env, split) })
	}
}

func benchLoad(b *testing.B, env zkapi.Env, split int) {
	ctx := b.Context()
	session, err := env.Open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close(context.Background())
	root := "/bench-" + env.Unique()
	open := func() *store.ZooKeeper {
		z, err := store.Open(ctx, env, plain{session}, store.Config{Layout: store.Layout{Root: root, Types: []store.Type{{Name: "apps", Split: split}}}})
		if err != nil {
			b.Fatal(err)
		}
		return z
	}
	fill(b, open())
	var loads, plains, writes time.Duration
	for round := range b.N + 1 { // the first one warms up
		began := time.Now()
		z := open()
		opened := time.Since(began)
		all, err := z.Load(ctx)
		took := time.Since(began)
		if err != nil || len(all) != benchRecords {
			b.Fatalf("%d records, %v", len(all), err)
		}
		_ = z.Close(ctx) // the figures are taken
		began = time.Now()
		readPlain(b, session, root, split)
		loads, plains, writes = loads+took, plains+time.Since(began), writes+opened
		if round == 0 {
			loads, plains, writes = 0, 0, 0
		}
	}
	b.ReportMetric(loads.Seconds()/float64(b.N), "s/load")
	b.ReportMetric(writes.Seconds()/float64(b.N), "s/open")
	b.ReportMetric(plains.Seconds()/float64(b.N), "s/plain")
	b.ReportMetric(loads.Seconds()/plains.Seconds(), "ratio")
}

// fill makes the records.
func fill(b *testing.B, z *store.ZooKeeper) {
	const batch = 500
	began := time.Now()
	for i := 0; i < benchRecords; i += batch {
		var changes []store.Change
		for n := range batch {
			changes = append(changes, store.Create(fmt.Sprintf("apps/application_1_%06d", i+n), bytes.Repeat([]byte("x"), 100)))
		}
		if _, err := z.Apply(b.Context(), changes...); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d records were made in %v", benchRecords, time.Since(began))
	_ = z.Close(b.Context()) // the session goes with the test
}

// readPlain reads the znodes of the records as a program does that knows where they are.
func readPlain(b *testing.B, session zkapi.Session, root string, split int) {
	folders := []string{root + "/apps"}
	if split > 0 {
		top := fmt.Sprintf("%s/apps/HIERARCHIES/%d", root, split)
		listed, err := session.Do(b.Context(), zkapi.Children(top))
		if err != nil {
			b.Fatal(err)
		}
		folders = nil
		for _, head := range listed.Children {
			folders = append(folders, top+"/"+head)
		}
	}
	var lists, gets []zkapi.Op
	for _, f := range folders {
		lists = append(lists, zkapi.Children(f))
	}
	for i, reply := range session.DoAll(b.Context(), lists) {
		for _, name := range reply.Children {
			gets = append(gets, zkapi.Get(folders[i]+"/"+name))
		}
	}
	if len(gets) != benchRecords {
		b.Fatalf("%d znodes", len(gets))
	}
	for _, reply := range session.DoAll(b.Context(), gets) {
		if reply.Err != nil || len(reply.Data) != 100 {
			b.Fatalf("%d bytes, %v", len(reply.Data), reply.Err)
		}
	}
}
