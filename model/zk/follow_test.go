package zk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// follower keeps a list by followed reads, with the znode that each name stood for.
type follower struct {
	session *Session
	cursor  int64
	znodes  map[string]Stat // by name, as compare saw it last; zero for one that has come since
	told    map[string]bool // names whose data was set, as the last answer has it
	watch   zkapi.Source
	below   map[string]bool // what has changed below the children, as the last answer has it: whether it is there
	whole   int
	partial int
}

func (f *follower) read(t *testing.T) {
	t.Helper()
	result, err := f.session.Do(t.Context(), zkapi.Children("/list").Followed(f.cursor))
	if err != nil {
		t.Fatal(err)
	}
	if result.Cursor == 0 || result.Watch == nil {
		t.Fatalf("the answer %+v has no cursor or no watch", result)
	}
	f.cursor, f.watch, f.told, f.below = result.Cursor, result.Watch, map[string]bool{}, map[string]bool{}
	if p := result.Partial; p != nil {
		f.partial++
		for _, name := range p.Gone {
			delete(f.znodes, name)
		}
		for _, name := range p.Come {
			if _, old := f.znodes[name]; old {
				t.Errorf("%s has come, and its znode of before is not gone", name)
			}
			f.znodes[name] = Stat{}
		}
		for _, name := range p.Changed {
			f.told[name] = true
		}
		for _, path := range p.Below {
			f.below[path] = slices.Contains(p.Made, path)
		}
	} else {
		f.whole++
		f.znodes = map[string]Stat{}
		for _, name := range result.Children {
			f.znodes[name] = Stat{}
		}
	}
}

// compare holds the list against the tree, and remembers which znodes it has now.
func (f *follower) compare(t *testing.T, tree Tree) {
	t.Helper()
	var want, have []string
	for n := range tree.find("/list").children.all() {
		want = append(want, n.name)
		known, has := f.znodes[n.name]
		switch {
		case known == Stat{}: // it has come since
		case known.Czxid != n.stat.Czxid:
			t.Errorf("%s is another znode, and the answer did not say so", n.name)
		case known.Version != n.stat.Version && !f.told[n.name]:
			t.Errorf("the data of %s was set, and the answer did not say so", n.name)
		}
		made, told := f.below[n.name+"/below"]
		if known != (Stat{}) && known.Pzxid != n.stat.Pzxid && !told {
			t.Errorf("something has changed below %s, and the answer did not say so", n.name)
		}
		if told && made != (n.stat.NumChildren > 0) {
			t.Errorf("below %s there are %d znodes, and the answer says that one was made: %v", n.name, n.stat.NumChildren, made)
		}
		if has {
			f.znodes[n.name] = n.stat
		}
	}
	for name := range f.znodes {
		have = append(have, name)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("the list is %v, not %v", have, want)
	}
}

// TestFollowed_IsTheListOfTheTree makes random changes below a znode, among them lost
// connections and lags, and follows its list: after each read the list is that of the server
// that answers.
func TestFollowed_IsTheListOfTheTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		server := NewServer(time.Minute)
		hand := server.Open()
		do := func(op zkapi.Op) { _, _ = hand.Do(t.Context(), op) }
		do(zkapi.Create("/list", nil, zkapi.Persistent))
		f := &follower{session: server.Open()}
		f.read(t)
		for range 5000 {
			name := fmt.Sprintf("/list/%d", random.IntN(6))
			change := true
			switch n := random.IntN(100); {
			case n < 40:
				do(zkapi.Create(name, nil, zkapi.Persistent))
			case n < 70:
				do(zkapi.Delete(name, zkapi.AnyVersion))
			case n < 85:
				do(zkapi.Set(name, []byte("x"), zkapi.AnyVersion))
			case n < 90:
				do(zkapi.Create(name+"/below", nil, zkapi.Persistent))
				if random.IntN(2) == 0 {
					do(zkapi.Delete(name+"/below", zkapi.AnyVersion))
				}
			case n < 92:
				f.session.Move()
			case n < 94:
				do(zkapi.Set("/list", []byte("x"), zkapi.AnyVersion))
			case n < 96:
				f.session.Lag()
			case n < 98:
				f.session.CatchUp()
			default:
				change = false
			}
			if change && random.IntN(3) > 0 {
				continue
			}
			f.read(t)
			f.compare(t, f.session.at.Tree())
		}
		if f.whole < 50 || f.partial < 500 {
			t.Errorf("%d whole lists and %d partial ones: nothing was tried", f.whole, f.partial)
		}
	})
}

// TestFollowed_WatchFiresAtEachChange: also when the data of a child is set, and when the
// connection is lost. The row without a name sets something below a child: that is no change.
func TestFollowed_WatchFiresAtEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := NewServer(time.Minute)
		hand := server.Open()
		do := func(op zkapi.Op) {
			if _, err := hand.Do(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		do(zkapi.Create("/list", nil, zkapi.Persistent))
		f := &follower{session: server.Open()}
		for _, row := range []struct {
			name string
			do   func()
		}{
			{"a child comes", func() { do(zkapi.Create("/list/a", nil, zkapi.Persistent)) }},
			{"its data is set", func() { do(zkapi.Set("/list/a", nil, zkapi.AnyVersion)) }},
			{"something comes below it", func() { do(zkapi.Create("/list/a/b", nil, zkapi.Persistent)) }},
			{"", func() { do(zkapi.Set("/list/a/b", nil, zkapi.AnyVersion)) }},
			{"and goes", func() { do(zkapi.Delete("/list/a/b", zkapi.AnyVersion)) }},
			{"it goes", func() { do(zkapi.Delete("/list/a", zkapi.AnyVersion)) }},
			{"the znode's data is set", func() { do(zkapi.Set("/list", nil, zkapi.AnyVersion)) }},
			{"the connection is lost", f.session.Move},
			{"the session ends", f.session.Expire},
		} {
			f.read(t)
			if f.watch.Fired() {
				t.Errorf("%s: the watch has fired before", row.name)
			}
			row.do()
			if f.watch.Fired() != (row.name != "") {
				t.Errorf("%q: the watch has fired is %v", row.name, f.watch.Fired())
			}
		}
	})
}

// TestFollowed_OldCursorsGetWholeLists: a cursor of a list before the last lost connection,
// or one that was never given out, is not taken for one of the present list.
func TestFollowed_OldCursorsGetWholeLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := NewServer(time.Minute)
		session := server.Open()
		read := func(since int64) zkapi.Result {
			result, err := session.Do(t.Context(), zkapi.Children("/list").Followed(since))
			if err != nil {
				t.Fatal(err)
			}
			return result
		}
		change := func(name string) { _, _ = session.Do(t.Context(), zkapi.Create("/list/"+name, nil, zkapi.Persistent)) }
		_, _ = session.Do(t.Context(), zkapi.Create("/list", nil, zkapi.Persistent))
		read(0)
		begin := read(0).Cursor
		change("a")
		change("b")
		old := read(begin).Cursor
		session.Move()
		read(0)
		change("c")
		change("d")
		change("e")
		for _, since := range []int64{old, old + 100, -1} {
			if got := read(since); got.Partial != nil {
				t.Errorf("since %d: %+v", since, got.Partial)
			}
		}
	})
}

// TestFollowed_HearsWhatItsServerLearns: what a server that lags or is cut off has not learned of
// is no part of the list yet, and a lost connection ends it at once.
func TestFollowed_HearsWhatItsServerLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := NewServer(time.Minute)
		hand := server.Open()
		create := func(path string) {
			if _, err := hand.Do(t.Context(), zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
				t.Fatal(err)
			}
		}
		create("/list")
		f := &follower{session: server.Open()}
		f.read(t)
		for _, row := range []struct {
			name         string
			do           func()
			fires, whole bool
			children     int
		}{
			{"it lags", func() { f.session.Lag(); create("/list/a"); create("/list/b") }, false, false, 0},
			{"it learns of one write", func() { f.session.Advance(1) }, true, false, 1},
			{"it catches up", f.session.CatchUp, true, false, 2},
			{"it is up to date", func() { create("/list/c") }, true, false, 3},
			{"it is cut off", func() { f.session.Strand(); create("/list/d") }, false, false, 3},
			{"it drops its clients", f.session.Unstrand, true, true, 4},
			{"another server is cut off", func() { f.session.Lag(); create("/list/e"); f.session.Strand(); f.session.CatchUp() }, false, false, 4},
			{"the connection moves", f.session.Move, true, true, 5},
		} {
			watch, whole := f.watch, f.whole
			row.do()
			fired := watch.Fired()
			if f.read(t); fired != row.fires || f.whole > whole != row.whole || len(f.znodes) != row.children {
				t.Errorf("%s: it fires: %v, a whole list: %v, %d children", row.name, fired, f.whole > whole, len(f.znodes))
			}
			f.compare(t, f.session.at.Tree())
		}
		if f.session.Cut(); !f.watch.Fired() {
			t.Error("the connection is cut, and the watch has not fired")
		}
	})
}

// TestChange_BelowAFollowedZnode: the name that a follower hears, if it hears of the change.
func TestChange_BelowAFollowedZnode(t *testing.T) {
	for _, c := range []struct {
		kind     zkapi.Kind
		path, at string
		name     string
		told     bool
	}{
		{zkapi.KindCreate, "/list/a", "/list", "a", true},
		{zkapi.KindSet, "/list/a", "/list", "a", true},
		{zkapi.KindDelete, "/list/a/x", "/list", "a/x", true},
		{zkapi.KindSet, "/list/a/x", "/list", "a/x", false},
		{zkapi.KindSet, "/list", "/list", "", false},
		{zkapi.KindCreate, "/lists/a", "/list", "", false},
		{zkapi.KindCreate, "/a", "/", "a", true},
		{zkapi.KindSet, "/", "/", "", false},
	} {
		name, told := Change{Path: c.path, Kind: c.kind}.Below(c.at)
		if name != c.name || told != c.told {
			t.Errorf("%v %s below %s: %q, %v, want %q, %v", c.kind, c.path, c.at, name, told, c.name, c.told)
		}
	}
}
