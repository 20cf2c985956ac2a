package checker

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestCheck_FailingJudgeIsUnknown(t *testing.T) {
	if p := guarded("X", func() Property { panic("boom") }); p.Verdict != Unknown || !strings.Contains(p.Reason, "boom") {
		t.Errorf("got %+v", p)
	}
}

func TestWorst_IsALattice(t *testing.T) {
	if Worst(Valid, Vacuous, Unknown) != Unknown || Worst(Unknown, Invalid, Valid) != Invalid || Worst() != Valid {
		t.Error("the worst must count")
	}
	for v, want := range map[Verdict]exit.Code{Valid: exit.Done, Invalid: exit.Invalid, Unknown: exit.Unknown, Vacuous: exit.Vacuous, "": exit.NotCarriedOut} {
		if v.ExitCode() != want {
			t.Errorf("%s: exit code %d, want %d", v, v.ExitCode(), want)
		}
	}
}

// TestCheck_OfARecipeOfItsOwn judges runs of a recipe with events, judges, numbers and a
// search of its own, beside what is judged of every run.
func TestCheck_OfARecipeOfItsOwn(t *testing.T) {
	run := recordtest.Committed(t)
	lit(&run, sets, 1, 5)
	lit(&run, sets, 2, 6)
	lit(&run, sees, 2, 5)
	r := check(run)
	var names []string
	for _, p := range r.Properties {
		names = append(names, p.Name)
		if p.Verdict != Valid {
			t.Errorf("%s is %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	if want := []string{RecordComplete, "LampsKept", ServersAgree, SessionsEnd, NoCrash, WritesAccounted, "LampLinearizable"}; !slices.Equal(names, want) {
		t.Errorf("judged are %v, want %v", names, want)
	}
	if r.Counts["lamps"] != 1 || r.Counts["faults_effective"] == 0 || r.Verdict != Valid {
		t.Errorf("%s, %v", r.Verdict, r.Counts)
	}
	lit(&run, sees, 9, 7)
	if p := find(t, check(run), "LampLinearizable"); p.Verdict != Invalid || p.Reason != "lamp-1: no order of its 4 operations explains their results." {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
}

// TestCheck_SaysWhatIsFound in the words of the recipe, and in those of every recipe.
func TestCheck_SaysWhatIsFound(t *testing.T) {
	run := violatedRun(t)
	last := run.Events[len(run.Events)-1]
	run.Events = append(run.Events, record.Event{Seq: last.Seq + 1, At: last.At, Process: "harness", Type: record.Note, Kind: record.Process, Of: record.ProcessChange{Fate: record.Crashed, Of: record.Life{Process: "client-1", Number: 1}}})
	r := check(run)
	for name, want := range map[string]string{
		"LampsKept": "lamp-1 broke at " + wording.Seconds(last.At) + ".", NoCrash: "client-1/1 crashed",
	} {
		p := find(t, r, name)
		if p.Verdict != Invalid || !strings.HasPrefix(p.Reason, want) || len(p.Findings) != 1 || p.Findings[0].Says != p.Reason {
			t.Errorf("%s: %s; %+v", p.Verdict, p.Reason, p.Findings)
		}
	}
}

// TestCheck_RefusesTwoSentences of one code: such judges judge no run.
func TestCheck_RefusesTwoSentences(t *testing.T) {
	r := Check(recordtest.Committed(t), 1, Judging{MayHold: lamps.MayHold, Judge: func(*Case) Judgement {
		return Judgement{Texts: wording.Texts{wording.Crashed: "{process} fell asleep."}}
	}})
	if p := find(t, r, RecipeJudged); r.Verdict != Unknown || !strings.Contains(p.Reason, "has two sentences") {
		t.Errorf("%s: %s", r.Verdict, p.Reason)
	}
}

// TestCheck_Vacuous: the reasons of the recipe stand beside the one of every recipe.
func TestCheck_Vacuous(t *testing.T) {
	run := record.Run{Events: []record.Event{}}
	lit(&run, sets, 1, 5)
	r := check(run.MadeByHand())
	if want := []string{"no fault was effective", "it never happened that a lamp was set again"}; r.Verdict != Vacuous || !slices.Equal(r.Vacuous, want) {
		t.Errorf("%s: %q", r.Verdict, r.Vacuous)
	}
}

// TestCheck_RefusesWrongJudges: a recipe brings a judge without a verdict, or a judge
// under the name of a property of every run. Its property is unknown.
func TestCheck_RefusesWrongJudges(t *testing.T) {
	judging := Judging{Judge: func(*Case) Judgement {
		return Judgement{Judges: []Judge{{Name: "NoSuch"}, {NoCrash, func() Property { return Property{Name: NoCrash, Verdict: Valid} }}}}
	}}
	r := Check(recordtest.Committed(t), 1, judging)
	for name, says := range map[string]string{"NoSuch": "it has no function", NoCrash: "has this name"} {
		if p := find(t, r, name); p.Verdict != Unknown || !strings.Contains(p.Reason, says) {
			t.Errorf("%s is %s: %s", name, p.Verdict, p.Reason)
		}
	}
}

// TestSearch_WritesLinearizability draws what failed, what did not, and a run without a search.
func TestSearch_WritesLinearizability(t *testing.T) {
	run := recordtest.Committed(t)
	lit(&run, sets, 1, 5)
	valid := check(run)
	lit(&run, sees, 9, 6)
	for says, r := range map[string]*Result{"lamp-1: set 5": valid, "lamp-1: see 6": check(run), "<html": Check(run, 1, Judging{Judge: func(*Case) Judgement { return Judgement{} }})} {
		var page bytes.Buffer
		if err := r.WriteLinearizability(&page); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{says, "kill-"} {
			if !strings.Contains(page.String(), part) {
				t.Errorf("the picture lacks %q", part)
			}
		}
	}
}

// TestCheck_OutlivesAModelThatFails: porcupine calls the model of a recipe in goroutines of
// its own, and a panic there is that of the one judge.
func TestCheck_OutlivesAModelThatFails(t *testing.T) {
	run := recordtest.Committed(t)
	lit(&run, sets, 1, 5)
	r := Check(run, 1, Judging{MayHold: lamps.MayHold, Judge: func(c *Case) Judgement {
		j := lamps.Judge(c)
		j.Searches[0].Model.Step = func(any, any, any) (bool, any) { panic("boom") }
		return j
	}})
	if p := find(t, r, "LampLinearizable"); r.Verdict != Unknown || p.Verdict != Unknown || !strings.Contains(p.Reason, "boom") {
		t.Errorf("%s; %s: %s", r.Verdict, p.Verdict, p.Reason)
	}
	if err := r.WriteLinearizability(io.Discard); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("it was drawn: %v", err)
	}
}

// TestCheck_NoVerdictIsUnknown: a judge that says nothing has not found that all is well.
func TestCheck_NoVerdictIsUnknown(t *testing.T) {
	r := Check(recordtest.Committed(t), 1, Judging{MayHold: lamps.MayHold, Judge: func(*Case) Judgement {
		return Judgement{Judges: []Judge{{"Silent", func() Property { return Property{} }}}}
	}})
	if p := find(t, r, "Silent"); p.Verdict != Unknown || !strings.Contains(p.Reason, "is not a verdict") {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
}

// TestSearch_GivesUp makes a partition that is not to be searched: it is unknown,
// never a pass.
func TestSearch_GivesUp(t *testing.T) {
	s := Search{Property: "X", Of: "lamp", Model: lampModel(), Partitions: []*Partition{{Name: "l", Open: maxOpen + 1}}}
	if got := s.Judge(); got.Verdict != Unknown {
		t.Errorf("got %+v", got)
	}
}

// TestSearch_LongOneIsCutShort: a search that would remember too much, or that is too long,
// is unknown, and no picture is drawn of it.
func TestSearch_LongOneIsCutShort(t *testing.T) {
	impossible := func(name string, concurrent int) *Partition {
		p := &Partition{Name: name}
		for i := range concurrent {
			p.Add(&record.Operation{Invoke: record.Event{At: 1, Seq: i + 1}}, access{true, i}, time.Second)
		}
		p.Add(&record.Operation{Invoke: record.Event{At: 1, Seq: concurrent + 1}}, access{false, -1}, time.Second)
		return p
	}
	stuck, fine := impossible("stuck", 20), impossible("fine", 2)
	long := &Partition{Name: "long"}
	for range maxLength + 1 {
		long.Operations = append(long.Operations, fine.Operations[0])
	}
	search := func(all ...*Partition) Search {
		return Search{Property: "X", Of: "lamp", Model: lampModel(), Partitions: all}
	}
	got := search(stuck, long).within(limits{time.Now().Add(time.Hour), 1 << 20}).told(wording.Everywhere())
	if got.Verdict != Unknown || !strings.Contains(got.Reason, "stuck: the search reached its limit") || !strings.Contains(got.Reason, "long was not searched") {
		t.Errorf("%s: %s", got.Verdict, got.Reason)
	}
	if got := search(long, fine).Judge(); got.Verdict != Invalid {
		t.Errorf("doubt hides a violation: %s", got.Reason)
	}
	if drawn := choose([]*Partition{stuck, long, fine}); len(drawn) != 1 || drawn[0] != fine {
		t.Errorf("%d are drawn", len(drawn))
	}
}
