package checker

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// The recipe of these tests keeps lamps. An event of a kind of its own says that a lamp
// broke, and none may. A lamp shows one number at a time, which clients set and see.
const (
	broke record.Kind = "lamp broke"
	sets  record.Kind = "lamp set"
	sees  record.Kind = "lamp seen"
)

const lampBroke wording.Code = "lamp broke"

// lamps is how runs with lamps are judged. The runs are of masters, workers and equal
// nodes, and a node holds several sessions.
var lamps = Judging{MayHold: func(process string) int {
	if record.RoleOf(process) == record.NodeRole {
		return 3
	}
	return 1
}, Judge: func(c *Case) Judgement {
	set, seen := record.Operations(c.Events, sets), record.Operations(c.Events, sees)
	all := Partitions{}
	for _, o := range set {
		all.At(o.Invoke.Object()).Add(&o, access{true, number(o)}, c.Until(&o))
	}
	for _, o := range seen {
		all.At(o.Invoke.Object()).Add(&o, access{false, number(o)}, c.Until(&o))
	}
	j := Judgement{
		Judges:   []Judge{{"LampsKept", func() Property { return lampsKept(c) }}, {Name: ServersAgree}},
		Searches: []Search{{Property: "LampLinearizable", Of: "lamp", Model: lampModel(), Partitions: all.Sorted()}},
		Counts:   map[string]int{"lamps": len(all)},
		Texts:    wording.Texts{lampBroke: "{object} broke at {at|time}."},
	}
	if len(set) == 1 {
		j.Vacuous = append(j.Vacuous, "it never happened that a lamp was set again")
	}
	return j
}}

func lampsKept(c *Case) Property {
	p := NewFindings("LampsKept")
	for _, e := range c.Events {
		if e.Kind == broke {
			p.Violate(wording.Finding{Code: lampBroke, Object: e.Object(), Args: wording.Args{"at": e.At}}, e)
		}
	}
	return p.Property("No lamp broke.")
}

// number is what a lamp was set to, or was seen to show.
func number(o record.Operation) int {
	n, _ := strconv.Atoi(o.Invoke.Own().Remark)
	return n
}

// access sets a lamp, or sees what it shows.
type access struct {
	sets  bool
	value int
}

func lampModel() porcupine.Model {
	return Specification[int, access]{
		Do: func(shown int, a access) (int, bool) {
			if a.sets {
				return a.value, true
			}
			return shown, shown == a.value
		},
		State: strconv.Itoa,
		Operation: func(a access) string {
			if a.sets {
				return "set " + strconv.Itoa(a.value)
			}
			return "see " + strconv.Itoa(a.value)
		},
	}.Model()
}

// lit is an operation on a lamp of two seconds.
func lit(run *record.Run, kind record.Kind, at, value int) {
	of := record.Own{Object: "lamp-1", Remark: strconv.Itoa(value)}
	n := int64(len(run.Events) + 1)
	for i, typ := range []record.Type{record.Invoke, record.OK} {
		run.Events = append(run.Events, record.Event{
			Seq: len(run.Events) + 1, At: time.Duration(at+2*i) * time.Second, Process: "client-" + strconv.Itoa(int(n)), Life: 1, Type: typ, Kind: kind, Op: n, Of: of,
		})
	}
	slices.SortStableFunc(run.Events, func(a, b record.Event) int { return int(a.At - b.At) })
}

// check judges a run with lamps.
func check(run record.Run) *Result { return Check(run, 1, lamps) }

func find(t *testing.T, r *Result, name string) Property {
	t.Helper()
	for _, p := range r.Properties {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no property %s", name)
	return Property{}
}
