package world

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// after applies writes of session 7 to the tree at the beginning, and returns it before and
// after the last one.
func after(t *testing.T, ops ...zkapi.Op) (before, now zk.Tree) {
	t.Helper()
	now = Config{Both: true}.furnished()
	for _, op := range ops {
		before = now
		var err error
		if now, _, _, err = now.Write(op, 7); err != nil {
			t.Fatal(err)
		}
	}
	return before, now
}

// joins7, grants7 and the others are writes of a contender.
func joins7(form string) zkapi.Op {
	return zkapi.Create(path+"/u-"+form+"-", nil, zkapi.EphemeralSequential)
}

func grants7(znode string, token string) zkapi.Op {
	return zkapi.Multi(zkapi.Set(path, []byte(`{"znode":"`+znode+`","token":`+token+`}`), zkapi.AnyVersion))
}

func marks7(znode string, token string) zkapi.Op {
	return zkapi.Multi(grants7(znode, token).Ops[0], zkapi.Set(path+"/"+znode, []byte(`{"token":`+token+`}`), zkapi.AnyVersion))
}

func enters7(e string) zkapi.Op {
	return zkapi.Multi(zkapi.Set(ledger, []byte(e), zkapi.AnyVersion), zkapi.Create(ledger+"/"+e, nil, zkapi.Persistent))
}

// TestJudge_Write: what the judge says of writes that the recipe as it is does not make, and
// of those that look like them.
func TestJudge_Write(t *testing.T) {
	const first, second = "u-W-0000000000", "u-W-0000000001"
	const reader, reader2 = "u-R-0000000000", "u-R-0000000001"
	delays7 := zkapi.Multi(zkapi.Set(path, []byte(`{"znode":"`+first+`","token":1,"delay_ms":10000}`), zkapi.AnyVersion))
	delaying, patient := with(func(c *Config) { c.Delay = true }), with(func(c *Config) { c.Delay, c.Bounds.Sweeps = true, 5 })
	goes := zkapi.Multi(zkapi.Delete(path+"/"+first, zkapi.AnyVersion))
	for _, one := range []struct {
		says     string
		config   Config
		writes   []zkapi.Op
		violated string
	}{
		{"a grant", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "1")}, ""},
		{"a grant to the second in line", Defaults(), []zkapi.Op{joins7("W"), joins7("W"), grants7(second, "1")}, "FifoInOrder"},
		{"a grant with a token of before", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "1"), goes, joins7("W"), grants7(second, "1")}, "TokensGrow"},
		{"a grant that is none of the version", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "3")}, "TokensGrow"},
		{"a second reader", Config{Readers: 2}, []zkapi.Op{joins7("R"), joins7("R"), marks7(reader, "1"), marks7(reader2, "2")}, ""},
		{"a writer behind a reader", Config{Readers: 1}, []zkapi.Op{joins7("R"), joins7("W"), marks7(reader, "1"), grants7(second, "2")}, "MutualExclusion FifoInOrder"},
		{"a third permit of two", Config{Permits: 2}, []zkapi.Op{
			joins7("S"), joins7("S"), joins7("S"), marks7("u-S-0000000000", "1"), marks7("u-S-0000000001", "2"), marks7("u-S-0000000002", "3"),
		}, "MutualExclusion FifoInOrder"},
		{"an entry", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "1"), enters7("1")}, ""},
		{"an entry after the release", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "1"), goes, enters7("1")}, "MutualExclusion"},
		{"a grant after a holder with a delay is gone", delaying, []zkapi.Op{joins7("W"), delays7, goes, joins7("W"), grants7(second, "2")}, "DelayWaited"},
		{"a grant after that, when time has passed", patient, []zkapi.Op{joins7("W"), delays7, goes, joins7("W"), grants7(second, "2")}, ""},
		{"an entry without the second lock", Config{Both: true}, []zkapi.Op{joins7("W"), grants7(first, "1"), enters7("1")}, "MutualExclusion"},
		{"half an entry", Defaults(), []zkapi.Op{joins7("W"), grants7(first, "1"), zkapi.Set(ledger, []byte("1"), zkapi.AnyVersion)}, "WritesInOne"},
	} {
		w := explore.Write{Process: "writer-1", Op: one.writes[len(one.writes)-1], Session: 7}
		w.Before, w.After = after(t, one.writes...)
		var got []string
		for _, v := range (judge{one.config}).Write(w) {
			got = append(got, v.Property)
		}
		if strings.Join(got, " ") != one.violated {
			t.Errorf("%s: %q is violated, it should be %q", one.says, got, one.violated)
		}
	}
}

// TestJudge_State: the same of states, and which of them is the goal.
func TestJudge_State(t *testing.T) {
	one := func(name string, known bool, notes ...string) explore.ProcessView {
		p := explore.ProcessView{Name: name, Running: true, Session: 7, Known: known, Notes: map[string]string{}}
		for i := 0; i < len(notes); i += 2 {
			p.Notes[notes[i]] = notes[i+1]
		}
		return p
	}
	_, empty := after(t, joins7("W"), zkapi.Delete(path+"/u-W-0000000000", 0))
	_, held := after(t, joins7("W"), grants7("u-W-0000000000", "1"), enters7("1"))
	for _, row := range []struct {
		says      string
		tree      zk.Tree
		acts      explore.Acts
		processes []explore.ProcessView
		violated  string
		goal      bool
	}{
		{"all is done", empty, nil, []explore.ProcessView{one("writer-1", true, doneNote, "1", idleNote, "1")}, "", true},
		{"one is not done", empty, nil, []explore.ProcessView{one("writer-1", true)}, "", false},
		{"a holder", held, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1", wroteNote, "1")}, "", false},
		{"a holder without a znode", empty, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1")}, "ToldTruly", false},
		{"two holders", held, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1"), one("writer-2", true, holdsNote, "2")}, "MutualExclusion ToldTruly", false},
		{"two holders, one of them late", held, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1"), one("writer-2", false, holdsNote, "2")}, "", false},
		{"a writer and a reader", held, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1"), one("reader-1", false, holdsNote, "2")}, "", false},
		{"one token of two", held, nil, []explore.ProcessView{one("writer-1", true, holdsNote, "1"), one("writer-2", false, holdsNote, "1")}, "TokensGrow", false},
		{"a znode of an idle process", held, nil, []explore.ProcessView{one("writer-1", true, idleNote, "1", doneNote, "1")}, "NoZnodeLeft", false},
		{"told of an entry that is not there", held, nil, []explore.ProcessView{one("writer-1", true, wroteNote, "2")}, "ToldTruly", false},
		{"told that nothing was applied", held, nil, []explore.ProcessView{one("writer-1", true, refusedNote, "1")}, "ToldTruly", false},
		{"a stale effect", held, explore.Acts{work: {Stale: true}}, nil, "StaleEffectsFenced", false},
		{"two effects with one token", held, explore.Acts{work: {Twice: true}}, nil, "TokensGrow", false},
	} {
		v := explore.View{Tree: row.tree, Acts: row.acts, Processes: row.processes}
		var got []string
		for _, found := range (judge{Defaults()}).State(v) {
			got = append(got, found.Property)
		}
		if goal := (judge{Defaults()}).Goal(v); strings.Join(got, " ") != row.violated || goal != row.goal && len(row.processes) > 0 {
			t.Errorf("%s: %q is violated, it should be %q; goal %v", row.says, got, row.violated, goal)
		}
	}
}
