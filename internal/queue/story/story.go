package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Stories tells the violations of queues.
func Stories() explain.Stories { return explain.Stories{Begin: begin} }

// explainer tells one story.
type explainer struct {
	*explain.Explainer
	ops map[record.Kind][]record.Operation
}

func begin(t *explain.Explainer) explain.Words {
	own := &explainer{Explainer: t, ops: map[record.Kind][]record.Operation{}}
	for _, kind := range []record.Kind{history.Put, history.Take, history.Hold, history.Ack, history.Release} {
		own.ops[kind] = record.Operations(t.Run.Events, kind)
	}
	all := map[string]func(){}
	for property, why := range conclusions {
		all[property] = func() { own.tell(why) }
	}
	return explain.Words{Properties: all, Event: own.event, Deed: own.deed}
}

// conclusions say why a violation of each property should not have happened.
var conclusions = map[string]string{
	"NoLoss":             "An item that was put leaves its queue when a consumer has it recorded as consumed, and in no other way. A write that takes it out of one folder puts it into another.",
	"NoUnexpected":       "What consumers take is what producers have put, as they have put it. A put that is told to have failed makes no item, now or later.",
	"PutOnce":            "Each put raises the version of its lane by one. Sent again after a lost answer, it is refused if it was applied before.",
	"ConsumedOnce":       "The consumption is one write: it deletes the claim and the item, and makes what the consumer writes with that. It is applied once or not at all, and the answer or the tree tells which.",
	"ExclusiveClaim":     "An item has one claim, and each take raises the version of the item. The old consumer stops before its session can end. Only a fault that stops a consumer, or ends its session early, excuses two beliefs, and there is none here.",
	"Order":              "A consumer reads both lists after a sync, and takes the first item that has no claim. A delayed item comes into line when the clock of a consumer says that it is due.",
	"Empty":              "A consumer reads both lists after a sync. If an item was in line and free all the time, both lists say so.",
	"DeadLetter":         "The version of an item is the number of its takes. A consumer that finds it as great as the limit makes the item a dead letter; with a smaller one it takes the item.",
	"Recovered":          "The claim of a consumer goes with its session. Its item stays in line, and the next consumer takes it.",
	"NothingLeft":        "A consumer that consumes an item, gives it back or fails must delete its claim. A claim that stays keeps the item from all others until the session ends.",
	"WriteFenced":        "A consumer's write demands that its claim is there, and that the item has the version of its take. When one of them is gone, ZooKeeper must refuse the write.",
	"StaleEffectsFenced": "After an act with a token, the system outside must refuse every act with a smaller token for the same item.",
	"ItemLinearizable":   "Each operation takes effect at one moment between its begin and its end. No such order has the item free when it is taken, and taken when its consumer writes about it, consumes it or gives it back.",
}

// tell adds what the verdict rests on, and where the item is in the end.
func (t *explainer) tell(conclusion string) {
	t.Evidence()
	if e, begun := t.Index.Began(record.Draining); begun && len(t.Marks) == 0 {
		t.Add(explain.Line{At: e.At, Process: explain.Harness, Events: []int{e.Seq}, Order: explain.AfterWrites, Text: "All faults are healed: from here on the consumers must empty every queue."})
	}
	if t.Object != "" {
		t.tree(t.Object)
	}
	t.Conclusion = conclusion
}

// event adds one event of the kinds of queues.
func (t *explainer) event(e record.Event) bool {
	l := explain.Line{At: e.At, Process: e.Process, Events: []int{e.Seq}, Order: explain.AfterWrites}
	if all, own := t.ops[e.Kind]; own {
		o := explain.Find(all, e)
		l.At, l.Events = o.Invoke.At, []int{o.Invoke.Seq, o.Done.Seq}
		l.Text = fmt.Sprintf("%s %s", e.Process, t.operation(*o))
		if e.Kind == history.Hold {
			l.Until, l.Belief = o.Return(t.End), true
		}
		t.Add(l)
		return true
	}
	switch {
	case history.Is(e, history.Settled):
		l.Text = e.Process + " had given back all, and asked for nothing any more."
	case e.Kind == record.Effect:
		l.Text = fmt.Sprintf("The system outside %s an act on %s with token %d (%s).", map[bool]string{true: "accepted", false: "refused"}[e.Act().Accepted], t.Call(e.Object()), e.Token().Epoch, e.Remark())
	default:
		return false
	}
	t.Add(l)
	return true
}

// operation says what a participant did, after its name.
func (t *explainer) operation(o record.Operation) string {
	item, token := t.Call(o.Invoke.Object()), o.Invoke.Token().Epoch
	switch o.Invoke.Kind {
	case history.Put:
		return t.put(o)
	case history.Take:
		return t.take(o)
	case history.Hold:
		return fmt.Sprintf("believed to have %s with token %d from here until %s%s.", item, token, wording.Seconds(o.Return(t.End)), because(o.Done.Remark()))
	case history.Ack:
		return fmt.Sprintf("had %s recorded as consumed (token %d)%s", item, token, outcome(o))
	}
	return fmt.Sprintf("gave %s back (token %d)%s", item, token, outcome(o))
}

// outcome says how an operation ended.
func outcome(o record.Operation) string {
	switch o.Outcome() {
	case record.OK:
		return fmt.Sprintf(", which was confirmed at %s.", wording.Seconds(o.Done.At))
	case record.Fail:
		return fmt.Sprintf(", and was told that this did not happen%s.", because(o.Done.Remark()))
	}
	return fmt.Sprintf(", which was not confirmed%s.", because(o.Done.Remark()))
}

func (t *explainer) put(o record.Operation) string {
	said := "put item " + o.Invoke.ID()
	if p, err := record.OwnData[history.Intended](o.Invoke); err == nil {
		said += fmt.Sprintf(" into %s (priority %d", p.Queue, p.Priority)
		if p.Delay > 0 {
			said += fmt.Sprintf(", delay %v", p.Delay)
		}
		said += ")"
	}
	if o.Outcome() == record.OK {
		return fmt.Sprintf("%s, and at %s it was told that this is %s.", said, wording.Seconds(o.Done.At), t.Call(o.Done.Object()))
	}
	return said + outcome(o)
}

func (t *explainer) take(o record.Operation) string {
	said := "asked for an item"
	if asked, err := record.OwnData[history.Asked](o.Invoke); err == nil {
		said += " of " + asked.Queue
	}
	switch o.Done.Type {
	case record.OK:
		return said + fmt.Sprintf(", and at %s it was told that it has %s with token %d.", wording.Seconds(o.Done.At), t.Call(o.Done.Object()), o.Done.Token().Epoch)
	case "":
		return said + "; the record does not show the answer."
	}
	return said + fmt.Sprintf(", and at %s it was told that it got none%s.", wording.Seconds(o.Done.At), because(o.Done.Remark()))
}

// because is a remark in the middle of a sentence.
func because(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(remark, ".") + ")"
}

// deed describes a write by what it did to an item.
func (t *explainer) deed(w explain.Write, item string) explain.Deed {
	change, call := history.ChangeOf(completed(w)), func(path string) string { return t.Call(history.ItemOf(path)) }
	var deeds []string
	say := func(format string, args ...any) { deeds = append(deeds, fmt.Sprintf(format, args...)) }
	for _, taken := range change.Taken {
		say("took %s with token %d", call(taken.Path), taken.Token)
	}
	for _, z := range change.Gone {
		say("deleted %s", call(z.Path))
	}
	for _, m := range change.Made {
		say("made %s, with item %s", call(m.Path), m.Item.ID)
	}
	for _, z := range change.Ended {
		say("deleted the claim to %s", call(z.Path))
	}
	for _, e := range change.Entries {
		switch e.N {
		case history.Late:
			say("tried to write about item %s in the name of token %d once more", e.Item, e.Token)
		case history.Consumed:
			say("wrote that item %s is consumed", e.Item)
		default:
			say("wrote entry %d about item %s in the name of token %d", e.N, e.Item, e.Token)
		}
	}
	if len(deeds) == 0 {
		deeds = []string{"wrote " + explain.Operations(w.Invoke.Ops())}
	}
	return explain.Deed{By: w.Invoke.Process, What: explain.Conjoin(deeds)}
}

// completed are the parts of a write with the names that the server has completed. Without an
// answer, a name ends with zeros.
func completed(w explain.Write) []record.Op {
	ops := slices.Clone(w.Invoke.Ops())
	for i, op := range ops {
		if !op.Sequential {
			continue
		}
		ops[i].Path += "0000000000"
		for _, got := range w.Done.Ops() {
			if got.Kind == op.Kind && strings.HasPrefix(got.Path, op.Path) {
				ops[i].Path = got.Path
			}
		}
	}
	return ops
}

// tree adds whether the final tree has the item, and a claim to it.
func (t *explainer) tree(item string) {
	l := explain.Line{At: t.End, Process: explain.Harness, Order: explain.AfterWrites, Text: fmt.Sprintf("The final tree does not have %s.", t.Call(item))}
	for _, n := range t.Run.Evidence.Nodes {
		switch {
		case n.Path == item:
			l.Text, l.Zxid = fmt.Sprintf("The final tree has %s, with version %d.", t.Call(item), n.Version), n.Mzxid
		case history.ItemOf(n.Path) == item:
			l.Text, l.Wrong = fmt.Sprintf("The final tree has the claim %s.", n.Path), true
		}
	}
	t.Add(l)
}
