package protocol

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// budget is that of the synthetic runs.
const budget = 3

// followsAlike holds [Part.Follow] against [Follow] on every trace of a run. It returns
// how many traces were accepted without being built, and how many were not accepted.
func followsAlike(t *testing.T, name string, exchanges []record.Exchange) (quick, bad int) {
	t.Helper()
	traces, n := Split(exchanges, budget), 0
	for p := range Parts(exchanges, budget) {
		built, got := p.Follow()
		want := Follow(&traces[n])
		if got != want {
			t.Fatalf("%s: %s: a part gives %+v, and its trace gives %+v", name, traces[n].Name(), got, want)
		}
		if built == nil {
			quick++
		}
		if !want.Accepted {
			bad++
		}
		n++
	}
	if n != len(traces) {
		t.Fatalf("%s: %d parts and %d traces", name, n, len(traces))
	}
	return quick, bad
}

// spoil changes one exchange.
func spoil(x *record.Exchange, r *rand.Rand) {
	op := &record.Op{}
	if len(x.Ops) > 0 {
		x.Ops = slices.Clone(x.Ops)
		op = &x.Ops[r.IntN(len(x.Ops))]
	}
	switch r.IntN(7) {
	case 0:
		op.Version++
	case 1:
		op.Data = ""
	case 2:
		x.Answered, x.Zxid = 0, 0
	case 3:
		x.Zxid = max(1, x.Zxid+r.Int64N(200)-100)
	case 4:
		x.Error, x.Index = record.BadVersion, r.IntN(2)
	case 5:
		x.Error = record.SessionExpired
	case 6:
		x.Close, x.Ops = true, nil
	}
}

// TestParts_AreFollowedAsTheirTraces: going on from the claims that the task before began
// with, as a part does, gives the outcome of the whole trace: for runs as they were
// recorded, and with a few exchanges changed.
func TestParts_AreFollowedAsTheirTraces(t *testing.T) {
	wires := map[string][]record.Exchange{"synthetic": synthetic.Run(3, 3600).Exchanges}
	for _, name := range []string{"FollowsProtocol-assigned-twice-bad", "FollowsProtocol-attempt-skipped-bad"} {
		wires[name] = recordtest.Wire(t, name)
	}
	r := rand.New(rand.NewPCG(1, 1))
	quick, bad := 0, 0
	for _, name := range slices.Sorted(maps.Keys(wires)) {
		more, _ := followsAlike(t, name, wires[name])
		quick += more
		for round := range 12 {
			changed := slices.Clone(wires[name])
			for range 1 + r.IntN(6) {
				spoil(&changed[r.IntN(len(changed))], r)
			}
			more, wrong := followsAlike(t, fmt.Sprintf("%s, changed in round %d", name, round), changed)
			quick, bad = quick+more, bad+wrong
		}
	}
	if quick < 10_000 || bad < 20 {
		t.Errorf("%d traces were accepted without being built, and %d were not accepted", quick, bad)
	}
}

// TestParts_LeaveTheirBeginningAsItWas: the trace of a task goes on to an election, with
// the very state that the next task begins with. The next task has a write that only
// that election allows, before the election.
func TestParts_LeaveTheirBeginningAsItWas(t *testing.T) {
	var exchanges []record.Exchange
	add := func(session string, why record.Refusal, ops ...record.Op) {
		x := record.Exchange{Process: session, Session: session, Zxid: int64(len(exchanges) + 1), Index: -1, Error: why, Ops: ops}
		if x.Sent, x.Answered = millis(len(exchanges)), millis(len(exchanges)+1); why != "" {
			x.Index = 0
		}
		exchanges = append(exchanges, x)
	}
	create := func(path, data string, ephemeral bool) record.Op {
		return record.Op{Kind: "create", Path: path, Data: data, Ephemeral: ephemeral}
	}
	check := func(path string, version int32) record.Op {
		return record.Op{Kind: "check", Path: path, Version: version}
	}
	claim := func(path string, version int32) record.Op {
		return record.Op{Kind: "set", Path: path, Version: version, Data: `{"holder":"h","acks":true}`}
	}
	add("m1", "", create("/tasks", "", false))
	add("w", "", create("/assign/w", "", false))
	add("w", "", create("/workers/w", "", true), claim("/assign/w", 0))
	add("m1", "", create("/master", "", true), claim("/assign", 0))
	add("c", record.NoNode, create("/tasks/t1/status", `{"state":"cancelled"}`, false), record.Op{Kind: "set", Path: "/tasks", Version: anyVersion})
	add("c", "", create("/tasks/t2", `{"id":"2"}`, false))
	add("m2", "", check("/assign", 2), check("/workers/w", anyVersion), check("/assign/w", 1), create("/assign/w/t2", `{"epoch":2,"attempt":1,"incarnation":1}`, false))
	add("m2", "", create("/master", "", true), claim("/assign", 1))
	add("c", "", create("/tasks/t1", `{"id":"1"}`, false))
	add("m2", "", check("/assign", 2), check("/workers/w", anyVersion), check("/assign/w", 1), create("/assign/w/t1", `{"epoch":2,"attempt":1,"incarnation":1}`, false))
	for i := range exchanges {
		for n, op := range exchanges[i].Ops {
			if op.Kind == "set" && strings.HasPrefix(op.Path, "/assign") {
				exchanges[i].Ops[n].Got = op.Version + 1
			}
		}
	}
	if quick, bad := followsAlike(t, "by hand", exchanges); quick != 1 || bad != 1 {
		t.Errorf("%d traces were accepted without being built, and %d were not accepted", quick, bad)
	}
}

// TestStates_AreEqualIfTheirKeysAre: a comparison and a key never contradict each other.
func TestStates_AreEqualIfTheirKeysAre(t *testing.T) {
	var all []*state
	for _, trace := range readCorpus(t) {
		s := initial(len(trace.Workers))
		for i := range trace.Writes {
			if n, why := s.answered(&trace.Writes[i]); why == "" {
				all, s = append(all, n, n.without(1+i%len(trace.Sessions))), n
			}
		}
		for _, flip := range []func(*task){
			func(t *task) { t.exists = !t.exists }, func(t *task) { t.parted = !t.parted }, func(t *task) { t.resident = !t.resident },
			func(t *task) { t.lives++ }, func(t *task) { t.past++ }, func(t *task) { t.budget++ }, func(t *task) { t.progress++ }, func(t *task) { t.status.Attempt++ },
		} {
			n := *s
			flip(&n.task)
			all = append(all, &n)
		}
		if len(all) > 1200 {
			break
		}
	}
	equal := 0
	for _, a := range all {
		for _, b := range all {
			if len(a.workers) == len(b.workers) && a.equal(b) != (a.key() == b.key()) {
				t.Fatalf("%+v and %+v: equal is %v", a, b, a.equal(b))
			}
			if a != b && a.equal(b) {
				equal++
			}
		}
	}
	if equal == 0 {
		t.Error("no two states are equal")
	}
}
