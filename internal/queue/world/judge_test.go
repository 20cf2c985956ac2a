package world

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const first, second = "entry-100-0000000000", "entry-100-0000000001"

// after applies writes of session 7 to the tree at the beginning, and returns it before and
// after the last one.
func after(t *testing.T, c Config, ops ...zkapi.Op) (before, now zk.Tree) {
	t.Helper()
	now = c.furnished()
	for _, op := range ops {
		before = now
		var err error
		if now, _, _, err = now.Write(op, 7); err != nil {
			t.Fatal(err)
		}
	}
	return before, now
}

// puts7, takes7 and the others are writes of a process.
func puts7(item string) zkapi.Op {
	return zkapi.Multi(zkapi.Create(lineFolder+"/entry-100-", []byte(item), zkapi.PersistentSequential))
}

func takes7(name, item string) zkapi.Op {
	return zkapi.Multi(zkapi.Set(lineFolder+"/"+name, []byte(item), zkapi.AnyVersion), zkapi.Create(claimFolder+"/"+name, nil, zkapi.Ephemeral))
}

func records7(record string) zkapi.Op {
	return zkapi.Create(ledger+"/"+record, nil, zkapi.Persistent)
}

func deletes7(folder, name string) zkapi.Op { return zkapi.Delete(folder+"/"+name, zkapi.AnyVersion) }

func acks7(name, record string) zkapi.Op {
	return zkapi.Multi(deletes7(claimFolder, name), deletes7(lineFolder, name), records7(record))
}

func buries7(name, item string) zkapi.Op {
	return zkapi.Multi(deletes7(lineFolder, name), zkapi.Create(deadFolder+"/"+name, []byte(item), zkapi.Persistent))
}

// TestJudge_Write: what the judge says of writes that the recipe as it is does not make, and
// of those that look like them.
func TestJudge_Write(t *testing.T) {
	stocks, limited := stocked(2, nil), stocked(1, func(c *Config) { c.MaxTakes = 1 })
	back := zkapi.Multi(deletes7(claimFolder, first))
	for _, one := range []struct {
		says     string
		config   Config
		process  string
		writes   []zkapi.Op
		violated string
	}{
		{"a put", Defaults(), "producer-1", []zkapi.Op{puts7("producer-1.1")}, ""},
		{"a put in another name", Defaults(), "producer-1", []zkapi.Op{puts7("producer-2.1")}, "NoUnexpected"},
		{"a second put", Defaults(), "producer-1", []zkapi.Op{puts7("producer-1.1"), puts7("producer-1.1")}, "PutOnce"},
		{"a put after the consumption", stocks, "stock", []zkapi.Op{takes7(first, "stock.1"), acks7(first, "stock.1.1"), puts7("stock.1")}, "PutOnce"},
		{"another payload", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.x")}, "NoUnexpected NoUnexpected"},
		{"a take", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1")}, ""},
		{"a take of the second", stocks, "consumer-1", []zkapi.Op{takes7(second, "stock.2")}, "Order"},
		{"a take of the second after the first", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), takes7(second, "stock.2")}, ""},
		{"a take of both", stocks, "consumer-1", []zkapi.Op{zkapi.Multi(slices.Concat(takes7(first, "stock.1").Ops, takes7(second, "stock.2").Ops)...)}, ""},
		{"a take without a version", stocks, "consumer-1", []zkapi.Op{zkapi.Create(claimFolder+"/"+first, nil, zkapi.Ephemeral)}, "ExclusiveClaim"},
		{"a version without a take", stocks, "consumer-1", []zkapi.Op{zkapi.Set(lineFolder+"/"+first, []byte("stock.1"), 0)}, "ExclusiveClaim"},
		{"a take too many", limited, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), back, takes7(first, "stock.1")}, "DeadLetter"},
		{"a consumption", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), acks7(first, "stock.1.1")}, ""},
		{"a consumption without a record", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), zkapi.Multi(acks7(first, "").Ops[:2]...)}, "NoLoss"},
		{"a record without a consumption", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), records7("stock.1.1")}, "ConsumedOnce PutOnce"},
		{"a consumption without a claim", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), back, zkapi.Multi(acks7(first, "stock.1.1").Ops[1:]...)}, "ConsumedOnce"},
		{"a second consumption", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), acks7(first, "stock.1.1"), records7("stock.1.2")}, "ConsumedOnce ConsumedOnce"},
		{"a claim that stays", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), zkapi.Multi(acks7(first, "stock.1.1").Ops[1:]...)}, "NothingLeft"},
		{"an item that goes", stocks, "consumer-1", []zkapi.Op{deletes7(lineFolder, second)}, "NoLoss"},
		{"a dead letter", limited, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), back, buries7(first, "stock.1")}, ""},
		{"a dead letter that was not taken", limited, "consumer-1", []zkapi.Op{buries7(first, "stock.1")}, "DeadLetter"},
		{"a write about an item", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), records7("on-stock.1.1")}, ""},
		{"a write after the end", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), back, records7("on-stock.1.1")}, "WriteFenced"},
		{"a write with an old token", stocks, "consumer-1", []zkapi.Op{takes7(first, "stock.1"), back, takes7(first, "stock.1"), records7("on-stock.1.1")}, "WriteFenced"},
		{"a delayed item that goes", Defaults(), "producer-1", []zkapi.Op{zkapi.Create(delayedFolder+"/1-100-0", []byte("producer-1.1"), zkapi.Persistent), deletes7(delayedFolder, "1-100-0")}, "NoLoss"},
		{"a delayed item that comes", Defaults(), "consumer-1", []zkapi.Op{
			zkapi.Create(delayedFolder+"/1-100-0", []byte("producer-1.1"), zkapi.Persistent), zkapi.Multi(puts7("producer-1.1").Ops[0], deletes7(delayedFolder, "1-100-0")),
		}, ""},
	} {
		w := explore.Write{Process: one.process, Op: one.writes[len(one.writes)-1], Session: 7}
		w.Before, w.After = after(t, one.config, one.writes...)
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
	config := stocked(1, func(c *Config) { c.Producers = 1 })
	process := func(name string, known bool, notes ...string) explore.ProcessView {
		p := explore.ProcessView{Name: name, Running: true, Session: 7, Known: known, Notes: map[string]string{}}
		for i := 0; i < len(notes); i += 2 {
			p.Notes[notes[i]] = notes[i+1]
		}
		return p
	}
	_, full := after(t, config)
	_, held := after(t, config, takes7(first, "stock.1"))
	_, done := after(t, config, takes7(first, "stock.1"), acks7(first, "stock.1.1"))
	for _, row := range []struct {
		says      string
		tree      zk.Tree
		acts      explore.Acts
		processes []explore.ProcessView
		violated  string
		goal      bool
	}{
		{"all is done", done, nil, []explore.ProcessView{process("consumer-1", true, ackedNote, "stock.1.1", idleNote, "1")}, "", true},
		{"a producer is not done", done, nil, []explore.ProcessView{process("producer-1", true)}, "", false},
		{"an item is left", full, nil, []explore.ProcessView{process("consumer-1", true)}, "", false},
		{"an item is left, and no consumer", full, nil, []explore.ProcessView{process("consumer-1", true, doneNote, "1")}, "", true},
		{"a claim is left", held, nil, []explore.ProcessView{process("consumer-1", true, doneNote, "1")}, "", false},
		{"a consumer", held, nil, []explore.ProcessView{process("consumer-1", true, holdsNote, first+" 1")}, "", false},
		{"a consumer without a claim", full, nil, []explore.ProcessView{process("consumer-1", true, holdsNote, first+" 1")}, "ToldTruly", false},
		{"a consumer with another token", held, nil, []explore.ProcessView{process("consumer-1", true, holdsNote, first+" 2")}, "ToldTruly", false},
		{"two consumers", held, nil, []explore.ProcessView{process("consumer-1", true, holdsNote, first+" 1"), process("consumer-2", true, holdsNote, first+" 1")}, "ExclusiveClaim", false},
		{"two consumers, one of them late", held, nil, []explore.ProcessView{process("consumer-1", true, holdsNote, first+" 1"), process("consumer-2", false, holdsNote, first+" 1")}, "", false},
		{"told of an item that is not there", full, nil, []explore.ProcessView{process("producer-1", true, "producer-1.1", isPut)}, "NoLoss", false},
		{"told of no item", full, nil, []explore.ProcessView{process("producer-1", true, "producer-1.1", isNone)}, "", false},
		{"told that it is empty", full, nil, []explore.ProcessView{process("consumer-1", true, emptyNote, "1")}, "Empty", false},
		{"told that it is empty, while another has the item", held, nil, []explore.ProcessView{process("consumer-1", false, emptyNote, "1")}, "", false},
		{"a claim of an idle consumer", held, nil, []explore.ProcessView{process("consumer-1", true, idleNote, "1")}, "NothingLeft", false},
		{"told of a consumption that is not there", held, nil, []explore.ProcessView{process("consumer-1", true, ackedNote, "stock.1.1")}, "ToldTruly", false},
		{"told of no consumption", done, nil, []explore.ProcessView{process("consumer-1", true, refusedNote, "stock.1.1")}, "ToldTruly", true},
		{"told of a write that is not there", held, nil, []explore.ProcessView{process("consumer-1", true, wroteNote, "on-stock.1.1")}, "ToldTruly", false},
		{"a stale effect", held, explore.Acts{first: {Stale: true}}, nil, "StaleEffectsFenced", false},
		{"two effects with one token", held, explore.Acts{first: {Twice: true}}, nil, "ExclusiveClaim", false},
	} {
		v := explore.View{Tree: row.tree, Acts: row.acts, Processes: row.processes}
		var got []string
		for _, found := range (judge{config}).State(v) {
			got = append(got, found.Property)
		}
		if goal := (judge{config}).Goal(v); strings.Join(got, " ") != row.violated || goal != row.goal && len(row.processes) > 0 {
			t.Errorf("%s: %q is violated, it should be %q; goal %v", row.says, got, row.violated, goal)
		}
	}
}
