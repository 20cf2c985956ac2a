package recipe_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// meddling changes the tree just before the first multi of a master that has an operation which
// fits, and counts the reads after that. A multi with the same operation may be refused again.
type meddling struct {
	*world
	fits func(op zkapi.Op) bool
	act  []zkapi.Op

	mu      sync.Mutex
	times   int // how often act is to be done
	meddled bool
	reads   []string // since then
	later   int      // multis since then that fit
}

func (m *meddling) before(op zkapi.Op) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case op.Kind == zkapi.KindMulti && slices.ContainsFunc(op.Ops, m.fits):
		if m.times == 0 {
			m.later++
			return
		}
		m.times--
		m.meddled = true
		m.do(zkapi.Multi(m.act...))
	case m.meddled && op.Kind != zkapi.KindMulti:
		m.reads = append(m.reads, op.Path)
	}
}

func create(path, data string) zkapi.Op { return zkapi.Create(path, []byte(data), zkapi.Persistent) }

func remove(path string) zkapi.Op { return zkapi.Delete(path, zkapi.AnyVersion) }

// outdatedRow is a change of the tree between the last read of a master and its write.
type outdatedRow struct {
	says   string
	before []zkapi.Op
	start  []zkapi.Op // which makes the master write
	fits   func(op zkapi.Op) bool
	act    []zkapi.Op
	after  []string // what is assigned in the end
}

func outdatedRows() []outdatedRow {
	is := func(kind zkapi.Kind, path string) func(zkapi.Op) bool {
		return func(op zkapi.Op) bool { return op.Kind == kind && op.Path == path }
	}
	assigns, drops := is(zkapi.KindCreate, "/assign/w1/t1"), is(zkapi.KindDelete, "/assign/w3/t1")
	task := []zkapi.Op{create("/tasks/t1", "")}
	held := []zkapi.Op{create("/tasks/t1", ""), create("/assign/w3", ""), create("/assign/w3/t1", `{"epoch":1,"attempt":1}`), zkapi.Create("/workers/w3", nil, zkapi.Ephemeral)}
	lost := []zkapi.Op{remove("/workers/w3")}
	return []outdatedRow{
		{"the task is assigned by hand", nil, task, assigns, []zkapi.Op{create("/assign/w1/t1", `{"epoch":1,"attempt":3}`)}, []string{"w1 t1 3"}},
		{"the worker has registered again", nil, task, assigns, []zkapi.Op{zkapi.Set("/assign/w1", nil, zkapi.AnyVersion)}, []string{"w1 t1 1"}},
		{"the worker has left", nil, task, assigns, []zkapi.Op{remove("/workers/w1")}, []string{"w2 t1 1"}},
		{"the worker has left, and its inbox is gone", nil, task, assigns, []zkapi.Op{remove("/workers/w1"), remove("/assign/w1")}, []string{"w2 t1 1"}},
		{"the inbox was opened by hand", nil, []zkapi.Op{zkapi.Create("/workers/w3", nil, zkapi.Ephemeral)}, is(zkapi.KindCreate, "/assign/w3"), []zkapi.Op{
			create("/assign/w3", ""), create("/tasks/t1", ""), create("/assign/w3/t1", `{"epoch":1,"attempt":2}`),
		}, []string{"w3 t1 2"}},
		{"the worker whose inbox is opened has left", nil, []zkapi.Op{create("/tasks/t1", `#ringmaster {"not_before":"2200-01-01T00:00:00Z"} x`), zkapi.Create("/workers/w3", nil, zkapi.Ephemeral)},
			is(zkapi.KindCreate, "/assign/w3"), []zkapi.Op{remove("/workers/w3")}, nil},
		{"the attempt is on record", held, lost, drops, []zkapi.Op{remove("/assign/w3/t1"), create("/tasks/t1/attempt-1", `{"epoch":1,"attempt":1,"reason":"it failed"}`)}, []string{"w1 t1 2"}},
		{"the task has ended", held, lost, drops, []zkapi.Op{remove("/assign/w3/t1"), create("/tasks/t1/status", `{"state":"done"}`)}, nil},
		{"the task was cancelled without a notice", nil, []zkapi.Op{create("/tasks/t1", ""), create("/tasks/t1/attempt-5", "")},
			is(zkapi.KindCreate, "/tasks/t1/status"), []zkapi.Op{create("/tasks/t1/status", `{"state":"cancelled"}`)}, nil},
		{"something was made below a task that is removed", []zkapi.Op{create("/tasks/t1", ""), create("/tasks/t1/status", `{"state":"cancelled"}`)},
			[]zkapi.Op{create("/collect/t1", ""), zkapi.Set("/tasks", []byte("t1"), zkapi.AnyVersion)}, is(zkapi.KindDelete, "/tasks/t1"), []zkapi.Op{create("/tasks/t1/note", "")}, nil},
		{"the request to remove a task is gone", []zkapi.Op{create("/tasks/t1", ""), create("/tasks/t1/status", `{"state":"cancelled"}`)},
			[]zkapi.Op{create("/collect/t1", ""), zkapi.Set("/tasks", []byte("t1"), zkapi.AnyVersion)}, is(zkapi.KindDelete, "/collect/t1"), []zkapi.Op{remove("/collect/t1")}, nil},
	}
}

// TestMaster_ARefusalCostsWhatWasInTheBatch: the master reads again what was in the refused write,
// and then does the right thing, however many other tasks there are. If its session does not follow
// the lists, it reads everything.
func TestMaster_ARefusalCostsWhatWasInTheBatch(t *testing.T) {
	const others = 1000
	for _, row := range outdatedRows() {
		for follows, most := range map[bool]int{true: 20, false: 2 * others} {
			t.Run(fmt.Sprint(row.says, ", ", follows), func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.makes("/tasks", "/workers", "/assign", "/collect")
					for n := range others {
						w.do(create(fmt.Sprintf("/tasks/other-%d", n), `#ringmaster {"not_before":"2200-01-01T00:00:00Z"} x`))
					}
					m := &meddling{world: w, fits: row.fits, act: row.act, times: 1}
					seen := w.resyncs()
					master := w.masterOf(&sieve{Env: w.env, before: m.before, whole: func(string) bool { return !follows }})
					w.byHand("w1")
					w.byHand("w2")
					w.within(time.Minute, "all is read", func() bool { now, _ := master.Snapshot(); return len(now.Tasks) == others })
					if row.before != nil {
						w.do(zkapi.Multi(row.before...))
					}
					seen.next()
					w.do(zkapi.Multi(row.start...))
					time.Sleep(1900 * time.Millisecond)
					if now := w.assigned(); !slices.Equal(now, row.after) {
						t.Errorf("%q are assigned, not %q", now, row.after)
					}
					m.mu.Lock()
					defer m.mu.Unlock()
					if !m.meddled || m.later > 1 || len(m.reads) > most {
						t.Errorf("%v: it writes %d times more, and reads %d times, not %d at most: %q", m.meddled, m.later, len(m.reads), most, m.reads[:min(len(m.reads), 40)])
					}
				})
			})
		}
	}
}

// TestMaster_ReadsEverythingAfterRefusalsInARow: a master whose writes are refused again and again
// looks for the reason everywhere.
func TestMaster_ReadsEverythingAfterRefusalsInARow(t *testing.T) {
	inBubble(t, func(w *world) {
		m := &meddling{world: w, times: 100, act: []zkapi.Op{zkapi.Set("/assign/w1", nil, zkapi.AnyVersion)}, fits: func(op zkapi.Op) bool {
			return op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/assign/w1/")
		}}
		w.makes("/tasks", "/workers", "/assign", "/tasks/t1")
		seen := w.resyncs()
		w.masterOf(&sieve{Env: w.env, before: m.before})
		seen.next()
		for n := range 20 {
			w.makes(fmt.Sprintf("/tasks/other-%02d", n))
		}
		w.byHand("w1")
		refused := func() int { m.mu.Lock(); defer m.mu.Unlock(); return 100 - m.times }
		w.within(time.Second, "four are refused", func() bool { return refused() >= 4 })
		w.within(time.Second, "/master is read again", func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return slices.Contains(m.reads, "/master") && slices.Contains(m.reads, "/tasks/other-07")
		})
	})
}
