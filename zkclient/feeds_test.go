package zkclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	inmemory "github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// namesAndStat is the answer to children: its version is how many names there are.
func namesAndStat(names ...string) []byte {
	var e jute.Encoder
	e.Strings(names)
	e.Bytes = append(e.Bytes, make([]byte, 36)...)
	e.Int32(int32(len(names)))
	e.Bytes = append(e.Bytes, make([]byte, 16)...)
	e.Int32(int32(len(names)))
	e.Int64(0)
	return e.Bytes
}

// following answers as usual, takes addWatch and lists nothing.
func (a asked) following() []byte {
	switch a.opcode {
	case opcodeAddWatch:
		return a.coded(codeNoErr, be32(0)...)
	case opcodeChildren:
		return a.coded(codeNoErr, namesAndStat()...)
	}
	return a.usual()
}

// onFake is a session with a server that answers each request so.
func onFake(t *testing.T, respond func(number int, a asked) []byte) *session {
	t.Helper()
	server := newFake(t, func(number int, c net.Conn) {
		if greet(c, 0xA, 10000) {
			serve(c, func(a asked) []byte { return respond(number, a) })
		}
	})
	return open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
}

// followList reads the children of /list since a cursor.
func followList(t *testing.T, s zkapi.Session, since int64) zkapi.Result {
	t.Helper()
	result, err := s.Do(t.Context(), zkapi.Children("/list").Followed(since))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestFollowed_BeginsWithTheList: a change whose event comes before the list is in it. One
// whose event comes behind it is not.
func TestFollowed_BeginsWithTheList(t *testing.T) {
	s := onFake(t, func(_ int, a asked) []byte {
		if a.opcode != opcodeChildren {
			return a.following()
		}
		return slices.Concat(eventFrame(nodeCreated, "/list/before"), eventFrame(nodeDataChanged, "/list"),
			a.coded(codeNoErr, namesAndStat("before")...), eventFrame(nodeCreated, "/list/behind"))
	})
	list := followList(t, s, 0)
	if !slices.Equal(list.Children, []string{"before"}) || list.Stat.Cversion != 1 {
		t.Fatalf("the list is %+v", list)
	}
	must(t, s, zkapi.Exists("/x"))
	next := followList(t, s, list.Cursor)
	if p := next.Partial; p == nil || !slices.Equal(p.Come, []string{"behind"}) || len(p.Gone)+len(p.Changed)+len(p.Below) > 0 || next.Stat.Cversion != 2 {
		t.Errorf("then there is %+v, %+v", p, next.Stat)
	}
	if !list.Watch.Fired() || next.Watch.Fired() {
		t.Error("the watch of the list has not fired, or the next one has")
	}
}

// TestFollowed_IsAsNewAsTheLastAnswer: who has an answer knows the events in front of it.
func TestFollowed_IsAsNewAsTheLastAnswer(t *testing.T) {
	made := 0
	s := onFake(t, func(_ int, a asked) []byte {
		if a.opcode != opcodeExists {
			return a.following()
		}
		made++
		return append(eventFrame(nodeCreated, fmt.Sprint("/list/n-", made)), a.usual()...)
	})
	cursor := followList(t, s, 0).Cursor
	for i := range 500 {
		must(t, s, zkapi.Exists("/x"))
		next := followList(t, s, cursor)
		if next.Partial == nil || !slices.Equal(next.Partial.Come, []string{fmt.Sprint("n-", i+1)}) {
			t.Fatalf("after answer %d there is %+v", i+1, next)
		}
		cursor = next.Cursor
	}
}

// inFollow runs f in a bubble, with a session on a server that has /list.
func inFollow(t *testing.T, f func(t *testing.T, s *session, net *cuts)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := inmemory.New(inmemory.Options{})
		t.Cleanup(e.Close)
		var net cuts
		start := time.Now()
		s := open(t, Config{Servers: []string{"member-1:1"}, SessionTimeout: 30 * time.Second, Dial: net.dial(e), clock: func() time.Duration { return time.Since(start) }})
		must(t, s, zkapi.Create("/list", nil, zkapi.Persistent))
		f(t, s, &net)
		_ = s.Close(t.Context())
	})
}

// reads is how many requests of a followed read were sent.
func (c *cuts) reads() string {
	return fmt.Sprintf("watch %d, list %d, stat %d, unwatch %d", c.count(opcodeAddWatch), c.count(opcodeChildren), c.count(opcodeExists), c.count(opcodeRemoveWatches))
}

func (c *cuts) want(t *testing.T, what, reads string) {
	t.Helper()
	if synctest.Wait(); c.reads() != reads {
		t.Errorf("%s: %s, not %s", what, c.reads(), reads)
	}
}

// TestFollowed_CostsWhatHasChanged: a change of the children needs no request, and one of the
// znode itself needs its Stat. A whole list does not need another watch.
func TestFollowed_CostsWhatHasChanged(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, net *cuts) {
		got := followList(t, s, 0)
		net.want(t, "at first", "watch 1, list 1, stat 0, unwatch 0")
		for i := range 100 {
			must(t, s, zkapi.Create(fmt.Sprint("/list/", i), nil, zkapi.Persistent))
			if got = followList(t, s, got.Cursor); len(got.Partial.Come) != 1 || got.Stat.Cversion != int32(i+1) {
				t.Fatalf("%+v", got)
			}
		}
		net.want(t, "after changes", "watch 1, list 1, stat 0, unwatch 0")
		must(t, s, zkapi.Set("/list", nil, zkapi.AnyVersion), zkapi.Create("/list/last", nil, zkapi.Persistent))
		if got = followList(t, s, got.Cursor); got.Stat.Version != 1 || got.Stat.Cversion != 101 || !slices.Equal(got.Partial.Come, []string{"last"}) {
			t.Errorf("after a set: %+v, %+v", got, got.Partial)
		}
		net.want(t, "after a set", "watch 1, list 1, stat 1, unwatch 0")
		if whole := followList(t, s, 0); len(whole.Children) != 101 || whole.Cursor != got.Cursor {
			t.Errorf("a whole list: %+v", whole)
		}
		if got = followList(t, s, got.Cursor); got.Partial == nil {
			t.Error("after a whole list it is not followed any more")
		}
		net.want(t, "after a whole list", "watch 1, list 2, stat 1, unwatch 0")
	})
}

// TestFollowed_OfAZnodeThatComesAndGoes: each znode has a list of its own.
func TestFollowed_OfAZnodeThatComesAndGoes(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, _ *cuts) {
		got := followList(t, s, 0)
		must(t, s, zkapi.Delete("/list", 0))
		if _, err := s.Do(t.Context(), zkapi.Children("/list").Followed(got.Cursor)); !errors.Is(err, zkapi.ErrNoNode) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("of a missing znode: %v", err)
		}
		must(t, s, zkapi.Create("/list", nil, zkapi.Persistent), zkapi.Create("/list/a", nil, zkapi.Persistent))
		next := followList(t, s, got.Cursor)
		if next.Partial != nil || len(next.Children) != 1 || next.Stat.Czxid == got.Stat.Czxid || next.Cursor == got.Cursor {
			t.Errorf("of the next znode: %+v", next)
		}
		must(t, s, zkapi.Multi(zkapi.Delete("/list/a", 0), zkapi.Delete("/list", 0), zkapi.Create("/list", nil, zkapi.Persistent)))
		if last := followList(t, s, next.Cursor); last.Partial != nil || len(last.Children) != 0 {
			t.Errorf("of one that was made again in one write: %+v", last)
		}
	})
}

// TestFollowed_TooManyChangesEndIt: their number is bounded, and the server is told that
// nobody listens. The watches of the library that go with it fire.
func TestFollowed_TooManyChangesEndIt(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, net *cuts) {
		seen, err := s.Do(t.Context(), zkapi.Get("/list").Watched())
		if err != nil {
			t.Fatal(err)
		}
		got := followList(t, s, 0)
		const each = 500
		for from := 0; from <= leastUnread; from += each {
			var ops []zkapi.Op
			for i := range each {
				path := fmt.Sprintf("/list/n-%05d", (from+i)/2)
				if i%2 == 0 {
					ops = append(ops, zkapi.Create(path, nil, zkapi.Persistent))
				} else {
					ops = append(ops, zkapi.Delete(path, 0))
				}
			}
			must(t, s, zkapi.Multi(ops...))
		}
		net.want(t, "after the changes", "watch 1, list 1, stat 0, unwatch 1")
		if !got.Watch.Fired() || !seen.Watch.Fired() {
			t.Error("a watch has not fired")
		}
		must(t, s, zkapi.Create("/list/last", nil, zkapi.Persistent))
		next := followList(t, s, got.Cursor)
		if next.Partial != nil || !slices.Equal(next.Children, []string{"last"}) || next.Cursor <= got.Cursor+leastUnread {
			t.Errorf("it goes on with %+v", next)
		}
		net.want(t, "the next list", "watch 2, list 2, stat 0, unwatch 1")
	})
}

// TestFollowed_IsForgottenWhenNobodyAsks: the server is told at the next change.
func TestFollowed_IsForgottenWhenNobodyAsks(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, net *cuts) {
		got := followList(t, s, 0)
		time.Sleep(feedIdle)
		must(t, s, zkapi.Create("/list/a", nil, zkapi.Persistent))
		net.want(t, "before its time", "watch 1, list 1, stat 0, unwatch 0")
		time.Sleep(time.Millisecond)
		must(t, s, zkapi.Create("/list/b", nil, zkapi.Persistent), zkapi.Create("/list/c", nil, zkapi.Persistent))
		net.want(t, "after its time", "watch 1, list 1, stat 0, unwatch 1")
		if !got.Watch.Fired() {
			t.Error("its watch has not fired")
		}
		if next := followList(t, s, got.Cursor); next.Partial != nil || len(next.Children) != 3 {
			t.Errorf("it goes on with %+v", next)
		}
		net.want(t, "the next list", "watch 2, list 2, stat 0, unwatch 1")
	})
}

// TestFollowed_GoesOnBesideAWatchOnItsData: the server is not asked for that watch, because before
// 3.9 it takes the place of the recursive one. It fires all the same.
func TestFollowed_GoesOnBesideAWatchOnItsData(t *testing.T) {
	set := zkapi.Set("/list", nil, zkapi.AnyVersion)
	gone, again := zkapi.Delete("/list", zkapi.AnyVersion), zkapi.Create("/list", nil, zkapi.Persistent)
	for _, row := range []struct {
		read       zkapi.Op
		first, act zkapi.Op
	}{
		{zkapi.Get("/list"), set, set},
		{zkapi.Exists("/list"), set, set},
		{zkapi.Get("/list"), set, gone},
		{zkapi.Exists("/list"), set, gone},
		{zkapi.Exists("/list"), gone, again},
	} {
		inFollow(t, func(t *testing.T, s *session, net *cuts) {
			got := followList(t, s, 0)
			must(t, s, row.first)
			watched, err := s.Do(t.Context(), row.read.Watched())
			if err != nil {
				t.Fatal(err)
			}
			if row.first.Kind == zkapi.KindSet {
				if got = followList(t, s, got.Cursor); got.Partial == nil {
					t.Errorf("%v: it ends", row.read.Kind)
				}
			}
			if synctest.Wait(); watched.Watch.Fired() {
				t.Errorf("%v: its watch has fired before", row.read.Kind)
			}
			must(t, s, row.act)
			if synctest.Wait(); !watched.Watch.Fired() {
				t.Errorf("%v, then %v: its watch has not fired", row.read.Kind, row.act.Kind)
			}
			if net.watches > 0 {
				t.Errorf("%v: the server was asked for that watch", row.read.Kind)
			}
		})
	}
}

// TestFollowed_WatchOnItsDataOutlastsTheConnection: the next server is asked for that watch.
func TestFollowed_WatchOnItsDataOutlastsTheConnection(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, net *cuts) {
		followList(t, s, 0)
		watched, err := s.Do(t.Context(), zkapi.Get("/list").Watched())
		if err != nil {
			t.Fatal(err)
		}
		net.cut()
		synced(t, s)
		must(t, s, zkapi.Set("/list", nil, zkapi.AnyVersion))
		if synctest.Wait(); !watched.Watch.Fired() {
			t.Error("it has not fired")
		}
	})
}

// TestFollowed_FiresAnOlderWatchOfTheChildren: a server before 3.9 would never do it.
func TestFollowed_FiresAnOlderWatchOfTheChildren(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, _ *cuts) {
		older, err := s.Do(t.Context(), zkapi.Children("/list").Watched())
		if err != nil || older.Watch.Fired() {
			t.Fatal(err)
		}
		got := followList(t, s, 0)
		if synctest.Wait(); !older.Watch.Fired() || got.Watch.Fired() {
			t.Error("it has not fired, or that of the followed list has")
		}
	})
}

// TestFollowed_NeedsAContextAndAConnection, as every read.
func TestFollowed_NeedsAContextAndAConnection(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, net *cuts) {
		got := followList(t, s, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Do(ctx, zkapi.Children("/list").Followed(got.Cursor)); !errors.Is(err, zkapi.ErrNotSent) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("without time: %v", err)
		}
		net.cut()
		synctest.Wait()
		if !got.Watch.Fired() {
			t.Error("the watch has not fired")
		}
		if next := followList(t, s, got.Cursor); next.Partial != nil || next.Cursor == 0 {
			t.Errorf("on the next connection: %+v", next)
		}
	})
}

// TestFollowed_WithServersBefore36: each costs one connection, once. Then lists are whole.
func TestFollowed_WithServersBefore36(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o, e := onServe(t, inmemory.Options{Members: 3, WithoutMultiRead: 3}, Config{SessionTimeout: 30 * time.Second})
		must(t, s, zkapi.Create("/list", nil, zkapi.Persistent))
		for i := range 6 {
			got := followList(t, s, 0)
			if got.Cursor != 0 || got.Partial != nil || len(got.Children) != i || got.Watch.Fired() {
				t.Errorf("it has %+v", got)
			}
			must(t, s, zkapi.Create(fmt.Sprint("/list/", i), nil, zkapi.Persistent))
			if synctest.Wait(); !got.Watch.Fired() {
				t.Error("the watch has not fired")
			}
			leader := e.Members()[0] // the others have their turn, too
			leader.Stop()
			synced(t, s)
			leader.Start()
		}
		allRead(t, "many", someLists(3), s.DoAll(t.Context(), someLists(3)))
		if o.count(opcodeAddWatch) > 3 || o.count(opcodeMultiRead) > 0 {
			t.Errorf("addWatch was tried %d times, multiRead %d times", o.count(opcodeAddWatch), o.count(opcodeMultiRead))
		}
		_ = s.Close(t.Context())
	})
}

func someLists(n int) []zkapi.Op {
	return slices.Repeat([]zkapi.Op{zkapi.Children("/list")}, n)
}

// TestFollowed_WithServersThatRefuseTheWatch: some are built with another table of watches.
// Others end the connection when they are asked for what they do not know.
func TestFollowed_WithServersThatRefuseTheWatch(t *testing.T) {
	for name, respond := range map[string]func(asked) []byte{
		"a code of theirs":     func(a asked) []byte { return a.coded(-5) },
		"no code":              func(a asked) []byte { return a.coded(codeNoErr) },
		"no answer":            func(asked) []byte { return nil },
		"that it is not known": func(a asked) []byte { return a.coded(codeUnimplemented) },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			tries := 0
			s := onFake(t, func(_ int, a asked) []byte {
				switch a.opcode {
				case opcodeAddWatch:
					mu.Lock()
					tries++
					mu.Unlock()
					return respond(a)
				case opcodeMultiRead:
					return a.knowing()
				}
				return a.following()
			})
			ops := someGets(3)
			allRead(t, name, ops, s.DoAll(t.Context(), ops))
			for range 5 {
				got, err := s.Do(t.Context(), zkapi.Children("/list").Followed(0))
				if err != nil || got.Cursor != 0 || got.Watch == nil {
					t.Errorf("%+v, %v", got, err)
				}
			}
			allRead(t, name, ops, s.DoAll(t.Context(), ops))
			mu.Lock()
			defer mu.Unlock()
			if tries != 1 {
				t.Errorf("it was tried %d times", tries)
			}
		})
	}
}

// TestFollowed_MayBeGivenUp while the server still works on the list. The next read has it.
func TestFollowed_MayBeGivenUp(t *testing.T) {
	for range 5 {
		reached := make(chan struct{}, 2)
		s := onFake(t, func(_ int, a asked) []byte {
			if a.opcode == opcodeChildren {
				reached <- struct{}{}
				time.Sleep(10 * time.Millisecond)
			}
			return a.following()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-reached
			cancel()
		}()
		if _, err := s.Do(ctx, zkapi.Children("/list").Followed(0)); err != nil && zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("given up: %v", err)
		}
		time.Sleep(20 * time.Millisecond) // the answer comes meanwhile, and nobody waits for it
		if next := followList(t, s, 0); next.Cursor == 0 {
			t.Errorf("the next read: %+v", next)
		}
		_ = s.Close(t.Context())
	}
}

// TestFollowed_ByManyAtOnce: each has its own cursor, and all have the right list.
func TestFollowed_ByManyAtOnce(t *testing.T) {
	inFollow(t, func(t *testing.T, s *session, _ *cuts) {
		var reading sync.WaitGroup
		over := make(chan struct{})
		followers := make([]*follower, 4)
		for i := range followers {
			f := &follower{session: s, told: map[string]bool{}}
			followers[i] = f
			reading.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
						f.read(t)
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		for i := range 2000 {
			path := fmt.Sprint("/list/", i%7)
			if _, err := s.Do(t.Context(), zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
				must(t, s, zkapi.Delete(path, 0))
			}
			time.Sleep(time.Duration(i%3) * time.Millisecond)
		}
		close(over)
		reading.Wait()
		for _, f := range followers {
			f.read(t)
			f.compare(t)
		}
	})
}

// TestFeeds_LeaveOutWhatIsSetBelowChildren: a task reports its progress there, and often.
func TestFeeds_LeaveOutWhatIsSetBelowChildren(t *testing.T) {
	fs, f := &feeds{}, &feed{watched: true, live: true, first: 1}
	for _, e := range []struct {
		kind int32
		path string
		log  int
	}{
		{nodeDataChanged, "/list/a/b", 0}, {nodeCreated, "/list/a/b", 1}, {nodeDataChanged, "/list/a/b/c", 1},
		{nodeDataChanged, "/list/a", 2}, {nodeDeleted, "/list/a/b", 3},
	} {
		watch := f.wait()
		if before := len(f.log); !fs.heard(f, "/list", e.kind, e.path, 0) || len(f.log) != e.log || watch.Fired() != (e.log > before) {
			t.Errorf("event %d of %s: %d changes, not %d; the watch has fired is %v", e.kind, e.path, len(f.log), e.log, watch.Fired())
		}
	}
}
