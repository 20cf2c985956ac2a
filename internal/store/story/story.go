package story

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	leading "github.com/ringmaster-zk/ringmaster/internal/leadership/story"
	group "github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of the store.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	calls map[record.Kind][]record.Operation
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{Explainer: t, calls: map[record.Kind][]record.Operation{}}
	for _, kind := range []record.Kind{history.Open, history.Load, history.Apply, history.Get, history.Collect, record.PowerOff} {
		own.calls[kind] = record.Operations(t.Run.Events, kind)
	}
	all := maps.Clone(leading.Properties(t, explain.Claim))
	for property, why := range conclusions {
		all[property] = func() { own.tell(why) }
	}
	return explain.Words{Properties: all, Event: own.event, Deed: own.deed}
}

// conclusions say why a violation of each property should not have happened.
var conclusions = map[string]string{
	"AppliedAsTold":            "All changes of a call are one write. When its answer is lost, the store asks what became of it before it answers.",
	"NoAcknowledgedLost":       "An application is acknowledged when the store has confirmed it. From then on every manager must find it, until one removes it.",
	"NoneAcknowledgedByFenced": "The system outside compares no tokens. Only fencing keeps an old manager from it: its life must be over before the next manager becomes active.",
	"OnlyTheLastWrites":        "Opening the store raises its epoch, and each write demands that the epoch is still its own. So ZooKeeper must refuse the writes of a store that was opened before.",
	"PartsWhole":               "The parts of a value are written in a place of their own, before the record points to them. So a value is there whole, or the one before it.",
	"LoadComplete":             "A load reads only from servers that have seen the epoch of its store. From there on no earlier store can write.",
	"EpochsGrow":               "The epoch is the version of a znode that is never deleted, and one write raises it.",
	"PartsCollected":           "Parts that were written in an earlier epoch, and belong to no record, will never belong to one again.",
	"ServesAfterHeal":          "All faults were healed, so a manager can become active and load all records.",
	"RecordLinearizable":       "Each record has one state at a time. Every call sees it as the one before has left it.",
}

// tell adds what the verdict rests on.
func (t *explainer) tell(conclusion string) {
	for _, e := range t.Marks {
		t.Event(e)
	}
	t.BlameLast()
	t.Conclusion = conclusion
}

// event adds one event of the kinds of the store.
func (t *explainer) event(e record.Event) bool {
	l := explain.Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: explain.AfterWrites}
	if e.Kind == record.Effect {
		l.Text = fmt.Sprintf("%s acknowledged %s on the system outside.", e.Act().By, e.Act().Task)
		t.Add(l)
		return true
	}
	o := explain.Find(t.calls[e.Kind], e)
	if o == nil {
		return false
	}
	switch e.Kind {
	case record.PowerOff:
		cut := o.Invoke.PowerCut()
		t.whole(&l, o, fmt.Sprintf("%s asked the power switch to end %s", cut.By, cut.Of), "that life was over", "it failed")
	case history.Open:
		t.whole(&l, o, e.Process+" opened the store", fmt.Sprintf("it had epoch %d", o.Done.Token().Epoch), "it failed")
	case history.Load:
		t.whole(&l, o, e.Process+" loaded all records", fmt.Sprintf("it had %d", len(history.Of[history.Found](o.Done).Records)), "it failed")
	case history.Get:
		t.whole(&l, o, e.Process+" read "+history.Of[history.Wanted](o.Invoke).Key, found(o.Done), "it failed")
	case history.Collect:
		t.whole(&l, o, e.Process+" collected parts that belong to no record", fmt.Sprintf("those of %d values were deleted", history.Of[history.Swept](o.Done).Values), "it failed")
	case history.Apply:
		t.whole(&l, o, fmt.Sprintf("%s, with epoch %d, %s", e.Process, o.Invoke.Token().Epoch, asked(o.Invoke)), "it was told that this is applied", "it was told that this is not applied"+because(string(history.Of[history.Told](o.Done).Refusal)))
	}
	t.Add(l)
	return true
}

// found says what a read has found.
func found(e record.Event) string {
	for _, r := range history.Of[history.Found](e).Records {
		if r.Version != history.Absent {
			return fmt.Sprintf("it had version %d, %s", r.Version, r.Value)
		}
	}
	return "there was none"
}

// mostChanges bounds the changes of one call that are told.
const mostChanges = 3

// asked says what a call asks for.
func asked(e record.Event) string {
	var deeds []string
	all := history.Of[history.Asked](e).Changes
	for _, c := range all[:min(len(all), mostChanges)] {
		what := "wrote " + c.Key
		if c.Delete {
			what = "deleted " + c.Key
		}
		if c.If != history.Any {
			what += fmt.Sprintf(" if its version is %d", c.If)
		}
		deeds = append(deeds, what)
	}
	if more := len(all) - mostChanges; more > 0 {
		deeds = append(deeds, fmt.Sprintf("changed %d more", more))
	}
	return explain.Conjoin(deeds)
}

// whole makes the line of an operation.
func (t *explainer) whole(l *explain.Line, o *record.Operation, began, done, failed string) {
	l.At, l.Events, l.Until = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}, o.Return(t.End)
	if o.Done.Type == "" {
		l.Text = began + "; the record does not show its end."
		return
	}
	ended := map[record.Type]string{record.OK: done, record.Fail: failed, record.Info: "it ended with an unknown outcome"}[o.Done.Type]
	l.Text = fmt.Sprintf("%s, and at %s %s.", began, wording.Seconds(o.Done.At), ended)
}

// because is a remark in the middle of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// deed describes a write by what it did to the group and to the store.
func (t *explainer) deed(w explain.Write, _ string) explain.Deed {
	var deeds []string
	add := func(said string) {
		if !slices.Contains(deeds, said) {
			deeds = append(deeds, said)
		}
	}
	c := group.ChangeOf(w.Invoke.Ops())
	for said, is := range map[string]bool{"took the lock": c.Takes, "gave the lock up": c.Gives, "removed the breadcrumb": c.Removes, "left the breadcrumb": c.Leaves != nil} {
		if is {
			add(said)
		}
	}
	slices.Sort(deeds)
	for _, op := range w.Invoke.Ops() {
		name, _, isPart := history.PartOf(op.Path)
		key := history.KeyOf(op.Path)
		switch {
		case op.Kind == "check":
		case op.Path == history.Epoch:
			add("raised the epoch of the store")
		case isPart && op.Kind == "delete":
			add("deleted the parts " + name)
		case isPart:
			add("wrote the parts " + name)
		case key != "" && op.Kind == "delete":
			add("deleted " + key)
		case key != "":
			add("wrote " + key)
		}
	}
	if len(deeds) == 0 {
		deeds = []string{"wrote " + explain.Operations(w.Invoke.Ops())}
	}
	return explain.Deed{By: w.Invoke.Process, What: explain.Conjoin(deeds)}
}
