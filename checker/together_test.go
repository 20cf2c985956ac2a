package checker

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// writers is a recipe whose participants write to one znode each, and none of them twice.
func writers(name string) Part {
	return Part{
		Name: name, Objects: "writes", Portion: record.Portion{Below: "/" + name, Name: func(process string) (string, bool) { return strings.CutPrefix(process, name+"-") }},
		Judging: Judging{Judge: func(c *Case) Judgement {
			return Judgement{
				Judges: []Judge{{Name: "WritesOnce", Judge: func() Property {
					p := NewFindings("WritesOnce")
					seen := map[string]bool{}
					for _, w := range c.Writes {
						path := w.Invoke.Ops()[0].Path
						if seen[path] {
							p.Violate(wording.Finding{Code: "written twice", Args: wording.Args{"process": w.Invoke.Process, "path": path}}, w.Invoke)
						}
						seen[path] = true
					}
					return p.Property("%d writes", len(c.Writes))
				}}, {Name: SessionsEnd}},
				Counts: map[string]int{"writes": len(c.Writes)}, Texts: wording.Texts{"written twice": "{process} wrote {path} again."},
			}
		}},
	}
}

// TestTogether_JudgesEachRecipeByItsPortion: one violates a property, and the other has a property
// of that name that holds; what every run has is judged once; and a fault counts for its target.
func TestTogether_JudgesEachRecipeByItsPortion(t *testing.T) {
	write := func(seq int, process, path string) record.Event {
		return record.Event{Seq: seq, At: 1, Process: process, Life: 1, Type: record.Invoke, Kind: record.Write, Op: int64(seq), Of: record.Request{Session: "0x" + process, Ops: []record.Op{{Kind: "create", Path: path}}}}
	}
	run := record.Run{Events: []record.Event{
		write(1, "a-w-1", "/a/x"), write(2, "b-w-1", "/b/x"), write(3, "b-w-1", "/b/x"),
		{Seq: 4, At: 2, Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: 1, Of: record.Injection{Fault: "kill-worker", Targets: []string{"a-w-1"}}},
		{Seq: 5, At: 3, Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: 1, Of: record.Injection{Fault: "kill-worker", Targets: []string{"a-w-1"}, Effective: true}},
	}}.MadeByHand()
	r := Check(run, 1, Together([]Part{writers("a"), writers("b")}))
	verdicts := map[string]Verdict{}
	for _, p := range r.Properties {
		verdicts[p.Name] = p.Verdict
	}
	if r.Verdict != Invalid || verdicts["a/WritesOnce"] != Valid || verdicts["b/WritesOnce"] != Invalid || verdicts[SessionsEnd] != Valid || len(r.Properties) != 7 {
		t.Errorf("%s: %v", r.Verdict, verdicts)
	}
	if p := r.Violations()[0]; p.Reason != "w-1 wrote /x again." || !slices.Equal(p.Events, []int{3}) {
		t.Errorf("%+v", p)
	}
	if r.Counts["a/writes"] != 1 || r.Counts["b/writes"] != 2 || r.Counts["objects"] != 3 {
		t.Errorf("%v", r.Counts)
	}
	if want := []string{"the recipe b: no fault was effective on its participants or on the servers"}; !slices.Equal(r.Vacuous, want) {
		t.Errorf("vacuous %q", r.Vacuous)
	}
}
