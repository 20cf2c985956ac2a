package judge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
)

// These compare the checker with porcupine alone, which gets the same history as a
// linearizability checker usually does: a write of unknown outcome may have taken effect
// at any time until the end, or never.

// maybe is the verb of a record of unknown outcome.
const maybe = "maybe"

// aloneModel is that of a task with records of unknown outcome. One that was never
// applied comes after everything else, where it harms nobody.
func aloneModel() porcupine.Model {
	known := taskModel()
	m := known
	m.Step = func(state, input, output any) (bool, any) {
		s := input.(step)
		if s.verb != maybe {
			return known.Step(state, input, output)
		}
		if next, ok := state.(Task).Record(parseStatus(s.status).seen()); ok {
			return true, next
		}
		return true, state
	}
	return m
}

// alone is what porcupine gets of a history of one task.
func alone(events []record.Event) []porcupine.Operation {
	p := checker.Partition{}
	for _, s := range record.Operations(events, record.Submit) {
		p.Add(&s, step{verb: "submit"}, s.Done.At)
	}
	for _, w := range record.Operations(events, record.Write) {
		for _, op := range w.Invoke.Ops() {
			switch {
			case op.Kind != "create" || !strings.HasSuffix(op.Path, "/status"):
			case w.Outcome() == record.Info:
				p.Add(&w, step{verb: maybe, status: op.Data}, math.MaxInt64)
			default:
				p.Add(&w, step{verb: "record", status: op.Data}, w.Done.At)
			}
		}
	}
	for _, a := range record.Operations(events, record.Await) {
		p.Add(&a, step{verb: "observe", status: observed(a.Done)}, a.Done.At)
	}
	return p.Operations
}

// access reads or writes a register.
type access struct {
	write bool
	value int
}

var registerModel = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, _ any) (bool, any) {
		a := input.(access)
		if a.write {
			return true, a.value
		}
		return state.(int) == a.value, state
	},
}

// register is a history of 200 accesses to a register by five clients, half of them
// writes, each beside four others on either side. The first ones of those are writes of
// unknown outcome, and the third last is a reading of what nobody has written.
func register(pending int) []porcupine.Operation {
	const length, clients = 200, 5
	random := rand.New(rand.NewPCG(1, 0))
	ops := make([]porcupine.Operation, length)
	value := 0
	for at := range ops {
		now := int64(at) * 10
		op := porcupine.Operation{ClientId: at % clients, Input: access{value: value}, Call: now - 20, Return: now + 25}
		if at < pending || random.IntN(2) == 0 {
			value = at + 1
			op.Input = access{true, value}
		}
		if at < pending {
			op.ClientId, op.Return = clients+at, math.MaxInt64
		}
		if at == length-3 {
			op.Input = access{value: -1}
		}
		ops[at] = op
	}
	return ops
}

// TestJudging_EvidenceDecidesWhatSearchCannot: with few writes of unknown outcome porcupine
// alone agrees that the history is impossible, and that it is possible without the one
// reading that is. With any number the checker names that reading.
func TestJudging_EvidenceDecidesWhatSearchCannot(t *testing.T) {
	for _, pending := range []int{0, 1, 2, 4, 12} {
		r := synthetic.Contested(pending)
		ops := alone(r.Events)
		if len(ops) != 200 {
			t.Fatalf("%d operations", len(ops))
		}
		if pending <= 4 {
			if porcupine.CheckOperations(aloneModel(), ops) {
				t.Errorf("%d pending: porcupine alone explains what is impossible", pending)
			}
			possible := slices.Delete(slices.Clone(ops), len(ops)-3, len(ops)-2)
			if !porcupine.CheckOperations(aloneModel(), possible) {
				t.Errorf("%d pending: porcupine alone does not explain the rest", pending)
			}
			if porcupine.CheckOperations(registerModel, register(pending)) {
				t.Errorf("%d pending: the register has an impossible reading", pending)
			}
		}
		got := check(r.Run())
		var violated []string
		for _, p := range got.Violations() {
			violated = append(violated, p.Name)
		}
		if !slices.Equal(violated, []string{"NoDoubleResult", "TaskLinearizable"}) {
			t.Errorf("%d pending: violated are %v", pending, violated)
		}
		for name, want := range map[string]int{"resolved_applied": min(pending, 1), "resolved_lost": max(pending-1, 0), "still_unknown": 0} {
			if got.Counts[name] != want {
				t.Errorf("%d pending: %s is %d, want %d", pending, name, got.Counts[name], want)
			}
		}
	}
}

// TestJudging_NoSearchWithoutEvidence: what nothing resolves is not searched beyond
// maxOpen, and that is doubt, never a pass. What two clients were told needs no evidence.
func TestJudging_NoSearchWithoutEvidence(t *testing.T) {
	r := synthetic.Contested(12)
	got := check(record.Run{Events: r.Events, Evidence: &record.Evidence{Problem: "nobody can read it"}}.MadeByHand())
	for name, want := range map[string]checker.Verdict{"NoDoubleResult": checker.Invalid, "TaskLinearizable": checker.Unknown} {
		at := slices.IndexFunc(got.Properties, func(p checker.Property) bool { return p.Name == name })
		if p := got.Properties[at]; p.Verdict != want {
			t.Errorf("%s is %s, want %s: %s", name, p.Verdict, want, p.Reason)
		}
	}
	if got.Counts["still_unknown"] != 12 {
		t.Errorf("%d are still unknown", got.Counts["still_unknown"])
	}
}

// aloneLimit is when porcupine alone gives up.
const aloneLimit = 30 * time.Second

// BenchmarkPending prints how long porcupine alone takes to find that 200 operations are
// impossible, and how long the checker takes for all its properties, by the number of
// writes of unknown outcome. Ratios are to porcupine alone without any.
func BenchmarkPending(b *testing.B) {
	for b.Loop() {
		var base time.Duration
		for pending := 0; pending <= 12; pending += 2 {
			r := synthetic.Contested(pending)
			task, taskSays := porcupineTakes(aloneModel(), alone(r.Events))
			reg, registerSays := porcupineTakes(registerModel, register(pending))
			began := time.Now()
			verdict := check(r.Run()).Verdict
			ours := time.Since(began)
			if pending == 0 {
				base = task
			}
			show := func(d time.Duration, says any) string {
				return fmt.Sprintf("%9.1f ms %9.1fx %-8v", float64(d.Microseconds())/1000, float64(d)/float64(base), says)
			}
			b.Logf("%2d pending: porcupine alone, task %s register %s; checker %s", pending, show(task, taskSays), show(reg, registerSays), show(ours, verdict))
		}
	}
}

func porcupineTakes(m porcupine.Model, ops []porcupine.Operation) (time.Duration, porcupine.CheckResult) {
	runtime.GC()
	began := time.Now()
	says := porcupine.CheckOperationsTimeout(m, ops, aloneLimit)
	return time.Since(began), says
}
