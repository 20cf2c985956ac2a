package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestFollowed_IsTheListOfZooKeeper: on a real server a list that is followed is that of a plain
// read, after random changes below it, and a znode that was made again is told of.
func TestFollowed_IsTheListOfZooKeeper(t *testing.T) {
	reader, writer, do := readerAndWriter(t, onOneServer(t))
	do(writer, zkapi.Create("/list", nil, zkapi.Persistent))
	random := rand.New(rand.NewPCG(1, 2))
	list := do(reader, zkapi.Children("/list").Followed(0))
	names, znodes := map[string]bool{}, map[string]int64{}
	partial := 0
	for range 300 {
		before := list.Watch
		changed := false
		for range random.IntN(8) {
			_, err := writer.Do(t.Context(), someChange(random)) // many are refused
			changed = changed || err == nil
		}
		do(reader, zkapi.Sync("/list"))
		if before.Fired() != changed {
			t.Fatalf("something has changed: %v; the watch has fired: %v", changed, before.Fired())
		}
		come := map[string]bool{}
		list = do(reader, zkapi.Children("/list").Followed(list.Cursor))
		if list.Cursor == 0 {
			t.Fatal("it is not followed")
		}
		if p := list.Partial; p != nil {
			partial++
			for _, name := range p.Gone {
				delete(names, name)
			}
			for _, name := range p.Come {
				if names[name] {
					t.Errorf("%s has come, and its znode of before is not gone", name)
				}
				names[name], come[name] = true, true
			}
		} else {
			clear(names)
			for _, name := range list.Children {
				names[name], come[name] = true, true
			}
		}
		want := do(reader, zkapi.Children("/list"))
		if s, w := list.Stat, want.Stat; s.Czxid != w.Czxid || s.Version != w.Version || s.Cversion != w.Cversion || len(names) != len(want.Children) {
			t.Fatalf("it has %v and %+v, a plain read %v and %+v", names, s, want.Children, w)
		}
		for _, name := range want.Children {
			is := do(reader, zkapi.Exists("/list/"+name)).Stat.Czxid
			if !names[name] || !come[name] && is != znodes[name] {
				t.Fatalf("%s is there, or is another znode, and no answer said so", name)
			}
			znodes[name] = is
		}
	}
	if partial < 290 {
		t.Errorf("%d of 300 answers are partial", partial)
	}
}

// someChange is a change below /list, or of it, at one of three levels.
func someChange(random *rand.Rand) zkapi.Op {
	name := fmt.Sprint("/list/", random.IntN(6))
	changes := []zkapi.Op{
		zkapi.Create(name, nil, zkapi.Persistent), zkapi.Create(name, nil, zkapi.Persistent), zkapi.Create(name, nil, zkapi.Ephemeral),
		zkapi.Delete(name, zkapi.AnyVersion), zkapi.Delete(name, zkapi.AnyVersion), zkapi.Set(name, nil, zkapi.AnyVersion),
		zkapi.Create(name+"/below", nil, zkapi.Persistent), zkapi.Delete(name+"/below", zkapi.AnyVersion), zkapi.Set("/list", nil, zkapi.AnyVersion),
		zkapi.Multi(zkapi.Delete(name, zkapi.AnyVersion), zkapi.Create(name, nil, zkapi.Persistent)),
	}
	return changes[random.IntN(len(changes))]
}

// TestFollowed_EndsOnZooKeeper: more changes than are kept end it, the server forgets its watches
// on the znode, and the next read follows it again.
func TestFollowed_EndsOnZooKeeper(t *testing.T) {
	config := onOneServer(t)
	reader, writer, do := readerAndWriter(t, config)
	do(writer, zkapi.Create("/list", nil, zkapi.Persistent))
	seen := do(reader, zkapi.Get("/list").Watched())
	list := do(reader, zkapi.Children("/list").Followed(0))
	const each, most = 500, 10000
	for from := 0; from <= most; from += each {
		var ops []zkapi.Op
		for range each / 2 {
			ops = append(ops, zkapi.Create("/list/a", nil, zkapi.Persistent), zkapi.Delete("/list/a", 0))
		}
		do(writer, zkapi.Multi(ops...))
	}
	do(reader, zkapi.Sync("/list"))
	waiting, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	driver, err := zkclient.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, watch := range []zkapi.Source{list.Watch, seen.Watch} {
		if _, err := driver.Wait(waiting, watch); err != nil {
			t.Error("a watch has not fired")
		}
	}
	next := do(reader, zkapi.Children("/list").Followed(list.Cursor))
	if next.Partial != nil || next.Cursor <= list.Cursor+most || len(next.Children) > 0 {
		t.Errorf("it goes on with %+v", next)
	}
	do(writer, zkapi.Create("/list/last", nil, zkapi.Persistent))
	do(reader, zkapi.Sync("/list"))
	if last := do(reader, zkapi.Children("/list").Followed(next.Cursor)); last.Partial == nil || len(last.Partial.Come) != 1 {
		t.Errorf("it is not followed again: %+v", last)
	}
}

// onOneServer starts one real server and says how to reach it.
func onOneServer(t *testing.T) zkclient.Config {
	t.Helper()
	e := ensembletest.StartWith(t, ensemble.Config{Servers: 1, TickTime: longTick})
	return zkclient.Config{Servers: e.Addresses(), SessionTimeout: 20 * time.Second}
}

// readerAndWriter are two sessions; do carries a request of one of them out.
func readerAndWriter(t *testing.T, config zkclient.Config) (reader, writer zkapi.Session, do func(zkapi.Session, zkapi.Op) zkapi.Result) {
	t.Helper()
	return opened(t, config), opened(t, config), func(s zkapi.Session, op zkapi.Op) zkapi.Result {
		t.Helper()
		result, err := s.Do(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}
