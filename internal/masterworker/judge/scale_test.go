package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// longTasks makes a history of about 20,000 operations.
const longTasks = 3400

// TestJudging_LongValidHistory: in a long history everything holds, and every property had
// something to hold for.
func TestJudging_LongValidHistory(t *testing.T) {
	r := synthetic.Run(1, longTasks)
	if n := r.Operations(); n < 20000 {
		t.Fatalf("%d operations are no long history", n)
	}
	got := check(r.Run())
	unrecorded := []string{"WritesAccounted", "ServersAgree"} // they need logs of servers
	for _, p := range got.Properties {
		if p.Verdict != checker.Valid && !(p.Verdict == checker.Skipped && slices.Contains(unrecorded, p.Name)) {
			t.Errorf("%s is %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	if got.Verdict != checker.Valid {
		t.Errorf("the verdict is %s %v", got.Verdict, got.Vacuous)
	}
	for _, name := range []string{"collected", "cancelled", "failed", "elections", "effects_refused", "attempts_lost", "ambiguous", "resolved_applied", "resolved_lost"} {
		if got.Counts[name] == 0 {
			t.Errorf("%s: none", name)
		}
	}
}

// planted are defects of one event, exchange or znode, in the middle of a long history,
// with the properties that must name them.
var planted = []struct {
	name  string
	plant func(r *synthetic.Record)
	found []string
}{
	{"a client is told another result", func(r *synthetic.Record) {
		told := middle(r, record.Await, record.OK, func(e *record.Event) bool { return e.Answer().State == "done" })
		recordtest.Change(told, func(a *record.Answer) { a.Result = "of nobody" })
	}, []string{"NoDoubleResult", "TaskLinearizable"}},
	{"an accepted task is gone", func(r *synthetic.Record) {
		gone := r.Evidence.Nodes[len(r.Evidence.Nodes)/2].Path
		task := record.TaskOf(gone)
		r.Evidence.Nodes = slices.DeleteFunc(r.Evidence.Nodes, func(n record.Node) bool {
			return n.Path == "/tasks/"+task || strings.HasPrefix(n.Path, "/tasks/"+task+"/")
		})
	}, []string{"NoLostTask", "NoPhantomTask"}},
	{"a status is overwritten", func(r *synthetic.Record) {
		at := slices.IndexFunc(r.Evidence.Nodes, func(n record.Node) bool { return strings.HasSuffix(n.Path, "/status") })
		r.Evidence.Nodes[at].Version = 1
	}, []string{"NoDoubleResult"}},
	{"an attempt is executed twice", func(r *synthetic.Record) {
		done := middle(r, record.Execute, record.OK, func(e *record.Event) bool { return e.Token().Attempt == 2 })
		for i := range r.Events {
			if e := &r.Events[i]; e.Kind == record.Execute && e.Type == record.Invoke && e.Process == done.Process && e.Op == done.Op {
				recordtest.Change(e, func(x *record.Execution) { x.Attempt = 1 })
			}
		}
	}, []string{"UniqueAttempts", "ResultFromItsAttempt"}},
	{"a stale execution acts", func(r *synthetic.Record) {
		refused := middle(r, record.Effect, record.Note, func(e *record.Event) bool { return !e.Act().Accepted })
		recordtest.Change(refused, func(a *record.Act) { a.Accepted = true })
	}, []string{"StaleEffectsFenced"}},
	{"a deposed master's write is accepted", func(r *synthetic.Record) {
		w := middle(r, record.Write, record.Invoke, func(e *record.Event) bool {
			return len(e.Ops()) == 1 && e.Ops()[0].Path == "/assign" && e.Ops()[0].Version > 1
		})
		recordtest.Change(w, func(q *record.Request) { q.Ops = slices.Clone(q.Ops); q.Ops[0].Version = 1 })
	}, []string{"SingleMaster", "ElectionLinearizable"}},
	{"a write goes over the wire in the name of an older epoch", func(r *synthetic.Record) {
		for i := len(r.Exchanges) / 2; ; i++ {
			if x := &r.Exchanges[i]; x.Ops[0].Path == "/assign" && x.Ops[0].Kind == "check" && x.Error == "" {
				x.Ops = slices.Clone(x.Ops)
				x.Ops[0].Version--
				return
			}
		}
	}, []string{"FollowsProtocol"}},
}

// middle is the first event from the middle on that is of that kind and like that.
func middle(r *synthetic.Record, kind record.Kind, typ record.Type, like func(*record.Event) bool) *record.Event {
	for i := len(r.Events) / 2; ; i++ {
		if e := &r.Events[i]; e.Kind == kind && e.Type == typ && like(e) {
			return e
		}
	}
}

// TestJudging_FindsOneDefectInALongHistory plants one at a time.
func TestJudging_FindsOneDefectInALongHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestJudging_FindsOneDefectInALongHistory: make test runs it, make quick does not")
	}
	for _, c := range planted {
		t.Run(c.name, func(t *testing.T) {
			r := synthetic.Run(1, longTasks)
			c.plant(r)
			got := check(r.Run())
			var violated []string
			for _, p := range got.Violations() {
				violated = append(violated, p.Name)
			}
			for _, name := range c.found {
				if !slices.Contains(violated, name) {
					t.Errorf("%s is not violated, but %v", name, violated)
				}
			}
			if len(violated) > len(c.found) {
				t.Errorf("violated are %v, want %v", violated, c.found)
			}
		})
	}
}
