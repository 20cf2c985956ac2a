package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	masterworker "github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// judged loads one of the checker's frozen histories with its verdict.
func judged(t *testing.T, name string) Page {
	t.Helper()
	run := recordtest.Frozen(t, name)
	return Page{
		Run: indexed(run), Lanes: Lanes{Objects: "tasks"}, Report: &checker.Check(run, 42, masterworker.Judging()).Report, Servers: []string{"zk1"},
		Settings: []Setting{{"seed", "42"}, {"remark", "<script>"}}, Linearizability: "linearizability.html",
	}
}

func indexed(run record.Run) *record.Index { return record.NewIndex(run, record.TaskObjects()) }

func render(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage_ShowsWhatHappened(t *testing.T) {
	page := render(t, judged(t, "accepted"))
	for _, want := range []string{
		"VALID: every property holds over 2 tasks and 2 effective faults.", "epoch 1", "epoch 2", ">master-1<", ">worker-2<", ">zk1<",
		"stop-master", "expire-worker", "effective", "SingleMaster", "TaskLinearizable", `href="linearizability.html"`, "seed 42", "&lt;script&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "What is wrong") {
		t.Error("a valid run has a section about what is wrong")
	}
	for _, foreign := range []string{"http://", "https://", "<script"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page is not self-contained: %q", foreign)
		}
	}
}

// TestPage_HasThePictureOfAViolation: the failing run above all must have its picture,
// with the events it rests on marked in it and listed below it.
func TestPage_HasThePictureOfAViolation(t *testing.T) {
	page := render(t, judged(t, "SingleMaster-stale-write-bad"))
	section, _, found := strings.Cut(page, "<h2>Timeline</h2>")
	if !found || !strings.Contains(section, "What is wrong") {
		t.Fatal("no section about what is wrong above the timeline")
	}
	for _, want := range []string{"a stale master was not fenced", "<svg", "stroke-dasharray:3 2", "write ok", "create /assign/worker-1/x"} {
		if !strings.Contains(section, want) {
			t.Errorf("the violation lacks %q", want)
		}
	}
}

func TestPrint_Sentences(t *testing.T) {
	for name, want := range map[string]string{
		"accepted": "VALID:", "NoLostTask-bad": "INVALID: NoLostTask is violated.", "no-tree-unknown": "UNKNOWN: nothing is violated, but NoLostTask",
		"no-effective-fault-vacuous": "VACUOUS: every property holds, but the run proves nothing: no fault was effective",
	} {
		p := judged(t, name)
		if got := p.Lanes.Sentence(p.Report); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		var b bytes.Buffer
		p.Lanes.Print(&b, p.Report)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: the terminal does not say %q", name, want)
		}
	}
}

func TestPage_OfAnEmptyHistory(t *testing.T) {
	p := Page{Run: indexed(record.Run{}), Report: &checker.Check(record.Run{}, 1, masterworker.Judging()).Report}
	if page := render(t, p); !strings.Contains(page, "vacuous") && !strings.Contains(page, "unknown") {
		t.Error("an empty history has no verdict")
	}
}
