package stm_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const bank = "/bank"

// space is one more process.
func space(w *mishap.World) *stm.Space {
	w.Helper()
	s, err := stm.New(w.Env, stm.Config{Path: bank})
	w.Opened(s, err)
	return s
}

// amount reads a number; what is absent is 0.
func amount(tx *stm.Tx, path string) (int, error) {
	data, found, err := tx.Get(path)
	if err != nil || !found {
		return 0, err
	}
	return strconv.Atoi(string(data))
}

// transfer moves one unit. An account without any is deleted.
func transfer(tx *stm.Tx, from, to string) error {
	a, err := amount(tx, from)
	if err != nil {
		return err
	}
	b, err := amount(tx, to)
	if err != nil {
		return err
	}
	if a == 0 {
		return errPoor
	}
	if a == 1 {
		err = tx.Delete(from)
	} else {
		err = tx.Put(from, []byte(strconv.Itoa(a-1)))
	}
	return errors.Join(err, tx.Put(to, []byte(strconv.Itoa(b+1))))
}

var errPoor = errors.New("there is nothing on the account")

// TestDo_AppliesOnce all or nothing, whichever request or answer is lost.
func TestDo_AppliesOnce(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		s := space(w)
		before := [2]string{"", ""}
		for _, step := range []struct {
			f     func(tx *stm.Tx) error
			after [2]string
		}{
			{func(tx *stm.Tx) error { return tx.Put(bank+"/x/a", []byte("2")) }, [2]string{"2", ""}},
			{func(tx *stm.Tx) error { return transfer(tx, bank+"/x/a", bank+"/b") }, [2]string{"1", "1"}},
			{func(tx *stm.Tx) error { return transfer(tx, bank+"/x/a", bank+"/b") }, [2]string{"", "2"}},
		} {
			err := s.Do(w.Ctx, step.f)
			now := [2]string{w.Data(bank + "/x/a"), w.Data(bank + "/b")}
			if now != before && now != step.after {
				t.Fatalf("%v after %v", now, before)
			}
			w.Fate(m, err, now == step.after)
			if err != nil {
				return
			}
			before = now
		}
		if _, lanes := w.Below(bank); lanes > 1 {
			t.Errorf("%d lanes", lanes)
		}
	})
}

// interrupted runs a transaction in which hands write after it has read for the first time.
func interrupted(w *mishap.World, s *stm.Space, f func(tx *stm.Tx) error, hands func()) (attempts int, err error) {
	err = s.Do(w.Ctx, func(tx *stm.Tx) error {
		attempts++
		err := f(tx)
		if attempts == 1 {
			hands()
		}
		return err
	})
	return attempts, err
}

// TestDo_ChecksAllThatWasRead: what another changes meanwhile makes the function run again, whether
// it was there or not, and whether the function writes, only reads, or returns an error.
func TestDo_ChecksAllThatWasRead(t *testing.T) {
	set := func(w *mishap.World) { w.Do(zkapi.Set(bank+"/there", []byte("2"), zkapi.AnyVersion)) }
	gone := func(w *mishap.World) { w.Do(zkapi.Delete(bank+"/there", zkapi.AnyVersion)) }
	made := func(w *mishap.World) { w.Do(zkapi.Create(bank+"/new", []byte("2"), zkapi.Persistent)) }
	above := func(w *mishap.World) { w.Do(zkapi.Create(bank+"/deep", nil, zkapi.Persistent)) }
	other := func(w *mishap.World) { w.Do(zkapi.Create(bank+"/other", nil, zkapi.Persistent)) }
	errOwn := errors.New("of the function")
	for name, c := range map[string]struct {
		read     string
		change   func(w *mishap.World)
		attempts int
	}{
		"set":                {"/there", set, 2},
		"deleted":            {"/there", gone, 2},
		"created":            {"/new", made, 2},
		"a parent created":   {"/deep/er/est", above, 2},
		"another":            {"/there", other, 1},
		"another of missing": {"/new", other, 1},
		"another far below":  {"/deep/er/est", other, 1},
	} {
		for then, f := range map[string]func(tx *stm.Tx) error{
			"reads": func(*stm.Tx) error { return nil }, "fails": func(*stm.Tx) error { return errOwn },
			"writes": func(tx *stm.Tx) error { return tx.Put(bank+"/log", []byte("x")) },
		} {
			t.Run(name+" and "+then, func(t *testing.T) {
				mishap.Run(t, func(w *mishap.World) {
					w.Do(zkapi.Create(bank, nil, zkapi.Persistent))
					w.Do(zkapi.Create(bank+"/there", []byte("1"), zkapi.Persistent))
					attempts, err := interrupted(w, space(w), func(tx *stm.Tx) error {
						if _, _, err := tx.Get(bank + c.read); err != nil {
							return err
						}
						return f(tx)
					}, func() { c.change(w) })
					if attempts != c.attempts || (then == "fails") != errors.Is(err, errOwn) || then != "fails" && err != nil {
						t.Errorf("%d attempts, %v; want %d", attempts, err, c.attempts)
					}
					if logged := w.Data(bank+"/log") == "x"; logged != (then == "writes") {
						t.Errorf("it was written: %v", logged)
					}
					if w.Data(bank+"/new") == "" && strings.Contains(fmt.Sprint(w.Below(bank)), "new") {
						t.Error("the check of an absent znode has left it behind")
					}
				})
			})
		}
	}
}

// TestDo_SeesAZnodeThatWasMadeAgain with the version that was read: a transaction has deleted it.
func TestDo_SeesAZnodeThatWasMadeAgain(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		s, other := space(w), space(w)
		put := func(data string) func(tx *stm.Tx) error {
			return func(tx *stm.Tx) error { return tx.Put(bank+"/a", []byte(data)) }
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.Do(w.Ctx, put("1")))
		var seen []string
		attempts, err := interrupted(w, s, func(tx *stm.Tx) error {
			data, _, err := tx.Get(bank + "/a")
			seen = append(seen, string(data))
			return errors.Join(err, tx.Put(bank+"/copy", data))
		}, func() {
			must(other.Do(w.Ctx, func(tx *stm.Tx) error { return tx.Delete(bank + "/a") }))
			must(other.Do(w.Ctx, put("2")))
		})
		if err != nil || attempts != 2 || w.Data(bank+"/copy") != "2" {
			t.Errorf("%d attempts, %v, copied %q; it has read %v", attempts, err, w.Data(bank+"/copy"), seen)
		}
	})
}

// TestTx_SeesItsOwnWrites, and reads each znode once.
func TestTx_SeesItsOwnWrites(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		s := space(w)
		err := s.Do(w.Ctx, func(tx *stm.Tx) error {
			for _, step := range []struct {
				do    func() error
				data  string
				found bool
			}{
				{func() error { return nil }, "", false},
				{func() error { return tx.Put(bank+"/a/b", []byte("1")) }, "1", true},
				{func() error { return tx.Delete(bank + "/a/b") }, "", false},
				{func() error { return tx.Put(bank+"/a/b", nil) }, "", true},
				{func() error { return tx.Put(bank+"/a/b", []byte("2")) }, "2", true},
			} {
				if err := step.do(); err != nil {
					return err
				}
				if data, found, err := tx.Get(bank + "/a/b"); string(data) != step.data || found != step.found || err != nil {
					t.Errorf("%q, %v, %v; want %q, %v", data, found, err, step.data, step.found)
				}
			}
			if _, found, err := tx.Get(bank + "/a"); !found || err != nil {
				t.Errorf("the znode above is there: %v, %v", found, err)
			}
			return nil
		})
		if err != nil || w.Data(bank+"/a/b") != "2" {
			t.Errorf("%v; %q", err, w.Data(bank+"/a/b"))
		}
		err = s.Do(w.Ctx, func(tx *stm.Tx) error { return errors.Join(tx.Delete(bank+"/a"), tx.Delete(bank+"/a/b")) })
		if names, _ := w.Below(bank); err != nil || len(names) != 0 {
			t.Errorf("both are deleted: %v; there are %v", err, names)
		}
	})
}

// TestDo_KeepsTheSum of many concurrent transfers, and no reader sees another one.
func TestDo_KeepsTheSum(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		accounts := []string{bank + "/a", bank + "/b", bank + "/c"}
		first := space(w)
		if err := first.Do(w.Ctx, func(tx *stm.Tx) error { return tx.Put(accounts[0], []byte("6")) }); err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for p := range 3 {
			s := space(w)
			calls.Go(func() {
				for i := range 8 {
					from, to := accounts[(p+i)%3], accounts[(p+i+1)%3]
					if err := s.Do(w.Ctx, func(tx *stm.Tx) error { return transfer(tx, from, to) }); err != nil && !errors.Is(err, errPoor) {
						t.Error(err)
					}
				}
			})
			calls.Go(func() {
				for range 8 {
					sum := 0
					if err := s.Do(w.Ctx, func(tx *stm.Tx) error {
						sum = 0
						for _, account := range accounts {
							n, err := amount(tx, account)
							if err != nil {
								return err
							}
							sum += n
						}
						return nil
					}); err != nil || sum != 6 {
						t.Errorf("the sum is %d, %v", sum, err)
					}
				}
			})
		}
		calls.Wait()
	})
}

// TestDo_RefusesWhatIsWrong and what no attempt cures.
func TestDo_RefusesWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	for _, s := range []*stm.Space{nil, {}} {
		if err := s.Do(ctx, func(*stm.Tx) error { return nil }); !errors.Is(err, stm.ErrInvalid) {
			t.Errorf("not made by New: %v", err)
		}
		if err := s.Close(ctx); !errors.Is(err, stm.ErrInvalid) {
			t.Errorf("not made by New: %v", err)
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		if _, err := stm.New(w.Env, stm.Config{Path: "/"}); !errors.Is(err, stm.ErrInvalid) {
			t.Errorf("the root: %v", err)
		}
		s := space(w)
		var late *stm.Tx
		for _, bad := range []string{bank, "/elsewhere", "/bankrupt", bank + "/", bank + "/lane-7", "x"} {
			err := s.Do(w.Ctx, func(tx *stm.Tx) error {
				late = tx
				_, _, err := tx.Get(bad)
				return err
			})
			if !errors.Is(err, stm.ErrInvalid) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if _, _, err := late.Get(bank + "/a"); !errors.Is(err, stm.ErrOver) {
			t.Errorf("a transaction that is over: %v", err)
		}
		if err := s.Do(w.Ctx, func(tx *stm.Tx) error { return tx.Put(bank+"/a/b", nil) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Do(w.Ctx, func(tx *stm.Tx) error { return tx.Delete(bank + "/a") }); !errors.Is(err, zkapi.ErrNotEmpty) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("a znode with a child: %v", err)
		}
		err := s.Do(w.Ctx, func(tx *stm.Tx) error {
			w.ExpireAll()
			return tx.Put(bank+"/a/c", []byte("x"))
		})
		if err != nil || w.Data(bank+"/a/c") != "x" {
			t.Errorf("a session that ends within a transaction: %v", err)
		}
		limited, cancel := context.WithCancel(w.Ctx)
		err = s.Do(limited, func(tx *stm.Tx) error {
			cancel()
			_, _, _ = tx.Get(bank + "/a/c") // this error is not passed on
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a read that failed: %v", err)
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Do(ctx, func(tx *stm.Tx) error { return tx.Put(bank+"/a", nil) }); !errors.Is(err, stm.ErrClosed) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestDo_EndsWithItsContext while others always win.
func TestDo_EndsWithItsContext(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		s := space(w)
		ctx, stop := context.WithCancel(w.Ctx)
		attempts := 0
		err := s.Do(ctx, func(tx *stm.Tx) error {
			if attempts++; attempts == 20 {
				stop()
			}
			data, found, err := tx.Get(bank + "/a")
			if err == nil && !found {
				w.Do(zkapi.Create(bank+"/a", nil, zkapi.Persistent))
			} else if err == nil {
				w.Do(zkapi.Set(bank+"/a", []byte(fmt.Sprint(attempts)), zkapi.AnyVersion))
			}
			return errors.Join(err, tx.Put(bank+"/a", data))
		})
		if !errors.Is(err, context.Canceled) || zkapi.FateOf(err) != zkapi.NotApplied || attempts != 20 {
			t.Errorf("%d attempts: %v", attempts, err)
		}
	})
}

// TestDo_LeavesTheDataOfThePathAlone, also after an attempt that could not begin, which has not seen it.
func TestDo_LeavesTheDataOfThePathAlone(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(bank, []byte("kept"), zkapi.Persistent))
		w.Do(zkapi.Create(bank+"/a", nil, zkapi.Persistent))
		s := space(w)
		over, stop := context.WithCancel(w.Ctx)
		stop()
		remove := func(tx *stm.Tx) error { return tx.Delete(bank + "/a") }
		if err := s.Do(over, remove); !errors.Is(err, context.Canceled) {
			t.Errorf("it has begun: %v", err)
		}
		if err := s.Do(w.Ctx, remove); err != nil || w.Data(bank) != "kept" {
			t.Errorf("%v; the data is %q", err, w.Data(bank))
		}
	})
}
