// Package storetest holds an implementation of store.Store against what that interface promises.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Layout is that of the stores under test.
func Layout() store.Layout {
	return store.Layout{Root: "/store", Types: []store.Type{
		{Name: "apps", Path: "RMAppRoot"}, {Name: "tokens", Path: "Secrets/Tokens", Split: 2}, {Name: "nodes", Rebuilt: true},
	}}
}

// PartSize is for stores that have values in parts: the largest value of the tests has several.
const PartSize = 1000

// Stores are the stores of one test, which all have the same records.
type Stores struct {
	*testing.T
	Ctx context.Context
	// Open opens the store for the next active.
	Open func() (store.Store, error)
	// Exclusive says that a store cannot be opened before the one before is closed.
	Exclusive bool
}

// Run runs all tests. with makes the stores of one test, and runs the test.
func Run(t *testing.T, with func(t *testing.T, test func(s Stores))) {
	for _, c := range []struct {
		name string
		test func(s Stores)
	}{
		{"changes", changes}, {"a batch is applied whole", batch}, {"records below others", hierarchy}, {"any version", anyVersion},
		{"load", load}, {"values", values}, {"the next active", nextActive}, {"records that are rebuilt", rebuilt},
		{"arguments", arguments}, {"as a table", asTable}, {"calls at one time", together}, {"a closed store", closed},
	} {
		t.Run(c.name, func(t *testing.T) { with(t, c.test) })
	}
}

// open opens the store.
func (s Stores) open() store.Store {
	s.Helper()
	opened, err := s.Open()
	if err != nil {
		s.Fatal(err)
	}
	return opened
}

// apply makes changes that must be applied.
func (s Stores) apply(of store.Store, changes ...store.Change) []store.Version {
	s.Helper()
	versions, err := of.Apply(s.Ctx, changes...)
	if err != nil {
		s.Fatal(err)
	}
	return versions
}

// refuses makes changes that must be refused, for the one at an index.
func (s Stores) refuses(of store.Store, why error, index int, changes ...store.Change) {
	s.Helper()
	_, err := of.Apply(s.Ctx, changes...)
	if !errors.Is(err, why) || zkapi.FateOf(err) != zkapi.NotApplied || zkapi.FailedIndex(err) != index {
		s.Errorf("%+.60v: %v of change %d (%v), not %v of %d", changes, err, zkapi.FailedIndex(err), zkapi.FateOf(err), why, index)
	}
}

// has demands that a record has this data and version. With Absent there must be none.
func (s Stores) has(of store.Store, key, data string, version store.Version) {
	s.Helper()
	got, err := of.Get(s.Ctx, key)
	switch {
	case version == store.Absent && !errors.Is(err, store.ErrAbsent):
		s.Errorf("%s: %.60q, %v, not absent", key, got.Data, err)
	case version != store.Absent && (err != nil || string(got.Data) != data || got.Version != version || got.Key != key):
		s.Errorf("%s: %.60q of version %d, %v; not %.60q of %d", key, got.Data, got.Version, err, data, version)
	}
}

func changes(s Stores) {
	st := s.open()
	for _, key := range []string{"apps/a", "tokens/token_17"} {
		s.has(st, key, "", store.Absent)
		s.refuses(st, store.ErrChanged, 0, store.Put(key, nil, 0))
		s.refuses(st, store.ErrChanged, 0, store.Delete(key, 0))
		if got := s.apply(st, store.Create(key, []byte("x"))); !slices.Equal(got, []store.Version{0}) {
			s.Errorf("versions %v, not [0]", got)
		}
		s.refuses(st, store.ErrChanged, 0, store.Create(key, []byte("y")))
		s.refuses(st, store.ErrChanged, 0, store.Put(key, []byte("y"), 1))
		s.has(st, key, "x", 0)
		if got := s.apply(st, store.Put(key, []byte("y"), 0)); !slices.Equal(got, []store.Version{1}) {
			s.Errorf("versions %v, not [1]", got)
		}
		s.has(st, key, "y", 1)
		s.refuses(st, store.ErrChanged, 0, store.Delete(key, 0))
		if got := s.apply(st, store.Delete(key, 1)); !slices.Equal(got, []store.Version{store.Absent}) {
			s.Errorf("versions %v, not [%d]", got, store.Absent)
		}
		s.has(st, key, "", store.Absent)
		s.apply(st, store.Create(key, nil))
		s.has(st, key, "", 0)
	}
}

func batch(s Stores) {
	st := s.open()
	s.apply(st, store.Create("apps/a", []byte("1")), store.Create("tokens/t1", []byte("1")))
	s.refuses(st, store.ErrChanged, 2, store.Put("apps/a", []byte("2"), 0), store.Create("apps/b", nil), store.Put("tokens/t1", []byte("2"), 5), store.Delete("apps/c", store.Any))
	s.has(st, "apps/a", "1", 0)
	s.has(st, "apps/b", "", store.Absent)
	s.has(st, "tokens/t1", "1", 0)
	if got := s.apply(st, store.Put("apps/a", []byte("2"), 0), store.Create("apps/b", []byte("b")), store.Delete("tokens/t1", 0)); !slices.Equal(got, []store.Version{1, 0, store.Absent}) {
		s.Errorf("versions %v", got)
	}
	s.has(st, "apps/a", "2", 1)
	s.has(st, "apps/b", "b", 0)
	s.has(st, "tokens/t1", "", store.Absent)
	if got := s.apply(st); len(got) != 0 {
		s.Errorf("no change has versions %v", got)
	}
}

func hierarchy(s Stores) {
	st := s.open()
	for _, app := range []string{"apps/a", "tokens/token_1"} {
		s.refuses(st, store.ErrNoParent, 0, store.Create(app+"/attempt_1", nil))
		s.refuses(st, store.ErrNoParent, 0, store.Put(app+"/attempt_1", nil, store.Any))
		s.apply(st, store.Create(app, nil), store.Create(app+"/attempt_1", []byte("1")), store.Create(app+"/attempt_1/container_1", []byte("c")))
		s.refuses(st, store.ErrNotEmpty, 0, store.Delete(app, 0))
		s.refuses(st, store.ErrNotEmpty, 0, store.Delete(app+"/attempt_1", store.Any))
		s.has(st, app+"/attempt_1/container_1", "c", 0)
		s.apply(st, store.Delete(app+"/attempt_1/container_1", 0), store.Delete(app+"/attempt_1", 0), store.Delete(app, 0))
		s.has(st, app+"/attempt_1", "", store.Absent)
	}
}

func anyVersion(s Stores) {
	st := s.open()
	s.refuses(st, store.ErrAbsent, 0, store.Delete("apps/a", store.Any))
	for want := range 3 {
		if got := s.apply(st, store.Put("apps/a", []byte{byte('0' + want)}, store.Any)); got[0] != store.Version(want) {
			s.Errorf("version %d, not %d", got[0], want)
		}
	}
	s.has(st, "apps/a", "2", 2)
	s.apply(st, store.Delete("apps/a", store.Any))
	s.has(st, "apps/a", "", store.Absent)
}

func load(s Stores) {
	st := s.open()
	if all, err := st.Load(s.Ctx); err != nil || len(all) != 0 {
		s.Errorf("an empty store has %v, %v", all, err)
	}
	var want []store.Record
	add := func(key string) {
		s.apply(st, store.Create(key, []byte(key)))
		want = append(want, store.Record{Key: key, Data: []byte(key)})
	}
	for i := range 120 {
		add(fmt.Sprintf("apps/app_%03d", i))
		add(fmt.Sprintf("tokens/token_%03d", i))
		if i%10 == 0 {
			add(fmt.Sprintf("apps/app_%03d/attempt_1", i))
			add(fmt.Sprintf("apps/app_%03d/attempt_1/x", i))
			add(fmt.Sprintf("tokens/token_%03d/below", i))
		}
	}
	add("tokens/1") // shorter than the split
	add("tokens/x..")
	add("tokens/ユーザー")
	slices.SortFunc(want, func(a, b store.Record) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	s.same(st, want)
	s.close(st)
	next := s.open()
	s.same(next, want)
	if next.Epoch() <= st.Epoch() {
		s.Errorf("epoch %d after %d", next.Epoch(), st.Epoch())
	}
	if some, err := next.Load(s.Ctx, "apps"); err != nil || len(some) != 120+24 {
		s.Errorf("%d records of one type, %v", len(some), err)
	}
}

// same demands that all records are these.
func (s Stores) same(of store.Store, want []store.Record) {
	s.Helper()
	all, err := of.Load(s.Ctx)
	if err != nil || len(all) != len(want) {
		s.Fatalf("%d records, %v; not %d", len(all), err, len(want))
	}
	for i, r := range all {
		if r.Key != want[i].Key || !bytes.Equal(r.Data, want[i].Data) || r.Version != want[i].Version {
			s.Errorf("record %s of version %d: %.60q; not %s of version %d: %.60q", r.Key, r.Version, r.Data, want[i].Key, want[i].Version, want[i].Data)
		}
	}
}

func (s Stores) close(of store.Store) {
	s.Helper()
	if err := of.Close(s.Ctx); err != nil {
		s.Fatal(err)
	}
}

func values(s Stores) {
	st := s.open()
	random := rand.New(rand.NewPCG(1, 1))
	long := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	version := store.Absent
	var last []byte
	for _, value := range [][]byte{{}, []byte("@"), []byte("@=x"), []byte("@parts 1-x 1 1 1"), {0, 255}, long(PartSize), long(PartSize + 1), long(10*PartSize + 7), []byte("short"), long(2 * PartSize)} {
		version = s.apply(st, store.Put("apps/a", value, version))[0]
		s.has(st, "apps/a", string(value), version)
		last = value
	}
	several := []store.Change{store.Create("apps/b", long(PartSize-10)), store.Create("apps/c", long(PartSize/2)), store.Create("apps/d", long(3*PartSize)), store.Create("apps/e", []byte("e"))}
	s.apply(st, several...)
	s.refuses(st, store.ErrChanged, 1, store.Put("apps/b", long(2*PartSize), 0), store.Put("apps/d", long(2*PartSize), 9))
	s.close(st)
	want := []store.Record{{Key: "apps/a", Data: last, Version: version}}
	for _, c := range several {
		want = append(want, store.Record{Key: c.Key, Data: c.Data})
	}
	s.same(s.open(), want)
}

func nextActive(s Stores) {
	st := s.open()
	s.apply(st, store.Create("apps/a", []byte("1")))
	s.same(st, []store.Record{{Key: "apps/a", Data: []byte("1")}})
	if s.Exclusive {
		if _, err := s.Open(); err == nil {
			s.Error("it was opened twice")
		}
		s.close(st)
	}
	next := s.open()
	s.apply(next, store.Put("apps/a", []byte("2"), 0))
	if s.Exclusive {
		return
	}
	s.refuses(st, store.ErrFenced, -1, store.Put("apps/a", []byte("3"), 1))
	s.refuses(st, store.ErrFenced, -1, store.Put("apps/a", []byte("3"), store.Any))
	s.refuses(st, store.ErrFenced, -1, store.Create("apps/b", nil))
	s.refuses(st, store.ErrFenced, -1, store.Create("apps/b", make([]byte, 3*PartSize)))
	if r, err := st.Get(s.Ctx, "apps/a"); !errors.Is(err, store.ErrFenced) {
		s.Errorf("a Store that is not the last one reads %v, %v", r, err)
	}
	if all, err := st.Load(s.Ctx); !errors.Is(err, store.ErrFenced) {
		s.Errorf("a Store that is not the last one loads %v, %v", all, err)
	}
	s.has(next, "apps/a", "2", 1)
	s.has(next, "apps/b", "", store.Absent)
}

func rebuilt(s Stores) {
	st := s.open()
	if got := s.apply(st, store.Create("nodes/n", []byte("x")), store.Create("apps/a", []byte("1")), store.Put("nodes/m", nil, 7)); !slices.Equal(got, []store.Version{store.Absent, 0, store.Absent}) {
		s.Errorf("versions %v", got)
	}
	s.refuses(st, store.ErrChanged, 1, store.Create("nodes/n", nil), store.Create("apps/a", nil))
	s.has(st, "nodes/n", "", store.Absent)
	s.same(st, []store.Record{{Key: "apps/a", Data: []byte("1")}})
	if some, err := st.Load(s.Ctx, "nodes"); err != nil || len(some) != 0 {
		s.Errorf("%v, %v of a type that is rebuilt", some, err)
	}
}

func arguments(s Stores) {
	st := s.open()
	for _, key := range []string{"", "apps", "apps/", "/apps/a", "others/a", "apps//a", "apps/..", "apps/a\x00", "apps/HIERARCHIES", "tokens/HIERARCHIES/1"} {
		s.refuses(st, store.ErrInvalid, 1, store.Create("apps/a", nil), store.Create(key, nil))
		if _, err := st.Get(s.Ctx, key); !errors.Is(err, store.ErrInvalid) {
			s.Errorf("get %q: %v", key, err)
		}
	}
	s.refuses(st, store.ErrInvalid, 0, store.Put("apps/a", nil, -3))
	s.refuses(st, store.ErrInvalid, 0, store.Delete("apps/a", store.Absent))
	s.refuses(st, store.ErrInvalid, 1, store.Create("apps/a", nil), store.Put("apps/a", nil, 0))
	if _, err := st.Load(s.Ctx, "others"); !errors.Is(err, store.ErrInvalid) {
		s.Errorf("load of a type that there is not: %v", err)
	}
	s.same(st, nil)
}

// asTable makes random changes, and demands what a Table does.
func asTable(s Stores) {
	const steps, seed = 400, 7
	random := rand.New(rand.NewPCG(seed, seed))
	table, err := store.NewTable(Layout())
	if err != nil {
		s.Fatal(err)
	}
	keys := []string{"apps/a", "apps/b", "apps/a/1", "apps/a/2", "apps/a/1/x", "tokens/t_01", "tokens/t_02", "tokens/t_01/x", "nodes/n"}
	st := s.open()
	for step := range steps {
		var some []store.Change
		for _, at := range random.Perm(len(keys))[:1+random.IntN(3)] {
			c := store.Put(keys[at], make([]byte, random.IntN(20)), store.Version(random.IntN(4)-2))
			if random.IntN(50) == 0 {
				c.Data = bytes.Repeat([]byte{byte(step)}, PartSize+random.IntN(2*PartSize))
			}
			if now, err := table.Get(c.Key); err == nil && random.IntN(2) == 0 {
				c.If = now.Version
			}
			if c.Delete = random.IntN(3) == 0 && c.If != store.Absent; c.Delete {
				c.Data = nil
			}
			some = append(some, c)
		}
		want, wrong := table.Apply(some...)
		got, err := st.Apply(s.Ctx, some...)
		if !slices.Equal(got, want) || zkapi.FailedIndex(err) != zkapi.FailedIndex(wrong) || zkapi.FateOf(err) != zkapi.FateOf(wrong) {
			s.Fatalf("step %d, %.200v: %v, %v; a table has %v, %v", step, some, got, err, want, wrong)
		}
		for _, what := range []error{store.ErrChanged, store.ErrAbsent, store.ErrNoParent, store.ErrNotEmpty} {
			if errors.Is(err, what) != errors.Is(wrong, what) {
				s.Fatalf("step %d, %.200v: %v; a table has %v", step, some, err, wrong)
			}
		}
		if step%40 == 39 {
			all, _ := table.Load() // of all types
			s.same(st, all)
			s.close(st)
			st = s.open()
		}
	}
}

// together has many calls raise one number at one time.
func together(s Stores) {
	const callers, each = 8, 5
	st := s.open()
	s.apply(st, store.Create("apps/sum", []byte("0")))
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := 0; n < each; {
				now, err := st.Get(s.Ctx, "apps/sum")
				sum, bad := strconv.Atoi(string(now.Data))
				if err == nil && bad == nil {
					_, err = st.Apply(s.Ctx, store.Put("apps/sum", []byte(strconv.Itoa(sum+1)), now.Version), store.Create(fmt.Sprintf("apps/%d-%d", caller, n), nil))
				}
				switch {
				case err == nil:
					n++
				case !errors.Is(err, store.ErrChanged):
					s.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	s.has(st, "apps/sum", strconv.Itoa(callers*each), callers*each)
}

func closed(s Stores) {
	st := s.open()
	s.close(st)
	s.refuses(st, store.ErrClosed, -1, store.Create("apps/a", nil))
	if _, err := st.Get(s.Ctx, "apps/a"); !errors.Is(err, store.ErrClosed) {
		s.Errorf("get: %v", err)
	}
}
