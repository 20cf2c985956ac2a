package story

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	leadership "github.com/ringmaster-zk/ringmaster/internal/leadership/story"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of the master-worker recipe.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	executions, awaits, submits []record.Operation
	ids                         map[string]string // of tasks
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{
		Explainer: t, ids: map[string]string{},
		executions: record.Operations(t.Run.Events, record.Execute), submits: record.Operations(t.Run.Events, record.Submit),
		awaits: slices.Concat(record.Operations(t.Run.Events, record.Await), record.Operations(t.Run.Events, record.Cancel)),
	}
	for _, e := range t.Run.Events {
		if e.Task() != "" && e.ID() != "" {
			own.ids[e.Task()] = e.ID()
		}
	}
	return explain.Words{Properties: own.properties(), Life: own.life, Event: own.event, Deed: own.deed}
}

// properties has a function for each property with a story of its own.
func (t *explainer) properties() map[string]func() {
	all := map[string]func(){
		"NoLostTask": t.noLostTask, "NoDoubleResult": t.noDoubleResult, "TaskLinearizable": t.taskLinearizable,
		"NoPhantomTask": t.noPhantomTask, "StaleEffectsFenced": t.staleEffectsFenced,
		"ResultFromItsAttempt": t.resultFromItsAttempt, "UniqueAttempts": t.uniqueAttempts,
		"AtomicTransitions": t.atomicTransitions, "TerminalAfterHeal": t.terminalAfterHeal,
		"ResidentExclusive": t.residentExclusive, "BudgetKept": t.budgetKept, "FollowsProtocol": t.followsProtocol,
	}
	maps.Copy(all, leadership.Properties(t.Explainer, claim))
	return all
}

// claim is the epoch in whose name a write was made: the one that it checks, or that of an
// assignment that it makes.
func claim(w explain.Write) (epoch int32, claims bool) {
	if epoch, claims = explain.Claim(w); claims {
		return epoch, claims
	}
	for _, op := range w.Invoke.Ops() {
		if op.Kind == "create" && record.TaskOf(op.Path) != "" {
			if r := record.ParseEntry(op.Data); r.Epoch > 0 {
				return r.Epoch, true
			}
		}
	}
	return 0, false
}

// event adds one event of the kinds of the recipe.
func (t *explainer) event(e record.Event) bool {
	if x := explain.Find(t.executions, e); x != nil {
		t.execution(*x)
		return true
	}
	if x := explain.Find(t.awaits, e); x != nil && x.Done.Type != "" {
		t.answered(*x)
		return true
	}
	if x := explain.Find(t.submits, e); x != nil {
		t.submission(*x, x.Done.Task())
		return true
	}
	l := explain.Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: explain.AfterWrites}
	switch e.Kind {
	case record.Change:
		l.Text = fmt.Sprintf("%s told its application that %s is %s.", e.Process, t.Call(e.Task()), e.TaskChange().Fate)
	case record.Effect:
		l.Text = fmt.Sprintf("The system outside was acted on for %s with token %d.%d (%s); accepted: %v.", t.Call(e.Task()), e.Token().Epoch, e.Token().Attempt, e.Remark(), e.Act().Accepted)
	default:
		return false
	}
	t.Add(l)
	return true
}
