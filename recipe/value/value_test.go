package value_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	path = "/values/a"
	lane = "/values" // where the lanes are
)

// values is one more process.
func values(w *mishap.World) *value.Values {
	w.Helper()
	v, err := value.New(w.Env, value.Config{})
	w.Opened(v, err)
	return v
}

// TestAdd_CountsOnce: whichever request or answer is lost, and if the session ends with it.
func TestAdd_CountsOnce(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		v, want := values(w), int64(0)
		for _, delta := range []int64{3, 4, -2} {
			sum, err := v.Add(w.Ctx, path, delta)
			var now int64
			fmt.Sscan(w.Data(path), &now)
			if now != want && now != want+delta {
				t.Fatalf("the counter is %d after %d and %d", now, want, delta)
			}
			w.Fate(m, err, now == want+delta)
			if err == nil && sum != now {
				t.Errorf("told %d, and it is %d", sum, now)
			}
			want = now
		}
		if names, lanes := w.Below(lane); len(names) > 1 || lanes > 1 {
			t.Errorf("beside the counter are %v and %d lanes", names, lanes)
		}
		if m.At > 0 && !m.Expire && want != 5 {
			t.Errorf("the counter is %d: an addition was given up although the session lived", want)
		}
	})
}

// TestCompareAndSet_TellsTruly the same, for a write with a condition.
func TestCompareAndSet_TellsTruly(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		v := values(w)
		version, err := v.CompareAndSet(w.Ctx, path, value.Absent, []byte("x"))
		w.Fate(m, err, w.Data(path) == "x")
		if err != nil {
			return
		}
		version, err = v.CompareAndSet(w.Ctx, path, version, []byte("y"))
		w.Fate(m, err, w.Data(path) == "y")
		if err == nil && version != 1 {
			t.Errorf("the version is %d, not 1", version)
		}
	})
}

// TestCompareAndSet_RefusesAnotherVersion, and an absent value that exists.
func TestCompareAndSet_RefusesAnotherVersion(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v := values(w)
		if _, err := v.Set(w.Ctx, path, []byte("x")); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []value.Version{value.Absent, 1, 7} {
			if _, err := v.CompareAndSet(w.Ctx, path, wrong, []byte("y")); !errors.Is(err, value.ErrChanged) || zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("version %d: %v", wrong, err)
			}
		}
		if now, err := v.Get(w.Ctx, path); err != nil || string(now.Data) != "x" || now.Version != 0 {
			t.Errorf("%+v, %v", now, err)
		}
		if now, err := v.Get(w.Ctx, "/nowhere"); err != nil || now.Version != value.Absent {
			t.Errorf("an absent value: %+v, %v", now, err)
		}
	})
}

// TestBlock_HandsOutEachNumberOnce to many callers in several processes.
func TestBlock_HandsOutEachNumberOnce(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		var mu sync.Mutex
		var calls sync.WaitGroup
		taken, total := map[int64]bool{}, 0
		for range 3 {
			v := values(w)
			for size := range 3 {
				calls.Go(func() {
					for range 5 {
						got, err := v.Block(w.Ctx, path, int64(size+1))
						if err != nil || got.Last-got.First != int64(size) {
							t.Errorf("%+v, %v", got, err)
						}
						mu.Lock()
						for n := got.First; n <= got.Last; n++ {
							if taken[n] {
								t.Errorf("%d is handed out twice", n)
							}
							taken[n] = true
							total++
						}
						mu.Unlock()
					}
				})
			}
		}
		calls.Wait()
		if total != 90 || !taken[1] || !taken[90] {
			t.Errorf("%d numbers are handed out", total)
		}
		if _, lanes := w.Below(lane); lanes > 9 {
			t.Errorf("%d lanes for 9 callers", lanes)
		}
	})
}

// TestAdd_RefusesWhatIsNoNumber, and sums that are too large; the data stays.
func TestAdd_RefusesWhatIsNoNumber(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v := values(w)
		for _, c := range []struct {
			data  string
			delta int64
			want  error
		}{{"five", 1, value.ErrNotNumber}, {"4.5", 1, value.ErrNotNumber}, {fmt.Sprint(math.MaxInt64), 1, value.ErrOverflow}, {fmt.Sprint(math.MinInt64), -1, value.ErrOverflow}} {
			if _, err := v.Set(w.Ctx, path, []byte(c.data)); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Add(w.Ctx, path, c.delta); !errors.Is(err, c.want) || w.Data(path) != c.data {
				t.Errorf("%s and %d: %v; the data is %s", c.data, c.delta, err, w.Data(path))
			}
		}
		if _, err := v.Set(w.Ctx, path, nil); err != nil { // as zkCli makes it
			t.Fatal(err)
		}
		if sum, err := v.Add(w.Ctx, path, 7); sum != 7 || err != nil {
			t.Errorf("no data is no 0: %d, %v", sum, err)
		}
		if err := w.Env.Server.SetVersion(path, math.MaxInt32); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Add(w.Ctx, path, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Add(w.Ctx, path, 1); !errors.Is(err, value.ErrOverflow) || w.Data(path) != "8" {
			t.Errorf("a version that is no condition: %v; the data is %s", err, w.Data(path))
		}
	})
}

// TestAdd_GoesOnAfterHands: hands set the counter, set a lane, delete it, and delete all.
func TestAdd_GoesOnAfterHands(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v := values(w)
		add := func(want int64) {
			t.Helper()
			if sum, err := v.Add(w.Ctx, path, 1); sum != want || err != nil {
				t.Fatalf("%d, %v; want %d", sum, err, want)
			}
		}
		add(1)
		w.Do(zkapi.Set(path, []byte("41"), zkapi.AnyVersion))
		add(42)
		lanes := func(do func(path string) zkapi.Op) {
			t.Helper()
			done := 0
			for _, name := range w.Do(zkapi.Children(lane)).Children {
				if lane+"/"+name != path {
					w.Do(do(lane + "/" + name))
					done++
				}
			}
			if done == 0 {
				t.Fatal("there is no lane")
			}
		}
		gone := func(path string) zkapi.Op { return zkapi.Delete(path, zkapi.AnyVersion) }
		lanes(func(path string) zkapi.Op { return zkapi.Set(path, nil, zkapi.AnyVersion) })
		add(43)
		lanes(gone)
		add(44)
		lanes(gone)
		w.Do(gone(path))
		w.Do(gone(lane))
		add(1)
	})
}

// TestAdd_ReusesTheLaneOfACallThatWasGivenUp: its fate is not known, and is settled in the background.
func TestAdd_ReusesTheLaneOfACallThatWasGivenUp(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v := values(w)
		for range 3 {
			if _, err := v.Add(w.Ctx, path, 1); err != nil {
				t.Fatal(err)
			}
			limited, cancel := context.WithCancel(w.Ctx)
			defer cancel()
			for _, s := range w.Env.Server.Sessions() {
				s.CutAt(zk.ReplyLost, func(op zkapi.Op) bool {
					if op.Kind == zkapi.KindMulti {
						cancel()
						return true
					}
					return false
				})
			}
			if _, err := v.Add(limited, path, 1); zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, context.Canceled) {
				t.Fatalf("a call that was given up: %v", err)
			}
			for _, s := range w.Env.Server.Sessions() {
				s.Mend()
			}
			time.Sleep(time.Second)
		}
		if _, err := v.Add(w.Ctx, path, 1); err != nil {
			t.Fatal(err)
		}
		if _, lanes := w.Below(lane); lanes != 1 {
			t.Errorf("%d lanes are left", lanes)
		}
	})
}

// TestWatch_StreamsEachStateThatLasts, an absent value included, across a session that ends.
func TestWatch_StreamsEachStateThatLasts(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		v, writer := values(w), values(w)
		got := make(chan value.State, 10)
		over := make(chan error, 1)
		ctx, stop := context.WithCancel(w.Ctx)
		go func() {
			for now, err := range v.Watch(ctx, path) {
				if err != nil {
					over <- err
					return
				}
				got <- now
			}
		}()
		expect := func(want string, version value.Version) {
			t.Helper()
			synctest.Wait()
			select {
			case now := <-got:
				if string(now.Data) != want || now.Version != version {
					t.Errorf("%q with version %d, want %q with %d", now.Data, now.Version, want, version)
				}
			default:
				t.Errorf("%q is not streamed", want)
			}
		}
		set := func(data string) {
			t.Helper()
			if _, err := writer.Set(w.Ctx, path, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		expect("", value.Absent)
		set("x")
		expect("x", 0)
		set("y")
		expect("y", 1)
		w.ExpireAll()
		time.Sleep(time.Second)
		set("z")
		expect("z", 2)
		stop()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		for range v.Watch(w.Ctx, path) {
			break
		}
	})
}

// TestValues_RefuseWhatIsWrong, before anything is sent.
func TestValues_RefuseWhatIsWrong(t *testing.T) {
	if _, err := value.New(nil, value.Config{}); !errors.Is(err, value.ErrInvalid) {
		t.Errorf("no env: %v", err)
	}
	ctx := context.Background()
	for _, v := range []*value.Values{nil, {}} {
		if _, err := v.Add(ctx, path, 1); !errors.Is(err, value.ErrInvalid) {
			t.Errorf("not made by New: %v", err)
		}
		if err := v.Close(ctx); !errors.Is(err, value.ErrInvalid) {
			t.Errorf("not made by New: %v", err)
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		v := values(w)
		for _, bad := range []string{"", "a", "/", "/a/", "/zookeeper/quota"} {
			if _, err := v.Get(ctx, bad); !errors.Is(err, value.ErrInvalid) {
				t.Errorf("path %q: %v", bad, err)
			}
			if _, err := v.Set(ctx, bad, nil); !errors.Is(err, value.ErrInvalid) || zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("path %q: %v, with the fate %v", bad, err, zkapi.FateOf(err))
			}
		}
		if _, err := v.CompareAndSet(ctx, path, -2, nil); !errors.Is(err, value.ErrInvalid) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("a version that no value has: %v", err)
		}
		if _, err := v.Block(ctx, path, 0); !errors.Is(err, value.ErrInvalid) {
			t.Errorf("a block of nothing: %v", err)
		}
		if err := v.Close(ctx); err != nil {
			t.Error(err)
		}
		if _, err := v.Add(ctx, path, 1); !errors.Is(err, value.ErrClosed) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("closed: %v", err)
		}
	})
}
