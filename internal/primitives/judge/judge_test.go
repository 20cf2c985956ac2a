package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/checker/wording/wordingtest"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestCodes_HaveTheirSentences(t *testing.T) { wordingtest.Hold(t, texts, ".") }

// made is a history that is made by hand.
type made struct {
	recordtest.Written
	zxid int64
	op   int64
}

// call notes a call of a process that begins at a second and ends three seconds later.
func (m *made) call(process, object, id string, at int, outcome record.Type, asked history.Asked, told history.Told, token int32) {
	m.op++
	own := func(data any) record.Own {
		o, err := record.NewOwn(object, data)
		if err != nil {
			panic(err)
		}
		o.ID = id
		return o
	}
	end := own(told)
	end.Token = record.Token{Epoch: token}
	if outcome != record.OK {
		end.Data = nil
	}
	m.note(process, history.Call, at, at+3, own(asked), end, outcome)
}

// note notes something that lasts.
func (m *made) note(process string, kind record.Kind, from, to int, begin, end record.Own, outcome record.Type) {
	m.op++
	at := func(second int, type_ record.Type, of record.Own) record.Event {
		return record.Event{At: time.Duration(second) * time.Second, Process: process, Type: type_, Kind: kind, Op: 1000 + m.op, Of: of}
	}
	m.Events = append(m.Events, at(from, record.Invoke, begin), at(to, outcome, end))
}

// write is a write of a call: it begins a second after that.
func (m *made) write(process string, at int, ops ...record.Op) {
	m.zxid++
	m.Write(process, at+1, record.OK, m.zxid, ops...)
}

func set(path, data string, version int32) record.Op {
	return record.Op{Kind: "set", Path: path, Data: data, Version: version}
}

func create(path, data string) record.Op { return record.Op{Kind: "create", Path: path, Data: data} }

// sound is a run in which three users do each thing once or twice. u1 and u2 are in a round.
func sound() record.Run {
	m := &made{Written: recordtest.NewWritten(record.FromMemory)}
	add := func(process string, at int, n, sum int64, op record.Op) {
		m.call(process, history.Sum, fmt.Sprint("add", at), at, record.OK, history.Asked{Verb: history.Add, N: n}, history.Told{Sum: sum}, 0)
		m.write(process, at, set("/values/lane-x-0", "", int32(at)), op)
	}
	add("u1", 1, 2, 2, create(history.Sum, "2"))
	add("u2", 5, 3, 5, set(history.Sum, "5", 0))
	block := func(process string, at int, first, last int64, op record.Op) {
		m.call(process, history.Numbers, fmt.Sprint("block", at), at, record.OK, history.Asked{Verb: history.Block, N: last - first + 1}, history.Told{First: first, Last: last}, 0)
		m.write(process, at, op)
	}
	block("u1", 10, 1, 3, create(history.Numbers, "3"))
	block("u2", 14, 4, 5, set(history.Numbers, "5", 0))
	m.call("u1", history.Mode, "mode1", 20, record.OK, history.Asked{Verb: history.Swap, Version: -1, Text: "x"}, history.Told{Version: 0}, 0)
	m.write("u1", 20, create(history.Mode, "x"))
	m.call("u2", history.Mode, "mode2", 24, record.OK, history.Asked{Verb: history.Swap, Version: -1, Text: "y"}, history.Told{Refused: true}, 0)
	m.call("u1", history.Bank, "fund", 30, record.OK, history.Asked{Verb: history.Fund, N: history.Money}, history.Told{Seen: map[string]int{}}, 0)
	m.write("u1", 30, create(history.Bank+"/a", "12"))
	m.call("u2", history.Bank, "transfer", 34, record.OK, history.Asked{Verb: history.Transfer, From: "a", To: "b"}, history.Told{Seen: map[string]int{"a": 12}}, 0)
	m.write("u2", 34, set(history.Bank+"/a", "11", 0), create(history.Bank+"/b", "1"))
	m.call("u3", history.Bank, "audit", 38, record.OK, history.Asked{Verb: history.Audit}, history.Told{Seen: map[string]int{"a": 11, "b": 1}}, 0)
	m.call("u1", history.Gate, "set", 42, record.OK, history.Asked{Verb: history.Set}, history.Told{}, 0)
	m.write("u1", 42, create(history.Gate, ""))
	m.call("u2", history.Gate, "lift", 56, record.OK, history.Asked{Verb: history.Lift}, history.Told{}, 0)
	m.write("u2", 56, record.Op{Kind: "delete", Path: history.Gate})
	m.call("u3", history.Gate, "wait", 57, record.OK, history.Asked{Verb: history.Wait}, history.Told{}, 0)
	wholeRound(m)
	duty(m)
	m.Evidence.Nodes = []record.Node{{Path: history.Sum, Data: "5"}, {Path: history.Bank + "/a", Data: "11"}, {Path: history.Bank + "/b", Data: "1"}}
	m.Events = record.Merge(m.Events)
	return m.Run
}

// wholeRound adds a round of two.
func wholeRound(m *made) {
	const one, two = history.Round + "/x-0000000000", history.Round + "/y-0000000001"
	own := record.Own{Object: history.Round, Token: record.Token{Epoch: 1}}
	for i, z := range []string{one, two} {
		m.write(fmt.Sprint("u", i+1), 60+i, record.Op{Kind: "create", Path: z, Ephemeral: true})
	}
	m.write("u2", 62, set(history.Round, "", 0), create(history.Round+"/ready", `{"round":1,"members":["x-0000000000","y-0000000001"]}`))
	for i, z := range []string{one, two} {
		process := fmt.Sprint("u", i+1)
		own.ID = "stay" + process
		m.call(process, history.Round, own.ID, 62, record.OK, history.Asked{Verb: history.Enter, N: 2}, history.Told{}, 1)
		m.note(process, history.Stay, 66, 68, own, own, record.OK)
		m.call(process, history.Round, own.ID, 69+i, record.OK, history.Asked{Verb: history.Leave}, history.Told{}, 1)
		m.write(process, 69+i, record.Op{Kind: "delete", Path: z})
	}
}

// duty adds two tenures of the lease.
func duty(m *made) {
	for i, process := range []string{"u1", "u2"} {
		at, token := 80+10*i, int32(i+1)
		own := record.Own{Object: history.Duty, ID: process + ".duty", Token: record.Token{Epoch: token}}
		m.call(process, history.Duty, own.ID, at, record.OK, history.Asked{Verb: history.Take, N: 1000}, history.Told{}, token)
		m.note(process, history.Tenure, at+4, at+8, own, own, record.OK)
		m.write(process, at+4, record.Op{Kind: "check", Path: history.Duty, Version: token}, set(history.Ledger, history.Entry(token, own.ID, 1), -1))
	}
}

// ended is the end of the call with that id; the last, if there are several.
func ended(t *testing.T, run *record.Run, id string) *record.Event {
	t.Helper()
	for i := range slices.Backward(run.Events) {
		if e := &run.Events[i]; e.Kind == history.Call && e.Type != record.Invoke && e.ID() == id {
			return e
		}
	}
	t.Fatalf("there is no call %s", id)
	return nil
}

// tell changes what a user was told.
func tell(t *testing.T, run *record.Run, id string, told history.Told) {
	t.Helper()
	recordtest.Change(ended(t, run, id), func(o *record.Own) {
		changed, err := record.NewOwn(o.Object, told)
		if err != nil {
			t.Fatal(err)
		}
		o.Data = changed.Data
	})
}

// rewrite changes the ops of the first write that has such a one, wherever it is on record.
func rewrite(t *testing.T, run *record.Run, such func(record.Op) bool, change func([]record.Op) []record.Op) {
	t.Helper()
	n := -1
	for i := range run.Events {
		e := &run.Events[i]
		if e.Kind != record.Write || e.Type != record.Invoke || !slices.ContainsFunc(e.Ops(), such) {
			continue
		}
		ops := change(slices.Clone(e.Ops()))
		n = int(e.Op) - 1
		recordtest.Change(e, func(r *record.Request) { r.Ops = ops })
		run.Exchanges[n].Ops = ops
		for j := range run.Commits {
			if run.Commits[j].Session == run.Exchanges[n].Session && run.Commits[j].Xid == run.Exchanges[n].Xid {
				run.Commits[j].Ops = ops
			}
		}
		return
	}
	t.Fatal("there is no such write")
}

func at(path string) func(record.Op) bool { return func(op record.Op) bool { return op.Path == path } }

// defects are what is planted into the sound run.
var defects = map[string]struct {
	plant   func(t *testing.T, run *record.Run)
	suspect string // the property that is violated; empty: the run is valid
	says    string
}{
	"as it is": {func(*testing.T, *record.Run) {}, "", ""},
	"an addition that was told to be not applied": {
		func(t *testing.T, run *record.Run) { ended(t, run, "add5").Type = record.Fail }, "AppliedOnce", "u2 was told at 8.000s that add on /values/sum was not applied and never will be, but it was applied",
	},
	"an addition that is not applied": {
		func(t *testing.T, run *record.Run) {
			rewrite(t, run, at(history.Sum), func([]record.Op) []record.Op { return []record.Op{create("/elsewhere", "")} })
		}, "AppliedOnce", "u1 was told at 4.000s that add on /values/sum is done, but no write of this call was applied",
	},
	"an addition that is applied twice": {
		func(t *testing.T, run *record.Run) {
			rewrite(t, run, at(history.Numbers), func([]record.Op) []record.Op { return []record.Op{set(history.Sum, "4", 0)} })
			for i := range run.Events {
				if e := &run.Events[i]; e.ID() == "add1" && e.Type == record.OK {
					e.At = 13 * time.Second
				}
			}
			run.Events = record.Merge(run.Events)
		}, "AppliedOnce", "u1 called add on /values/sum at 13.000s, and 2 writes of this call were applied",
	},
	"a sum that another addition has not counted": {
		func(t *testing.T, run *record.Run) { tell(t, run, "add5", history.Told{Sum: 3}) }, "CountersLinearizable", "no order",
	},
	"a block twice": {
		func(t *testing.T, run *record.Run) { tell(t, run, "block14", history.Told{First: 3, Last: 4}) }, "NumbersOnce", "u2 was told at 17.000s that 3 of /values/numbers is its own, but u1 had been told the same",
	},
	"a lost addition": {
		func(_ *testing.T, run *record.Run) { run.Evidence.Nodes[0].Data = "3" }, "SumKept", "/values/sum is 3 in the final tree, and what was added makes 5",
	},
	"a refusal of a version that is right": {
		func(t *testing.T, run *record.Run) { tell(t, run, "mode1", history.Told{Refused: true}) }, "ValuesLinearizable", "no order",
	},
	"a stale audit": {
		func(t *testing.T, run *record.Run) {
			tell(t, run, "audit", history.Told{Seen: map[string]int{"a": 12}})
		}, "TransactionsSerializable", "no order",
	},
	"an audit between two moments": {
		func(t *testing.T, run *record.Run) {
			tell(t, run, "audit", history.Told{Seen: map[string]int{"a": 12, "b": 1}})
		}, "MoneyKept", "u3 saw 13 units in all accounts of /bank at 41.000s, and there are 12",
	},
	"money that is gone": {
		func(_ *testing.T, run *record.Run) { run.Evidence.Nodes[2].Data = "0" }, "MoneyKept", "the final tree saw 11 units",
	},
	"a wait that ends while the barrier is set": {
		func(t *testing.T, run *record.Run) {
			for i := range run.Events {
				if e := &run.Events[i]; e.ID() == "wait" {
					e.At -= 5 * time.Second
				}
			}
			run.Events = record.Merge(run.Events)
		}, "WaitsEndInTime", "u3 was told at 55.000s that /barriers/gate is not set, but it was set from 44.000s on",
	},
	"a round without a participant": {
		func(t *testing.T, run *record.Run) {
			rewrite(t, run, at(history.Round+"/x-0000000000"), func([]record.Op) []record.Op { return []record.Op{create("/elsewhere", "")} })
		}, "RoundsWhole", "although /barriers/round/x-0000000000 was not there",
	},
	"a round that is too small": {
		func(t *testing.T, run *record.Run) {
			rewrite(t, run, at(history.Round+"/ready"), func(ops []record.Op) []record.Op {
				ops[1].Data = `{"round":1,"members":["x-0000000000"]}`
				return ops
			})
		}, "RoundsWhole", "was told at 65.000s that it is in round 1 of /barriers/round, but no such round began",
	},
	"one that leaves alone": {
		func(t *testing.T, run *record.Run) {
			for i := range run.Events {
				if e := &run.Events[i]; e.Process == "u2" && e.ID() == "stayu2" && e.At >= 70*time.Second {
					e.At += 4 * time.Second
				}
			}
			run.Events = record.Merge(run.Events)
		}, "LeaveTogether", "u1 left round 1 of /barriers/round at 72.000s, although u2 was in and had not asked to leave",
	},
	"two holders of the lease": {
		func(t *testing.T, run *record.Run) {
			for i := range run.Events {
				if e := &run.Events[i]; e.Kind == history.Tenure && e.Process == "u1" && e.Type == record.OK {
					e.At = 96 * time.Second
				}
			}
			run.Events = record.Merge(run.Events)
		}, "TenuresApart", "u1 (token 1) and u2 (token 2) both believed to hold /leases/duty for 2.000s",
	},
	"an entry without the lease": {
		func(t *testing.T, run *record.Run) {
			rewrite(t, run, at(history.Ledger), func(ops []record.Op) []record.Op { return ops[1:] })
		}, "LedgerFenced", "u1 wrote to the ledger at 86.000s in the name of token 1 of /leases/duty",
	},
	"an entry of an earlier holder": {
		func(t *testing.T, run *record.Run) {
			seen := false
			rewrite(t, run, func(op record.Op) bool {
				again := seen && op.Path == history.Ledger
				seen = seen || op.Path == history.Ledger
				return again
			}, func(ops []record.Op) []record.Op { ops[1].Data = history.Entry(0, "u3", 1); return ops })
		}, "LedgerFenced", "in the name of token 0",
	},
	"a lane in the final tree": {
		func(_ *testing.T, run *record.Run) {
			run.Evidence.Nodes = append(run.Evidence.Nodes, record.Node{Path: "/values/lane-x-0", Owner: "0x77"})
		}, "NothingLeft", "The final tree has /values/lane-x-0",
	},
	"users that do not finish": {
		func(_ *testing.T, run *record.Run) {
			run.Evidence.Drained, run.Evidence.Problem = false, "drain: nothing moved"
		}, "WorksAfterHeal", "the users did not finish: drain: nothing moved",
	},
}

// TestJudging_FindsEachDefect judges a sound run, and the same run with one defect each.
func TestJudging_FindsEachDefect(t *testing.T) {
	for name, c := range defects {
		t.Run(name, func(t *testing.T) {
			run := sound()
			c.plant(t, &run)
			r := checker.Check(run, 1, Judging(4))
			if c.suspect == "" {
				if len(r.Violations()) > 0 || r.Counts["calls"] != 18 || r.Counts["done"] != 17 || r.Counts["entries"] != 2 || r.Counts["rounds"] != 1 {
					t.Errorf("violated: %+v; %v", r.Violations(), r.Counts)
				}
				return
			}
			if p := checkertest.Property(t, r, c.suspect); p.Verdict != checker.Invalid || !strings.Contains(p.Reason, c.says) {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
		})
	}
}

// TestJudging_NothingHappened: a run in which no user did anything proves nothing.
func TestJudging_NothingHappened(t *testing.T) {
	r := checker.Check(recordtest.NewWritten(record.FromMemory).Run, 1, Judging(4))
	if !slices.Contains(r.Vacuous, "this never happened: money was transferred") {
		t.Errorf("%q", r.Vacuous)
	}
}
