package shrink

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestHistory_OfAnyRecipe narrows a stranger's run to the lock that is held twice, and then
// to what shows it.
func TestHistory_OfAnyRecipe(t *testing.T) {
	var run record.Run
	add := func(e record.Event) {
		e.Seq = len(run.Events) + 1
		run.Events = append(run.Events, e)
	}
	op := int64(0)
	for _, held := range []struct{ process, lock string }{{"a", "l1"}, {"b", "l2"}, {"c", "l2"}, {"c", "l2"}, {"a", "l3"}} {
		op++
		node := []record.Op{{Kind: "create", Path: "/locks/" + held.lock}, {Kind: "set", Path: "/locks"}}
		add(record.Event{Process: held.process, Type: record.Invoke, Kind: "hold", Op: op, Of: record.Own{Object: held.lock, ID: "id-" + held.lock}})
		add(record.Event{Process: held.process, Type: record.Invoke, Kind: record.Write, Op: op + 100, Of: record.Request{Ops: node}})
		add(record.Event{Process: held.process, Type: record.OK, Kind: record.Write, Op: op + 100, Of: record.Request{}})
		add(record.Event{Process: held.process, Type: record.OK, Kind: "hold", Op: op, Of: record.Own{Object: held.lock}})
		add(record.Event{Process: held.process, Type: record.Note, Kind: "looked", Of: record.Own{ID: "id-" + held.lock}})
	}
	znodes := record.Objects{
		Of:     func(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, "/locks"), "/") },
		Notice: func(op record.Op) bool { return op.Path == "/locks" },
	}
	// A lock is held twice if two processes hold it.
	judge := func(part record.Run) []checker.Property {
		p := checker.Property{Name: "OneHolder", Verdict: checker.Valid}
		holders := map[string]string{}
		for _, e := range part.Events {
			if e.Kind != "hold" || e.Type != record.Invoke {
				continue
			}
			if other, held := holders[e.Object()]; held && other != e.Process && p.Verdict == checker.Valid {
				p.Verdict, p.Findings = checker.Invalid, []wording.Finding{{Property: p.Name, Code: "two holders", Object: e.Object()}}
			}
			holders[e.Object()] = e.Process
		}
		return []checker.Property{p}
	}
	index := record.NewIndex(run, znodes)
	if part := only(index, []string{"l2"}); len(part.Events) != 15 {
		t.Errorf("of the lock are %d events, and a note by its id alone: %+v", len(part.Events), part.Events)
	}
	s := History(t.Context(), index, judge(run)[0], judge)
	if !s.Minimal || s.Left != (Size{4, 1}) || s.Of != (Size{25, 3}) {
		t.Errorf("left is %+v of %+v, minimal %v: %+v", s.Left, s.Of, s.Minimal, s.Run.Events)
	}
}
