package story

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	leading "github.com/ringmaster-zk/ringmaster/internal/leadership/story"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of the active-standby switch.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	fences, standbys, failovers, cuts []record.Operation
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{Explainer: t}
	for kind, all := range map[record.Kind]*[]record.Operation{
		history.Fence: &own.fences, history.Standby: &own.standbys, history.Failover: &own.failovers, record.PowerOff: &own.cuts,
	} {
		*all = record.Operations(t.Run.Events, kind)
	}
	all := maps.Clone(leading.Properties(t, explain.Claim))
	for property, why := range conclusions {
		all[property] = func() { own.tell(why) }
	}
	return explain.Words{Properties: all, Event: own.event, Deed: own.deed}
}

// conclusions say why a violation of each property should not have happened.
var conclusions = map[string]string{
	"OneActive":         "A process becomes active only after the one before it has become standby, or after its life was ended. No fault is an excuse: fencing is there for all of them.",
	"ActsInTime":        "The system outside compares no tokens. Only fencing keeps an old active from it: its life must be over before the next process becomes active.",
	"FencedFirst":       "The process that wins the lock reads the breadcrumb, fences the process that it names, and leaves its own; then it becomes active. A process that has left in good order has removed its breadcrumb.",
	"FencesTheRightOne": "The breadcrumb names the process that may still act. The hook that fences gets that breadcrumb, and returns nil only when the life that it names is over.",
	"BreadcrumbsTrue":   "The breadcrumb is what the next active fences. So it stays unless its process has become standby in good order; then it goes in the write that gives the lock up.",
	"FailoversTold":     "The old active becomes standby, and then accepts the failover in the write that gives the lock up. From then on only the target takes the lock, while it is there, until the grace is over.",
	"UnhealthyLeave":    "A process that is not healthy leaves the election: it ends its term, and stands again only when it is healthy.",
	"EpochsTold":        "One write takes the lock and raises the epoch. A process is active with the epoch of its own write.",
	"CausesTold":        "A term ends because it is lost, handed over, or told to end, because its process is not healthy, or did not become active. The cause of its context says which.",
	"LedgerInOrder":     "Each write of an active demands that its epoch is the last one. When another process has won the lock, ZooKeeper must refuse the write.",
	"ActiveAfterHeal":   "All faults were healed, so the power switch works at last, and one of the candidates can become active.",
}

// mostCuts bounds the requests to the power switch that are told.
const mostCuts = 12

// tell adds what the verdict rests on, and what the power switch was asked for around it.
func (t *explainer) tell(conclusion string) {
	for _, e := range t.Marks {
		t.Event(e)
	}
	t.BlameLast()
	if len(t.Marks) > 0 {
		from, until := t.Marks[0].At, t.Marks[len(t.Marks)-1].At
		told := 0
		for _, o := range t.cuts {
			if o.Invoke.At <= until && o.Return(t.End) >= from && told < mostCuts {
				told++
				t.cut(o)
			}
		}
	}
	t.Conclusion = conclusion
}

// cut adds a request to the power switch.
func (t *explainer) cut(o record.Operation) {
	cut := o.Invoke.PowerCut()
	l := explain.Line{At: o.Invoke.At, Process: cut.By.Process, Target: cut.Of.Process, Until: o.Return(t.End), Events: []int{o.Invoke.Seq, o.Done.Seq}, Order: explain.AfterWrites}
	l.Text = fmt.Sprintf("%s asked the power switch to end %s", cut.By, cut.Of)
	switch {
	case o.Done.Type == "":
		l.Text += "; the record does not show the answer."
	case o.Done.Type != record.OK:
		l.Text += fmt.Sprintf(", which failed at %s.", wording.Seconds(o.Done.At))
	case o.Done.PowerCut().Already:
		l.Text += fmt.Sprintf(", which was over already, as the switch said at %s.", wording.Seconds(o.Done.At))
	default:
		l.Text += fmt.Sprintf(", which was over at %s.", wording.Seconds(o.Done.At))
	}
	t.Add(l)
}

// event adds one event of the kinds of the switch.
func (t *explainer) event(e record.Event) bool {
	l := explain.Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: explain.AfterWrites}
	switch e.Kind {
	case record.PowerOff:
		t.cut(*explain.Find(t.cuts, e))
		return true
	case history.Fence:
		o := explain.Find(t.fences, e)
		t.whole(&l, o, fmt.Sprintf("%s was told to fence %q", e.Process, history.Of[history.Fenced](o.Invoke).Old), "it was done", "it failed")
	case history.Standby:
		o := explain.Find(t.standbys, e)
		t.whole(&l, o, fmt.Sprintf("%s was told to become standby%s", e.Process, because(string(history.Of[history.Ended](o.Invoke).Why))), "it was standby", "it failed")
	case history.Failover:
		o := explain.Find(t.failovers, e)
		to := history.Of[history.Wish](o.Invoke).To
		if to == "" {
			to = "any other process"
		}
		told := history.Of[history.Told](o.Done)
		t.whole(&l, o, fmt.Sprintf("%s asked for a failover to %s", e.Process, to), fmt.Sprintf("it was told that %s is active with epoch %d", told.Name, told.Epoch), fmt.Sprintf("it was refused (%s)", told.Refusal))
	case history.Neutral:
		l.Text = e.Process + " was told to be neutral, because the ensemble did not answer."
	case history.Again:
		l.Text = e.Process + " was told that it is active again."
	case history.Over:
		l.Text = fmt.Sprintf("%s heard that its term with epoch %d is over%s.", e.Process, e.Token().Epoch, because(string(history.Of[history.Ended](e).Why)))
	case history.Health:
		l.Text = e.Process + map[bool]string{true: " said that it is healthy.", false: " said that it is not healthy."}[history.Of[history.Report](e).Good]
	case record.Effect:
		l.Text = fmt.Sprintf("%s acted on the system outside (%s).", e.Act().By, e.Remark())
	default:
		return false
	}
	t.Add(l)
	return true
}

// whole makes the line of an operation.
func (t *explainer) whole(l *explain.Line, o *record.Operation, began, done, failed string) {
	l.At, l.Events, l.Until = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}, o.Return(t.End)
	ended := map[record.Type]string{record.OK: done, record.Fail: failed, record.Info: "it ended with an unknown outcome"}[o.Done.Type]
	if o.Done.Type == "" {
		l.Text = began + "; the record does not show its end."
		return
	}
	l.Text = fmt.Sprintf("%s, and at %s %s.", began, wording.Seconds(o.Done.At), ended)
}

// because is a remark in the middle of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// deed describes a write by what it did to the group.
func (t *explainer) deed(w explain.Write, _ string) explain.Deed {
	c := history.ChangeOf(w.Invoke.Ops())
	var deeds []string
	add := func(is bool, said string) {
		if is {
			deeds = append(deeds, said)
		}
	}
	add(c.Takes, "took the lock")
	add(c.Gives, "gave the lock up")
	add(c.Removes, "removed the breadcrumb")
	if c.Leaves != nil {
		add(true, fmt.Sprintf("left the breadcrumb %q", *c.Leaves))
	}
	if c.Asks != nil {
		add(true, fmt.Sprintf("asked for a failover to %q", c.Asks.To))
	}
	if c.Accepts != nil {
		add(true, fmt.Sprintf("accepted the failover to %q", c.Accepts.To))
	}
	add(c.Withdraw, "deleted the request")
	add(c.Joins != "", "joined the candidates")
	add(c.Quits != "", "left the candidates")
	if len(deeds) == 0 {
		deeds = []string{"wrote " + explain.Operations(w.Invoke.Ops())}
	}
	return explain.Deed{By: w.Invoke.Process, What: explain.Conjoin(deeds)}
}
