package checker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/synthetic"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// longTasks makes a history of about 20,000 operations.
const longTasks = 3400

// TestALongValidHistory: in a long history everything holds, and every property had
// something to hold for.
func TestALongValidHistory(t *testing.T) {
	r := synthetic.Run(1, longTasks)
	if n := r.Operations(); n < 20000 {
		t.Fatalf("%d operations are no long history", n)
	}
	got := Check(r.Run(), 1)
	unrecorded := []string{"WritesAccounted", "ServersAgree"} // they need logs of servers
	for _, p := range got.Properties {
		if p.Verdict != Valid && !(p.Verdict == Skipped && slices.Contains(unrecorded, p.Name)) {
			t.Errorf("%s is %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	if got.Verdict != Valid {
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

// TestOneDefectInALongHistoryIsFound plants one at a time.
func TestOneDefectInALongHistoryIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestOneDefectInALongHistoryIsFound: make test runs it, make quick does not")
	}
	for _, c := range planted {
		t.Run(c.name, func(t *testing.T) {
			r := synthetic.Run(1, longTasks)
			c.plant(r)
			got := Check(r.Run(), 1)
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

// TestALongSearchIsCutShort: a search that would remember too much, or that is too long,
// is unknown, and no picture is drawn of it.
func TestALongSearchIsCutShort(t *testing.T) {
	stuck := func(open int) *partition {
		p := &partition{name: "t", model: aloneModel()}
		ops := alone(synthetic.Contested(open).Events)
		p.ops, p.seqs = ops, make([]int, len(ops))
		return p
	}
	p := stuck(12)
	long := &partition{name: "long", model: taskModel()}
	for range maxLength + 1 {
		long.ops = append(long.ops, p.ops[0])
	}
	fine := stuck(0)
	got := searchWithin(limits{time.Now().Add(time.Hour), 1 << 20}, "TaskLinearizable", "task", []*partition{p, long})
	if got.Verdict != Unknown || !strings.Contains(got.Reason, "t: the search was cut short") || !strings.Contains(got.Reason, "long was not searched") {
		t.Errorf("%s: %s", got.Verdict, got.Reason)
	}
	if got := search("TaskLinearizable", "task", []*partition{long, fine}); got.Verdict != Invalid {
		t.Errorf("doubt hides a violation: %s", got.Reason)
	}
	if drawn := choose([]*partition{p, long, fine}); len(drawn) != 1 || drawn[0] != fine {
		t.Errorf("%d are drawn", len(drawn))
	}
}

// TestThinningChangesNoVerdict holds elections with many writes against the same ones
// with all of them: late and early writes on either side, each of which decides.
func TestThinningChangesNoVerdict(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after int // the write at that place is late, or early; -1 for none
		want          Verdict
	}{
		{"all in order", -1, -1, Valid}, {"the first write before is sent late", 0, -1, Invalid}, {"the last write after is answered early", -1, 3*nearest - 1, Invalid},
	} {
		p := &partition{name: "epoch", model: electionModel()}
		add := func(verb string, from, to int) {
			op := record.Operation{Invoke: record.Event{At: millis(from), Seq: len(p.ops) + 1}, Done: record.Event{Type: record.OK}}
			p.add(&op, step{verb: verb}, millis(to))
		}
		for i := range 3 * nearest {
			from := 10 * i
			if i == c.before {
				from = 5000
			}
			add("before", from, from+15)
		}
		add("elect", 1000, 2000)
		for i := range 3 * nearest {
			from := 3000 + 10*i
			if i == c.after {
				from = 500
			}
			add("after", from, from+15)
		}
		all := p.ops
		p.thin()
		if len(p.ops) != 2*nearest+1 || len(p.seqs) != len(p.ops) {
			t.Fatalf("%s: %d operations are left", c.name, len(p.ops))
		}
		whole := &partition{name: "whole", model: electionModel(), ops: all, seqs: make([]int, len(all))}
		for _, part := range []*partition{p, whole} {
			if got := search("ElectionLinearizable", "election", []*partition{part}); got.Verdict != c.want {
				t.Errorf("%s, %s: %s", c.name, part.name, got.Verdict)
			}
		}
	}
}

// TestInParallel: everything is done once, and a panic is the caller's.
func TestInParallel(t *testing.T) {
	done := make([]int, 1000)
	inParallel(slices.Values(done), func(n, _ int) { done[n]++ })
	if slices.ContainsFunc(done, func(times int) bool { return times != 1 }) {
		t.Errorf("done %v times", done)
	}
	defer func() {
		if cause := recover(); fmt.Sprint(cause) != "at 7" {
			t.Errorf("recovered %v", cause)
		}
	}()
	inParallel(slices.Values(done), func(n, _ int) {
		if n == 7 {
			panic("at 7")
		}
	})
	t.Error("nobody has panicked")
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
