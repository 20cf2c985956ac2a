package lanes

import (
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/judge"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func page(t *testing.T, run record.Run) string {
	t.Helper()
	lanes := Lanes()
	lanes.Objects = "tasks" // torture sets it
	p := report.Page{Run: record.NewIndex(run, record.TaskObjects()), Lanes: lanes, Report: &checker.Check(run, 42, judge.Judging()).Report}
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	p.Lanes.Print(&b, p.Report)
	return b.String()
}

// TestLanes_SayWhatTasksDid: the page of a run speaks of tasks, workers and clients, draws
// how much they did, and draws no kind of theirs one by one.
func TestLanes_SayWhatTasksDid(t *testing.T) {
	text := page(t, recordtest.Frozen(t, "accepted"))
	for _, want := range []string{
		"VALID: every property holds over 2 tasks and 2 effective faults.", "A master, its backups, workers and clients used", "the tasks were\ndrained",
		"Small bars: how many tasks a worker began to execute, or a client submitted.", ">accepted</text>", ">finished, as the client sees it</text>",
		">submit</text>", ">await</text>", "Submitting: median", "Waiting for the status: median", "linearizability of elections and tasks is searched",
		"Bars with an epoch: a master believed to lead.", "epoch 2", "\n2 submissions, 2 tasks: 2 done, 0 failed, 0 cancelled, 0 collected; 3 executions,",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "Flat bars") {
		t.Error("a kind of the recipe is drawn one by one")
	}
}

// TestLanes_DescribeEachEvent: the rows below a violation have what only their kinds have.
func TestLanes_DescribeEachEvent(t *testing.T) {
	for _, c := range []struct {
		of   record.Payload
		want string
	}{
		{record.Act{Accepted: true}, "accepted: true"}, {record.Answer{State: "done", Result: "r"}, "done: r"}, {record.Answer{}, ""},
		{record.TaskChange{Fate: record.Finished}, "finished"}, {record.Execution{Lapsed: true}, "the lease was over"}, {record.Execution{}, ""}, {record.Term{}, ""},
	} {
		if got := strings.Join(detail(record.Event{Of: c.of}), "; "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.of, got, c.want)
		}
	}
}
