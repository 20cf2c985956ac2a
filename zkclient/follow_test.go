package zkclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	inmemory "github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// cuts is a network to an ensemble in memory, whose latest connection can be cut.
type cuts struct {
	observed
	at   sync.Mutex
	last net.Conn
}

func (c *cuts) cut() {
	c.at.Lock()
	defer c.at.Unlock()
	_ = c.last.Close()
}

func (c *cuts) dial(e *inmemory.Ensemble) func(context.Context, string, string) (net.Conn, error) {
	dial := c.observed.dial(e)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			c.at.Lock()
			c.last = conn
			c.at.Unlock()
		}
		return conn, err
	}
}

// follower keeps a list by followed reads, with the znode that each name stood for.
type follower struct {
	session zkapi.Session
	cursor  int64
	znodes  map[string]zkapi.Stat // by name, as compare saw it last; zero for one that has come since
	told    map[string]bool       // names and paths that have changed, as the answers since compare have it
	stat    zkapi.Stat
	watch   zkapi.Source
	whole   int
	partial int
}

// read reads until there is a connection.
func (f *follower) read(t *testing.T) {
	t.Helper()
	result, err := f.session.Do(t.Context(), zkapi.Children("/list").Followed(f.cursor))
	for ; errors.Is(err, zkapi.ErrConnectionLoss); result, err = f.session.Do(t.Context(), zkapi.Children("/list").Followed(f.cursor)) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Error(err)
		return
	}
	if result.Cursor == 0 || result.Watch == nil {
		t.Errorf("the answer %+v has no cursor or no watch", result)
		return
	}
	f.cursor, f.watch, f.stat = result.Cursor, result.Watch, result.Stat
	if result.Partial == nil {
		f.whole++
		f.znodes = map[string]zkapi.Stat{}
		for _, name := range result.Children {
			f.znodes[name] = zkapi.Stat{}
		}
		return
	}
	f.partial++
	f.take(t, *result.Partial)
}

func (f *follower) take(t *testing.T, p zkapi.Partial) {
	t.Helper()
	for _, names := range [][]string{p.Gone, p.Come, p.Changed, p.Below} {
		if !slices.IsSorted(names) {
			t.Errorf("%v is not sorted", names)
		}
	}
	for _, name := range p.Gone {
		delete(f.znodes, name)
	}
	for _, name := range p.Come {
		if _, old := f.znodes[name]; old {
			t.Errorf("%s has come, and its znode of before is not gone", name)
		}
		f.znodes[name] = zkapi.Stat{}
	}
	for _, name := range slices.Concat(p.Changed, p.Below) {
		f.told[name] = slices.Contains(p.Changed, name) || slices.Contains(p.Made, name)
	}
}

// compare holds the list against plain reads on the same session, while nothing moves, and
// remembers which znodes there are.
func (f *follower) compare(t *testing.T) {
	t.Helper()
	want, err := f.session.Do(t.Context(), zkapi.Children("/list"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for name := range f.znodes {
		have = append(have, name)
	}
	if slices.Sort(have); !slices.Equal(have, want.Children) {
		t.Errorf("the list is %v, not %v", have, want.Children)
	}
	if is, be := f.stat, want.Stat; is.Czxid != be.Czxid || is.Version != be.Version || is.Cversion != be.Cversion || is.EphemeralOwner != be.EphemeralOwner {
		t.Errorf("its Stat is %+v, not %+v", is, be)
	}
	for _, name := range want.Children {
		got, err := f.session.Do(t.Context(), zkapi.Get("/list/"+name))
		if err != nil {
			t.Fatal(err)
		}
		known, has := f.znodes[name]
		made, below := f.told[name+"/below"]
		switch {
		case known == zkapi.Stat{}: // it has come since
		case known.Czxid != got.Stat.Czxid:
			t.Errorf("%s is another znode, and no answer said so", name)
		case known.Version != got.Stat.Version && !f.told[name]:
			t.Errorf("the data of %s was set, and no answer said so", name)
		case known.Cversion != got.Stat.Cversion && !below:
			t.Errorf("something has changed below %s, and no answer said so", name)
		case below && made != (got.Stat.NumChildren > 0):
			t.Errorf("below %s there are %d znodes, and the answers say that one was made: %v", name, got.Stat.NumChildren, made)
		}
		if has {
			f.znodes[name] = got.Stat
		}
	}
	f.told = map[string]bool{}
}

// someChange is a change at one of three levels, mostly of the children of /list.
func someChange(random *rand.Rand) zkapi.Op {
	name := fmt.Sprintf("/list/%d", random.IntN(6))
	switch n := random.IntN(100); {
	case n < 40:
		return zkapi.Create(name, nil, zkapi.Persistent)
	case n < 65:
		return zkapi.Delete(name, zkapi.AnyVersion)
	case n < 80:
		return zkapi.Set(name, []byte("x"), zkapi.AnyVersion)
	case n < 85:
		return zkapi.Create(name+"/below", nil, zkapi.Persistent)
	case n < 90:
		return zkapi.Delete(name+"/below", zkapi.AnyVersion)
	case n < 93:
		return zkapi.Multi(zkapi.Create(name, nil, zkapi.Persistent), zkapi.Delete(name, zkapi.AnyVersion))
	case n < 96:
		return zkapi.Multi(zkapi.Delete(name, zkapi.AnyVersion), zkapi.Create(name, nil, zkapi.Persistent))
	case n < 98:
		return zkapi.Set("/list", []byte("x"), zkapi.AnyVersion)
	}
	return zkapi.Create("/elsewhere-", nil, zkapi.PersistentSequential)
}

// hammer makes random changes by a writer, and follows the list meanwhile. Now and then
// nothing moves, and the list is held against plain reads. disturb is called in between.
func hammer(t *testing.T, random *rand.Rand, writer, reader zkapi.Session, rounds int, disturb func(round int)) *follower {
	t.Helper()
	f := &follower{session: reader, told: map[string]bool{}}
	for round := range rounds {
		over := make(chan struct{})
		seed := random.Uint64()
		go func() {
			defer close(over)
			random := rand.New(rand.NewPCG(seed, 0))
			for range random.IntN(12) {
				_, _ = writer.Do(t.Context(), someChange(random)) // many are refused
			}
		}()
		for range random.IntN(4) {
			f.read(t)
		}
		disturb(round)
		for range random.IntN(3) {
			f.read(t)
		}
		<-over
		synced(t, reader)
		f.read(t)
		f.compare(t)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	return f
}

// synced syncs as soon as there is a connection.
func synced(t *testing.T, s zkapi.Session) {
	t.Helper()
	for {
		_, err := s.Do(t.Context(), zkapi.Sync("/"))
		if err == nil || s.Done().Fired() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestFollowed_IsTheListOfTheServer makes random changes below a znode, among them cut
// connections and stopped servers, and follows its list.
func TestFollowed_IsTheListOfTheServer(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			e := inmemory.New(inmemory.Options{Members: 3})
			t.Cleanup(e.Close)
			var net, other cuts
			config := Config{Servers: []string{"member-1:1", "member-2:1", "member-3:1"}, SessionTimeout: 30 * time.Second, Dial: net.dial(e)}
			reader := open(t, config)
			config.Dial = other.dial(e)
			writer := open(t, config)
			must(t, writer, zkapi.Create("/list", nil, zkapi.Persistent))
			f := hammer(t, random, writer, reader, 400, func(round int) {
				switch m := e.Members()[random.IntN(3)]; {
				case round%10 == 3:
					net.cut()
				case round%100 == 50:
					m.Stop()
					m.Start()
				}
			})
			if f.whole < 30 || f.partial < 300 {
				t.Errorf("%d whole lists and %d partial ones: nothing was tried", f.whole, f.partial)
			}

		})
	}
}

// TestFollowed_WatchFiresAtEachChange: also when the data of a child is set, and when the
// connection is lost.
func TestFollowed_WatchFiresAtEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := inmemory.New(inmemory.Options{})
		t.Cleanup(e.Close)
		var net cuts
		s := open(t, Config{Servers: []string{"member-1:1"}, SessionTimeout: 30 * time.Second, Dial: net.dial(e)})
		do := func(op zkapi.Op) func() { return func() { must(t, s, op) } }
		do(zkapi.Create("/list", nil, zkapi.Persistent))()
		f := &follower{session: s, told: map[string]bool{}}
		for _, row := range []struct {
			name string
			do   func()
		}{
			{"a child comes", do(zkapi.Create("/list/a", nil, zkapi.Persistent))},
			{"its data is set", do(zkapi.Set("/list/a", nil, zkapi.AnyVersion))},
			{"something comes below it", do(zkapi.Create("/list/a/b", nil, zkapi.Persistent))},
			{"and goes", do(zkapi.Delete("/list/a/b", zkapi.AnyVersion))},
			{"it goes", do(zkapi.Delete("/list/a", zkapi.AnyVersion))},
			{"the znode's data is set", do(zkapi.Set("/list", nil, zkapi.AnyVersion))},
			{"the connection is lost", net.cut},
			{"the session ends", func() { _ = s.Close(t.Context()) }},
		} {
			f.read(t)
			if synctest.Wait(); f.watch.Fired() {
				t.Errorf("%s: the watch has fired before", row.name)
			}
			row.do()
			if synctest.Wait(); !f.watch.Fired() {
				t.Errorf("%s: the watch has not fired", row.name)
			}
		}
		if _, err := s.Do(t.Context(), zkapi.Children("/list").Followed(f.cursor)); !errors.Is(err, zkapi.ErrSessionEnded) {
			t.Errorf("after the session's end: %v", err)
		}
	})
}

// TestFollowed_OldCursorsGetWholeLists: a cursor of a list before the last lost connection,
// or one that was never given out, is not taken for one of the present list.
func TestFollowed_OldCursorsGetWholeLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := inmemory.New(inmemory.Options{})
		t.Cleanup(e.Close)
		var net cuts
		s := open(t, Config{Servers: []string{"member-1:1"}, SessionTimeout: 30 * time.Second, Dial: net.dial(e)})
		read := func(since int64) zkapi.Result {
			result, err := s.Do(t.Context(), zkapi.Children("/list").Followed(since))
			if err != nil {
				t.Fatal(err)
			}
			return result
		}
		change := func(name string) { must(t, s, zkapi.Create("/list/"+name, nil, zkapi.Persistent)) }
		must(t, s, zkapi.Create("/list", nil, zkapi.Persistent))
		begin := read(0).Cursor
		change("a")
		change("b")
		old := read(begin).Cursor
		net.cut()
		synctest.Wait()
		read(0)
		for i := range 5 {
			change(fmt.Sprint(i))
		}
		for _, since := range []int64{begin, old, old + 100, -1} {
			if got := read(since); got.Partial != nil {
				t.Errorf("since %d: %+v", since, got.Partial)
			}
		}
		_ = s.Close(t.Context())
	})
}
